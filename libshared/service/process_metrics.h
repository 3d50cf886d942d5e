/* process_metrics.h - what the kernel knows of this process, as Prometheus text. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

void process_metrics_print(struct buf *out);

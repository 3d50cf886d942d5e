/* hold.h - the runs about connections alone: how many a second, and what an idle one costs. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/bench/load/options.h"

/* Open all connections, hold them, say how many there are. */
void hold_idle(const struct options *options);

/* Time the opening of all connections; they stay open until the last one is. */
void hold_connect(const struct options *options);

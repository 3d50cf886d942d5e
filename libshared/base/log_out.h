/* log_out.h - the lines on their way from who logs to who reads. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

size_t log_waiting(void); /* bytes that are not written yet */

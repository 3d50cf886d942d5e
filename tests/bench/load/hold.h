/* hold.h - the runs about connections alone: how many a second, and what an idle one costs. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

#include "tests/bench/load/options.h"

/* Open all connections, hold them, say how many there are. False: not all of them. */
bool hold_idle(const struct options *options);

/* Time the opening of all connections; they stay open until the last one is. False: not all
 * of them. */
bool hold_connect(const struct options *options);

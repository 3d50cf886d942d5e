/* hold.h - the runs about connections alone: how many a second, what an idle one costs, and when they are told to go. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

#include "tests/bench/load/options.h"

/* Open all connections, hold them, say how many there are. False: not all of them. */
bool hold_idle(const struct options *options);

/* Time the opening of all connections; they stay open until the last one is. False: not all
 * of them. */
bool hold_connect(const struct options *options);

/* Open all connections, and say when each was told why it has to go, or lost. False: not all of them. */
bool hold_ended(const struct options *options);

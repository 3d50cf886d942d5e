/* traffic.h - the runs in which messages flow: fanout, rooms, durable. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

#include "tests/bench/load/options.h"

/* What makes a sender send its next message. */
enum traffic_clock {
    CLOCK_HEARD, /* one of its messages was heard by all */
    CLOCK_ACKED, /* one of its messages was acknowledged */
};

/* Open a sender and the members of each listed room, let messages flow, print the figures.
 * False: something was heard twice, out of order, by the wrong one or not at all. */
bool traffic_run(const struct options *options, enum traffic_clock clock);

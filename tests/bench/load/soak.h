/*
 * soak.h - the run for minutes: clients as they should be.
 *
 * Each room has one sender, which sends again, with the same id, what was not acknowledged. Everybody in it listens,
 * the sender too; whoever loses the connection comes back after a second or so and says what was heard last. Of the
 * `stalled`, all in the first few rooms, which are busy, half stop to read for some seconds again and again, and half
 * read nothing until the end.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

#include "tests/bench/load/options.h"

/* `ready`, then traffic from a line on standard input to the next (or for so many seconds), then the figures.
 * False: something was lost, repeated or reordered. */
bool soak_run(const struct options *options);

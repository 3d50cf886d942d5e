/*
 * own.h - consumers of the logs that are the store's own: FEED rows without a method.
 *
 * Such a one is called on a worker with rooms that have something.  In the transaction that it is called in it reads what there is behind
 * each one's place (feed_spans), writes what follows, raises the place (feed_keep), and says what it has taken: so each entry has its
 * consequence once, whoever is killed.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/store/feeds/feeds_private.h"

/* The spans that it took, and of which there may be more behind them. */
typedef enum err feed_take_fn(
    struct pg *pg, struct arena *arena, const char *feed, struct id_list rooms, struct feed_news *out);

feed_take_fn search_take MUST_CHECK;

/* feeds_private.h - between the loop's side of feeds and the statements. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/store/feeds/feeds.h"
#include "services/store/store.h"

/* clang-format off */
enum {
#define FEED(name, method, doc) FEED_##name,
#include "proto/begin.def"
#include "proto/store.def"
#include "proto/end.def"
    FEEDS
};
/* clang-format on */

#define FEED_ROOMS_AT_ONCE 50   /* in one batch */
#define FEED_VOICES_MAX    1000 /* proto/chat.def: feed_batch.voices */
#define FEED_ENTRIES_MAX                                                                                               \
    200 /* that are handed on: each may have ten names, and each of these is looked up in 32 lengths */
#define FEED_SPAN_MAX      20000 /* messages that are walked at a time */
#define FEED_SWEPT_AT_ONCE 1000
#define FEED_TEXT_CHARS    3000 /* proto/chat.def: feed_text.text */

/* A room that is behind its head, and when its first entry was stored that was not handed on. */
struct late_room {
    struct id room;
    int64_t at;
};
struct late_room_list {
    struct late_room *at;
    size_t len;
};

/* By an alert, of which auth counts how often it is said. */
void feed_tell_operators(struct store *store, const char *feed, int64_t late_ms);

struct feed_news {
    struct feed_batch batch;
    bool is_cut[FEED_ROOMS_AT_ONCE];     /* of each span: there may be more behind it */
    int64_t last_at[FEED_ROOMS_AT_ONCE]; /* when the last of what it names was stored; 0: it names nothing */
};

/* Of these rooms those that have something behind where the consumer is, and as much of it as is looked through at a time: of members'
 * messages not more than of_each. */
enum err feed_spans(struct pg *pg, struct arena *arena, const char *feed, struct id_list rooms, size_t of_each,
    struct feed_news *out) MUST_CHECK;
/* What is in these rooms' logs behind where the consumer is: at most a span of each, with as many entries as of the others;
 * in those of `texts` with all entries, and what they say. */
enum err feed_read(struct pg *pg, struct arena *arena, const char *feed, struct id_list rooms, struct id_list texts,
    struct feed_news *out) MUST_CHECK;
/* Where the consumer says that it is. */
enum err feed_keep(struct pg *pg, struct arena *arena, const char *feed, struct feed_place_list places) MUST_CHECK;
/* Of the next rooms behind `*after` those that are late; `*after` is the last one looked at, *n how many there were. */
enum err feed_sweep(struct pg *pg, struct arena *arena, const char *feed, struct id *after, int64_t *n,
    struct late_room_list *out) MUST_CHECK;

/*
 * search.h - messages are found by what they say.
 *
 *      log --feeds/--> search_take: texts --text.c: folded--> keys.c: numbers --> search_entry, and the place, in one transaction
 *                                                                                      ^
 *      message.search --> chat: which rooms? --> search_read: from the newest span of time on, what has all keys --> the texts:
 *                                                has it the words? --> messages as they are now, and where in them the words are
 *
 * The index says where to look, and the texts as they are now what is there: so what was edited is found by what it says now, and what was
 * deleted not at all, however far the index has come.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"
#include "services/store/search/keys.h"

struct pg;

#define SEARCH_SEGMENT_MAX                                                                                             \
    65536 /* messages of a span of time: the newest is closed then, another is cut in two at twice as many */

#define SEARCH_SCRATCH (64u << 20) /* for folding a message, or some */

/* segments.c: what is needed of the spans once some have more in them. */
enum err search_tend_segments(struct pg *pg, struct arena *arena) MUST_CHECK;

/* A message as it is looked for. */
struct search_source {
    struct id room;
    int64_t seq, at;
    struct str sender, body;
    bool is_reply, shows_media;
};
struct search_source_list {
    struct search_source *at;
    size_t len;
};

/* texts.c: of these messages those that are there for this reader (STR_NONE: for anybody), in that order, as they are now. */
enum err search_texts(struct pg *pg, struct arena *arena, struct id_list rooms, const int64_t *seqs, struct str reader,
    struct search_source_list *out) MUST_CHECK;
unsigned search_kinds(const struct search_source *source);

/* A place in the order in which messages are found: the newest first, of one moment by room and seq. */
struct search_place {
    int64_t at;
    struct id room;
    int64_t seq;
};

struct search_asking {
    struct search_words words;
    struct readable_room_list rooms; /* where to look */
    struct str sender;               /* len 0: anybody */
    unsigned kinds;                  /* 0: any */
    int64_t from;                    /* not older than this */
    struct search_place behind;      /* only what comes behind this */
    int64_t limit;
    struct str reader;
    int64_t until_us; /* no other step is begun then, once one was made */
};

struct search_answer {
    struct search_hit_list found;
    struct search_place next; /* the next page is behind this */
    bool is_done;             /* there is none */
};

/* search_read.c: in one moment of the database. */
enum err search_read(
    struct pg *pg, struct arena *arena, const struct search_asking *asking, struct search_answer *out) MUST_CHECK;

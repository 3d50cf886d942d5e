/*
 * keys.h - what the index has of a message: numbers, under each of which the message is found.
 *
 *      each two characters that stand together     each character that begins a word     its room, its sender, its kinds
 *
 * A query is such numbers, too: what has all of them may be what is looked for, and the text tells.  Two things may have one number: that
 * costs a look at the text.  In the index each number is joined with that of the message's segment (search_segment), so that a query reads
 * one span of time after the other.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/id.h"
#include "services/store/search/text.h"

enum search_kind { SEARCH_reply = 1, SEARCH_media = 2, SEARCH_link = 4 };

struct search_keys {
    int32_t *at; /* ascending, each once */
    size_t len;
};

/* The kinds that a text makes a message one of. */
unsigned search_kinds_of(struct str body);

int32_t search_key_of_room(struct id room);

/* All of a message. */
struct search_keys search_keys_of_message(
    struct arena *arena, const struct search_text *text, struct id room, struct str sender, unsigned kinds);
/* What a message has that is looked for; sender.len 0: anybody's, kinds 0: of any. */
struct search_keys search_keys_of_query(
    struct arena *arena, const struct search_words *words, struct str sender, unsigned kinds);

/* What a segment's number makes of each key: key ^ search_salt(segment). */
int32_t search_salt(int64_t segment);

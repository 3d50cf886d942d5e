/*
 * text.h - texts as search compares them, and where words are in them.
 *
 * A text is folded: its characters in Unicode's composed form (NFC), their case folded, and without what is not seen (default ignorable:
 * variation selectors, joiners, soft hyphens).  Each folded character knows which characters of the text it comes from, so that what is
 * found can be shown there.  Characters that combine are folded together, 32 at most.
 *
 * A word of a query is what has no blank in it.  It is in a text where its characters stand one behind the other, whatever stands around
 * them; so words of Korean are found with their particles, and those of languages without blanks.  One letter or digit of a script that
 * separates its words is nowhere but where one begins: anywhere else it says nothing.  A syllable, an ideograph, an emoji is a word itself.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

struct search_text {
    int32_t *at;     /* folded characters */
    uint32_t *from;  /* of each: so many characters of the text stand before those that it comes from, */
    uint32_t *until; /* and before what follows those */
    size_t len;
};

/* Of valid UTF-8. */
struct search_text search_fold(struct arena *arena, struct str text);

#define SEARCH_WORDS_MAX 16

struct search_words {
    struct search_text at[SEARCH_WORDS_MAX];
    size_t len;
};

/* false: there are none, or more than SEARCH_WORDS_MAX. */
bool search_cut_words(const struct search_text *query, struct search_words *out);

/* Is a blank here? */
bool search_is_blank(int32_t c);
/* Does what stands here begin a word, as one character is looked for? */
bool search_begins_word(const struct search_text *text, size_t i);

/* A piece of a text as it was, in characters. */
struct search_piece {
    uint32_t from, until;
};
struct search_pieces {
    struct search_piece *at;
    size_t len;
};

/* Are all words in it?  The pieces are those of the words, one behind the other and without overlap, the first `max`. */
bool search_match(struct arena *arena, const struct search_text *text, const struct search_words *words, size_t max,
    struct search_pieces *out);

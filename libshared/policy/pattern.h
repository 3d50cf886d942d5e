/* pattern.h - text with * for any characters and {sub} for the subject, prepared for asking often. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "libshared/base/arena.h"

#define PATTERN_BYTES_MAX 1024 /* a field of proto/policy.def has 128 characters */

/* Of a pattern's text.  Both are small: a policy may have 9,216 patterns, and a pattern of stars and letters is all pieces. */
struct piece {
    uint16_t at, len;
    enum __attribute__((packed)) { PIECE_TEXT, PIECE_STAR, PIECE_SUBJECT } kind;
};

struct pattern {
    enum __attribute__((packed)) { PATTERN_ANY, PATTERN_EXACT, PATTERN_PREFIX, PATTERN_SUFFIX, PATTERN_PIECES } kind;
    bool has_subject;
    char head, tail;      /* what a fitting text begins and ends with; 0: anything */
    uint16_t min_len;     /* no shorter text fits */
    uint16_t n_pieces;    /* PIECES */
    struct piece *pieces; /* PIECES */
    struct str text;      /* EXACT, PREFIX, SUFFIX; of PIECES all of it */
};

/* Copies what it needs into the arena. */
struct pattern pattern_compile(struct arena *arena, struct str text);
/* Nothing fits an empty text but `*`; nothing with {sub} fits without a subject.  The subject is literal: a * in it is a star. */
static inline bool pattern_fits(const struct pattern *p, struct str text, struct str subject);

/* It begins with a text of its own: neither * nor {sub}. */
static inline bool pattern_is_name(const struct pattern *p)
{
    return p->head != 0;
}

bool pattern_walk(const struct pattern *p, struct str text, struct str subject);

/* Most patterns that do not fit differ in length or at an end: that much is decided without a call. */
static inline bool pattern_fits(const struct pattern *p, struct str text, struct str subject)
{
    if (p->kind == PATTERN_ANY) return true;
    if (text.len < p->min_len || text.len == 0) return false;
    if ((p->head != 0 && text.at[0] != p->head) || (p->tail != 0 && text.at[text.len - 1] != p->tail)) return false;
    return pattern_walk(p, text, subject);
}

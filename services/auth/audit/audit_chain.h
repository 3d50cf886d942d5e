/*
 * audit_chain.h - the chain of hashes without the database: a copy of it, line by line.
 *
 *      {"n":7,"hash":"<64 hex digits>","prev":"<those of the link before>","row":[7,1764331200000000,"admin:root","key.issue","k1",{...}]}
 *
 * hash is SHA-256 over the bytes of prev and the text of row, to the letter as it stands here.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct audit_cursor {
    int64_t n;      /* of the last link; 0: none yet */
    char hash[65];  /* and its hash, hex digits */
    int64_t broken; /* the first that did not follow; -1: a line that is no link; 0: none */
};

/* A copy may begin anywhere: what its first link's prev is, is not known from it. */
void audit_chain_begin(struct audit_cursor *cursor);
/* false: this line breaks the chain, and what follows is not looked at any more. */
bool audit_chain_take(struct audit_cursor *cursor, struct str line);
/* The line of a link, without its end. */
void audit_chain_put(struct buf *out, const struct audit_link *link);

/*
 * offset.h - how far a socket has heard, as the text that its client keeps and brings back.
 *
 *      a0.1b-3.2     in epoch a: up to seq 47 in the room with room number 0, up to seq 2 in that with room number 3
 *      a             nothing yet
 *      a-            not to be taken up again
 *
 * Marks are the socket's own, in the order of joining; numbers are base 36.  A room in which nothing was heard since it
 * was joined is left out: its base is on record (recovery/record.h).  A client keeps its last offset when it has to start anew:
 * each such start has another epoch, so that what it says of older rooms is not taken for these.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

#define OFFSET_ROOMS_MAX 1000
#define OFFSET_BYTES_MAX (OFFSET_ROOMS_MAX * 24)

void offset_begin(struct buf *out, char epoch);                  /* clears out first */
void offset_add(struct buf *out, uint32_t room_no, int64_t seq); /* room numbers ascend */
void offset_lose(struct buf *out);

struct offset {
    bool lost;
    size_t n;
    struct offset_entry {
        uint32_t room_no;
        int64_t seq;
    } * at;
};
/* false: not an offset of this epoch. */
bool offset_read(struct str text, char epoch, struct arena *arena, struct offset *out);
bool offset_is_epoch(char c);
/* The epoch for a client that brings this offset (STR_NONE: none) and begins anew: another than the offset's. */
char offset_next_epoch(struct str text);

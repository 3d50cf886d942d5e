/*
 * pieces.h - bytes between a client and a service, piece by piece: how many may be under way.
 *
 *      client --data--> [ piece ] --rpc, a window of them--> service        rest_upload.c
 *      client <--write-- [ pieces ] <--rpc, the same window-- service       rest_download.c
 *      client <--write-- [ part ] <--rpc, one at a time-- service           rest_lines.c
 *
 * Each transfer has a window of pieces without an answer, and all of them together have a bound: whoever finds it reached
 * waits in a queue.  So what the gateway holds does not depend on how large a body is, nor on how slow either end.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PIECE_BYTES   65536
#define PIECES_WINDOW 4
/* Half of what may be unanswered of one service: the rest is for all else. */
#define PIECES_MAX    256

struct piece_turn {
    void (*go)(void *arg); /* there may be room */
    void *arg;
    bool waits;
    struct piece_turn *next;
};

struct pieces {
    size_t under_way;
    struct piece_turn *first, *last;
};

bool pieces_have_room(const struct pieces *pieces);
void pieces_begin(struct pieces *pieces); /* one is asked for, or sent */
void pieces_end(struct pieces *pieces);   /* it was answered: the next in the queue has its turn */
void pieces_wait(struct pieces *pieces, struct piece_turn *turn);
void pieces_leave(struct pieces *pieces, struct piece_turn *turn); /* it waits no more, if it did */

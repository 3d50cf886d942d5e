/*
 * turns.h - what one subject sends to one room stays in its order, though a target is read before some of it may go on.
 *
 *      message          --> goes on at once: the committer keeps their order
 *      edit of 7        --> reads 7, is stored, is answered
 *      message          ---> waits until the edit is answered
 *      reaction to 7    ---> and this for both
 *
 * Only where somebody does something to messages is there a line, and then whatever they send to that room stands in it.
 * Loop thread only.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/id.h"
#include "libshared/base/str.h"

struct turns;
struct turn_queue;

struct sender_turn {
    struct id room;
    struct str subject; /* lives until the turn is left */
    void (*begin)(void *arg);
    void *arg;
    struct turn_queue *line; /* NULL: it stands in none */
    struct sender_turn *prev, *next;
};

struct turns *turns_create(void);
void turns_destroy(struct turns **turns); /* who still waits has gone already */
/* true: go on now.  false: `begin` will be called.  opens: it needs a line even if there is none. */
bool turns_take(struct turns *turns, struct sender_turn *turn, bool opens);
void turns_leave(struct turns *turns, struct sender_turn *turn); /* also of one that stands in no line */

/* walk.c - the sessions of one path one after the other, in as many turns of the loop as it takes. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/session_private.h"

#include <utlist.h>

/* The table keeps the order in which they began. */
void eio_walk_begin(struct eio_walk *walk, struct eio *eio)
{
    *walk = (struct eio_walk){ .eio = eio };
    if (eio == NULL) return;
    if (eio->sessions != NULL) walk->next = ELMT_FROM_HH(eio->sessions->hh.tbl, eio->sessions->hh.tbl->tail);
    DL_APPEND2(eio->walks, walk, prev_walk, next_walk);
}

void eio_walk_end(struct eio_walk *walk)
{
    if (walk->eio != NULL) DL_DELETE2(walk->eio->walks, walk, prev_walk, next_walk);
    *walk = (struct eio_walk){ .eio = NULL };
}

struct eio_session *eio_walk_next(const struct eio_walk *walk)
{
    return walk->next;
}

void eio_walk_pass(struct eio_walk *walk)
{
    walk->next = walk->next->hh.prev;
}

void walk_leave(const struct eio_session *s)
{
    struct eio_walk *walk;

    DL_FOREACH2(s->eio->walks, walk, next_walk)
        if (walk->next == s) eio_walk_pass(walk);
}

/* pieces.c - how many pieces of bodies may be under way, and who is next. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/pieces.h"

#include <assert.h>

bool pieces_have_room(const struct pieces *pieces)
{
    return pieces->under_way < PIECES_MAX;
}

void pieces_begin(struct pieces *pieces)
{
    pieces->under_way++;
}

void pieces_wait(struct pieces *pieces, struct piece_turn *turn)
{
    if (turn->waits) return;
    turn->waits = true;
    turn->next = NULL;
    if (pieces->first == NULL)
        pieces->first = turn;
    else
        pieces->last->next = turn;
    pieces->last = turn;
}

void pieces_leave(struct pieces *pieces, struct piece_turn *turn)
{
    struct piece_turn *before = NULL;

    if (!turn->waits) return;
    for (struct piece_turn *at = pieces->first; at != turn; at = at->next) before = at;
    if (before == NULL)
        pieces->first = turn->next;
    else
        before->next = turn->next;
    if (pieces->last == turn) pieces->last = before;
    turn->waits = false;
}

void pieces_end(struct pieces *pieces)
{
    struct piece_turn *turn = pieces->first;

    assert(pieces->under_way > 0);
    pieces->under_way--;
    if (turn == NULL) return;
    pieces_leave(pieces, turn);
    turn->go(turn->arg);
}

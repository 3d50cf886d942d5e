/* friend_between.c - who of two blocks the other: for share, which shows what is shared by name to nobody who blocks its owner. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

static const char BETWEEN[] = "SELECT blocks(one, other) AS blocks, blocks(other, one) AS blocked"
                              " FROM (SELECT subject_form($1) AS one, subject_form($2) AS other) two";

enum err friend_between(struct call *call, const struct friend_pair *req, struct friend_blocks *rep)
{
    return pg_one(call->pg, call->arena, friend_blocks_shape(), rep, BETWEEN,
        PG_ARGS(pg_text(req->subject), pg_text(req->other)));
}

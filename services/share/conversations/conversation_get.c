/* conversation_get.c - reading one of one's own conversations. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/share.h"

static const char CONVERSATION[] = "SELECT id, name, data, created_at FROM conversation WHERE id = $1 AND owner = $2";

/* Another's conversation is not found: its existence is nobody's business. */
enum err conversation_get(struct call *call, const struct conversation_ref *req, struct conversation *rep)
{
    enum err e = pg_one(call->pg, call->arena, conversation_shape(), rep, CONVERSATION,
        PG_ARGS(pg_id(req->conversation), pg_text(call->who->sub)));

    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such conversation of yours") : e;
}

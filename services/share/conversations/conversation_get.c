/* conversation_get.c - reading a conversation: one's own, one that is shared with one, or a public one. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/conversations/conversations_private.h"

static const char READABLE[] =
    "SELECT " CONVERSATION ", role, CASE WHEN role IN ('reader', 'editor') THEN owner END AS owner FROM"
    " (SELECT *, " CONVERSATION_ROLE " AS role FROM conversation c WHERE id = $1) one WHERE role IS NOT NULL";

/* Another's conversation is not found: its existence is nobody's business. */
enum err conversation_get(struct call *call, const struct conversation_ref *req, struct conversation *rep)
{
    TRY(conversation_require(call, req->conversation, CAN_read));
    enum err e = pg_one(call->pg, call->arena, conversation_shape(), rep, READABLE,
        PG_ARGS(pg_id(req->conversation), pg_text(call->who->sub)));
    struct str role = rep->role;

    rep->role = STR_NONE;
    conversation_describe(call, role, rep);
    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such conversation of yours") : e;
}

static const char PUBLIC[] =
    "SELECT id, name, theme, data, changed_at FROM conversation WHERE id = $1 AND public AND deleted_at IS NULL"
    " AND taken_down_at IS NULL";

enum err conversation_show(struct call *call, const struct conversation_ref *req, struct public_conversation *rep)
{
    enum err e =
        pg_one(call->pg, call->arena, public_conversation_shape(), rep, PUBLIC, PG_ARGS(pg_id(req->conversation)));

    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such conversation that is public") : e;
}

/* conversation_create.c - keeping a conversation: a new one, or one like another. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "services/share/conversations/conversations_private.h"
#include "services/share/reports/reports.h"

static const char INSERT_CONVERSATION[] =
    "INSERT INTO conversation (id, owner, name, theme, public, data, created_at, changed_at, client_key, bytes)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9) ON CONFLICT (owner, client_key) DO NOTHING "
    "RETURNING " CONVERSATION;
static const char CONVERSATION_BY_KEY[] =
    "SELECT " CONVERSATION " FROM conversation WHERE owner = $1 AND client_key = $2";

static enum err find_by_key(struct call *call, struct str key, struct conversation *out)
{
    TRY(pg_one(call->pg, call->arena, conversation_shape(), out, CONVERSATION_BY_KEY,
        PG_ARGS(pg_text(call->who->sub), pg_text(key))));
    conversation_describe(call, STR("owner"), out);
    return OK;
}

static enum err count_kept(struct call *call, struct conversation *kept, int64_t bytes)
{
    conversation_describe(call, STR("owner"), kept);
    TRY(conversation_use_media(call, kept->id, 0));
    TRY(quota_take(call, QUOTA_conversations, 1));
    return quota_take(call, QUOTA_conversation_bytes, bytes);
}

enum err conversation_create(struct call *call, const struct conversation_draft *draft, struct conversation *rep)
{
    if (call->who->sub.len == 0) return call_fail(call, ERR_UNAUTHENTICATED, "a conversation needs an owner");
    TRY(conversation_check(call, draft->data));
    enum err e = pg_one(call->pg, call->arena, conversation_shape(), rep, INSERT_CONVERSATION,
        PG_ARGS(pg_id(id_new()), pg_text(call->who->sub), pg_text(draft->name), pg_text(draft->theme),
            pg_bool(draft->public), pg_json(call->arena, draft->data), pg_time(call->now), pg_text(draft->client_key),
            pg_int((int64_t)draft->data.len)));

    /* No row: a client that lost our reply asks again.  Repeat the answer. */
    if (e == ERR_NOT_FOUND) return find_by_key(call, draft->client_key, rep);
    TRY(e);
    return count_kept(call, rep, (int64_t)draft->data.len);
}

/* --- like another --- */

static const char COPY[] =
    "INSERT INTO conversation (id, owner, name, theme, data, created_at, changed_at, client_key, bytes)"
    " SELECT $1, $2, coalesce($3, name), theme, data, $4, $4, $5, bytes FROM conversation"
    " WHERE id = $6 AND taken_down_at IS NULL"
    " ON CONFLICT (owner, client_key) DO NOTHING RETURNING " CONVERSATION;
static const char BYTES[] = "SELECT bytes FROM conversation WHERE id = $1";

enum err conversation_duplicate(struct call *call, const struct conversation_copy *req, struct conversation *rep)
{
    struct conversation_entry kept = { .bytes = 0 };

    if (call->who->sub.len == 0) return call_fail(call, ERR_UNAUTHENTICATED, "a conversation needs an owner");
    enum err e = conversation_require(call, req->conversation, CAN_duplicate);
    if (e == OK)
        e = pg_one(call->pg, call->arena, conversation_shape(), rep, COPY,
            PG_ARGS(pg_id(id_new()), pg_text(call->who->sub), pg_text(req->name), pg_time(call->now),
                pg_text(req->client_key), pg_id(req->conversation)));
    if (e == ERR_NOT_FOUND && req->client_key.len > 0)
        e = find_by_key(call, req->client_key, rep);
    else if (e == OK) {
        TRY(pg_one(call->pg, call->arena, conversation_entry_shape(), &kept, BYTES, PG_ARGS(pg_id(rep->id))));
        return count_kept(call, rep, kept.bytes);
    }
    if (e != ERR_NOT_FOUND) return e;
    return takedown_refuse(call, req->conversation, "there is no such conversation that you may read");
}

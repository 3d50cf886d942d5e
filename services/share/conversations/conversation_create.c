/* conversation_create.c - keeping a conversation. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/share.h"

/* jsonb keeps each digit of 1e308: what a client sends is bounded by what it makes the database print. */
#define PRINTED_BYTES_MAX (1u << 20)

static const char INSERT_CONVERSATION[] =
    "INSERT INTO conversation (id, owner, name, data, created_at, client_key, bytes)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (owner, client_key) DO NOTHING"
    " RETURNING id, name, data, created_at";

static const char CONVERSATION_BY_KEY[] =
    "SELECT id, name, data, created_at FROM conversation WHERE owner = $1 AND client_key = $2";

/* msgpack says it in the first byte: fixmap, map 16, map 32. */
static bool is_object(struct str any)
{
    unsigned char first = any.len ? (unsigned char)any.at[0] : 0;

    return (first & 0xf0) == 0x80 || first == 0xde || first == 0xdf;
}

enum err conversation_create(struct call *call, const struct conversation_draft *draft, struct conversation *rep)
{
    if (call->who->sub.len == 0) return call_fail(call, ERR_UNAUTHENTICATED, "a conversation needs an owner");
    if (!is_object(draft->data)) return call_fail(call, ERR_INVALID_ARGUMENT, "data: want an object");
    if (!pg_json_fits(draft->data, PRINTED_BYTES_MAX))
        return call_fail(call, ERR_TOO_LARGE, "data: has more than %u bytes when it is read back", PRINTED_BYTES_MAX);

    enum err e = pg_one(call->pg, call->arena, conversation_shape(), rep, INSERT_CONVERSATION,
        PG_ARGS(pg_id(id_new()), pg_text(call->who->sub), pg_text(draft->name), pg_json(call->arena, draft->data),
            pg_time(call->now), pg_text(draft->client_key), pg_int((int64_t)draft->data.len)));

    /* No row: a client that lost our reply asks again.  Repeat the answer. */
    if (e == ERR_NOT_FOUND)
        return pg_one(call->pg, call->arena, conversation_shape(), rep, CONVERSATION_BY_KEY,
            PG_ARGS(pg_text(call->who->sub), pg_text(draft->client_key)));
    TRY(e);
    TRY(quota_take(call, QUOTA_conversations, 1));
    return quota_take(call, QUOTA_conversation_bytes, (int64_t)draft->data.len);
}

/* key_list.c - the keys, without their secrets, page by page. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define KEYS_MAX 1000 /* proto/auth.def: key_page.keys */

static const char KEYS[] =
    "SELECT id, name, policy, networks::text[] AS networks, impersonate, act_as_users, bind_tokens, created_at,"
    " expires_at, last_used_at,"
    " CASE WHEN grace_until > $1 THEN grace_until END AS grace_until,"
    " CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= $1 THEN 'expired'"
    " WHEN grace_until > $1 THEN 'rotating' ELSE 'active' END AS state"
    " FROM api_key"
    " WHERE $2::text IS NULL OR (created_at, id) < (SELECT created_at, id FROM api_key WHERE id = $2)"
    " ORDER BY created_at DESC, id DESC LIMIT $3";

enum err key_list(struct call *call, const struct key_query *req, struct key_page *rep)
{
    TRY(pg_all(call->pg, call->arena, api_key_shape(), &rep->keys, KEYS_MAX + 1, KEYS,
        PG_ARGS(pg_time(call->now), pg_text(req->after), pg_int(KEYS_MAX + 1))));
    rep->more = rep->keys.len > KEYS_MAX;
    if (rep->more) rep->keys.len = KEYS_MAX;
    return OK;
}

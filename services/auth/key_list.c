/* key_list.c - all keys, without their secrets. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

static const char KEYS[] =
    "SELECT id, name, policy, networks::text[] AS networks, impersonate, act_as_users, bind_tokens, created_at,"
    " expires_at, last_used_at,"
    " CASE WHEN grace_until > $1 THEN grace_until END AS grace_until,"
    " CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= $1 THEN 'expired'"
    " WHEN grace_until > $1 THEN 'rotating' ELSE 'active' END AS state"
    " FROM api_key ORDER BY created_at DESC, id LIMIT 1000";

enum err key_list(struct call *call, const struct nothing *req, struct key_page *rep)
{
    (void)req;
    return pg_all(call->pg, call->arena, api_key_shape(), &rep->keys, 1000, KEYS, PG_ARGS(pg_time(call->now)));
}

/* key_get.c - one key, without its secret. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/keys/keys.h"

#define LIMITS_MAX 16 /* proto/auth.def: api_key.limits */

static const char KEY[] = "SELECT " KEY_COLUMNS " WHERE k.id = $2";

static const char LIMITS_OF_KEY[] =
    "SELECT name, most AS \"limit\" FROM limit_change WHERE key = $1 ORDER BY name LIMIT $2";

enum err key_load(struct call *call, struct str id, struct api_key *out)
{
    enum err e = pg_one(call->pg, call->arena, api_key_shape(), out, KEY, PG_ARGS(pg_time(call->now), pg_text(id)));

    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no key %.*s", STR_ARG(id));
    TRY(e);
    return pg_all(call->pg, call->arena, key_limit_shape(), &out->limits, LIMITS_MAX, LIMITS_OF_KEY,
        PG_ARGS(pg_text(id), pg_int(LIMITS_MAX)));
}

enum err key_get(struct call *call, const struct key_ref *ref, struct api_key *rep)
{
    return key_load(call, ref->id, rep);
}

/* key_rotate.c - a new secret for a key, beside the former one for a while. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/secret.h"
#include "libshared/policy/api_key.h"
#include "services/auth/keys/issuer.h"

static const char ROTATE_KEY[] = "UPDATE api_key SET previous_secret = CASE WHEN $4 > $3 THEN secret END,"
                                 " grace_until = CASE WHEN $4 > $3 THEN $4 END, secret = $2"
                                 " WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)"
                                 " RETURNING id, name, policy, expires_at, grace_until";

enum err key_rotate(struct call *call, const struct key_rotation *draft, struct key_issued *rep)
{
    char key[API_KEY_CHARS + 1];
    unsigned char hash[32];
    struct api_key_parts parts;

    if (!api_key_is_id(draft->id)) return call_fail(call, ERR_NOT_FOUND, "there is no key %.*s", STR_ARG(draft->id));
    TRY(issuer_may_touch(call, draft->id));
    api_key_new(arena_cstr(call->arena, draft->id), key);
    if (!api_key_parse(str_of(key), &parts)) return ERR_INTERNAL;
    api_key_hash(parts.secret, hash);

    enum err e = pg_one(call->pg, call->arena, key_issued_shape(), rep, ROTATE_KEY,
        PG_ARGS(pg_text(draft->id), pg_bytes((struct str){ (const char *)hash, sizeof hash }), pg_time(call->now),
            pg_time(call->now + draft->grace_s * 1000)));
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no key %.*s that still holds", STR_ARG(draft->id));
    TRY(e);

    rep->key = arena_str(call->arena, str_of(key));
    secret_wipe(key, sizeof key);
    TRY(audit_add(
        call, "key.rotate", draft->id, arena_printf(call->arena, "{\"grace_s\":%lld}", (long long)draft->grace_s)));
    trust_changed(call); /* gateways remember tokens by the former secret, and ask again when they hear this */
    return OK;
}

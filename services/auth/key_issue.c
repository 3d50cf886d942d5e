/* key_issue.c - a new API key, whose secret leaves this process once. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/network.h"
#include "libshared/base/secret.h"
#include "libshared/policy/api_key.h"
#include "services/auth/auth.h"

/* No row: there is no such policy. */
static const char INSERT_KEY[] =
    "INSERT INTO api_key (id, name, policy, secret, networks, impersonate, created_at, expires_at)"
    " SELECT $1, $2, p.name, $4, $5::cidr[], $6, $7, $8 FROM policy p WHERE p.name = $3"
    " RETURNING id, name, policy, expires_at";

static enum err check_networks(struct call *call, struct str_list networks)
{
    for (size_t i = 0; i < networks.len; i++)
        if (!network_is_valid(networks.at[i]))
            return call_fail(call, ERR_INVALID_ARGUMENT, "networks: %.*s is not a CIDR", STR_ARG(networks.at[i]));
    return OK;
}

enum err key_issue(struct call *call, const struct key_draft *draft, struct key_issued *rep)
{
    char id[API_KEY_ID_CHARS + 1], key[API_KEY_CHARS + 1];
    unsigned char hash[32];
    struct api_key_parts parts;

    TRY(check_networks(call, draft->networks));
    api_key_new_id(id);
    api_key_new(id, key);
    if (!api_key_parse(str_of(key), &parts)) return ERR_INTERNAL;
    api_key_hash(parts.secret, hash);

    enum err e = pg_one(call->pg, call->arena, key_issued_shape(), rep, INSERT_KEY,
        PG_ARGS(pg_text(str_of(id)), pg_text(draft->name), pg_text(draft->policy),
            pg_bytes((struct str){ (const char *)hash, sizeof hash }), pg_texts(call->arena, draft->networks),
            pg_bool(draft->impersonate), pg_time(call->now),
            pg_time(draft->expires_in_s ? call->now + draft->expires_in_s * 1000 : 0)));
    if (e == ERR_NOT_FOUND)
        return call_fail(call, ERR_INVALID_ARGUMENT, "policy: there is no policy %.*s", STR_ARG(draft->policy));
    TRY(e);

    rep->key = arena_str(call->arena, str_of(key));
    secret_wipe(key, sizeof key);
    return audit_add(call, "key.issue", rep->id, STR("{}"));
}

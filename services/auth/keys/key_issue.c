/* key_issue.c - a new API key, whose secret leaves this process once. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/secret.h"
#include "libshared/policy/api_key.h"
#include "services/auth/keys/issuer.h"

static const char INSERT_KEY[] =
    "INSERT INTO api_key (id, name, policy, secret, networks, impersonate, act_as_users, bind_tokens, created_at,"
    " expires_at, issued_by) VALUES ($1, $2, $3, $4, $5::cidr[], $6, $7, $8, $9, $10, $11) RETURNING id, name, policy, "
    "expires_at";

static enum err set_bounds(struct call *call, struct str id, const struct key_draft *draft)
{
    if (draft->uses > 0) TRY(uses_set(call->pg, call->arena, (struct uses_of){ KEY_USES, id }, draft->uses));
    return key_set_limits(call, id, draft->limits);
}

enum err key_issue(struct call *call, const struct key_draft *draft, struct key_issued *rep)
{
    char id[API_KEY_ID_CHARS + 1], key[API_KEY_CHARS + 1];
    unsigned char hash[32];
    struct api_key_parts parts;
    struct issuer issuer;

    TRY(issuer_load(call, &issuer));
    TRY(key_check_policy(call, draft->policy));
    TRY(key_check_networks(call, STR(""), draft->networks));
    api_key_new_id(id);
    api_key_new(id, key);
    if (!api_key_parse(str_of(key), &parts)) return ERR_INTERNAL;
    api_key_hash(parts.secret, hash);

    TRY(pg_one(call->pg, call->arena, key_issued_shape(), rep, INSERT_KEY,
        PG_ARGS(pg_text(str_of(id)), pg_text(draft->name), pg_text(draft->policy),
            pg_bytes((struct str){ (const char *)hash, sizeof hash }), pg_texts(call->arena, draft->networks),
            pg_bool(draft->impersonate), pg_bool(draft->act_as_users), pg_bool(draft->bind_tokens), pg_time(call->now),
            pg_time(draft->expires_in_s ? call->now + draft->expires_in_s * 1000 : 0),
            pg_text(issuer_name(call, &issuer)))));
    TRY(set_bounds(call, rep->id, draft));
    TRY(issuer_check_key(call, &issuer, rep->id));

    rep->key = arena_str(call->arena, str_of(key));
    secret_wipe(key, sizeof key);
    TRY(audit_record(call, "key.issue", rep->id, key_draft_shape(), draft));
    if (draft->networks.len + draft->limits.len > 0) trust_changed(call);
    return OK;
}

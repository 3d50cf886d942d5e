/* token_issue.c - an API key becomes a token; each attempt with a real key's form leaves a line in token_log. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/network.h"
#include "libshared/base/secret.h"
#include "libshared/policy/api_key.h"
#include "libshared/policy/policy_set.h"
#include "services/auth/auth.h"
#include "libshared/db/rows.h"
#include "services/auth/tokens/token_sign.h"

#define TOKEN_CHARS_MAX 4096 /* proto/auth.def: token.token */

struct key_row {
    struct str secret, previous_secret, policy;
    int64_t grace_until, expires_at, revoked_at;
    struct str_list networks;
    bool impersonate, act_as_users;
    struct str subject, folded; /* what was asked for, in the normal forms C and KC */
    struct str kid, private_pem;
    int64_t ended_at; /* tokens of the subject that were issued up to then have ended; 0: none were */
};

static const struct wire_field key_fields[] = {
    ROW_FIELD(struct key_row, secret, BYTES),
    ROW_FIELD(struct key_row, previous_secret, BYTES),
    ROW_FIELD(struct key_row, policy, TEXT),
    ROW_FIELD(struct key_row, grace_until, TIME),
    ROW_FIELD(struct key_row, expires_at, TIME),
    ROW_FIELD(struct key_row, revoked_at, TIME),
    ROW_FIELD(struct key_row, networks, TEXTS),
    ROW_FIELD(struct key_row, impersonate, BOOL),
    ROW_FIELD(struct key_row, act_as_users, BOOL),
    ROW_FIELD(struct key_row, subject, TEXT),
    ROW_FIELD(struct key_row, folded, TEXT),
    ROW_FIELD(struct key_row, kid, TEXT),
    ROW_FIELD(struct key_row, private_pem, TEXT),
    ROW_FIELD(struct key_row, ended_at, TIME),
    ROW_END,
};
static const struct wire_shape key_shape = { "key_row", "", sizeof(struct key_row), key_fields };

/* The key, and beside it what tokens are signed with now; and the subject's normal forms, which PostgreSQL knows. */
static const char KEY_BY_ID[] =
    "SELECT k.secret, k.previous_secret, k.policy, k.grace_until, k.expires_at, k.revoked_at,"
    " k.networks::text[] AS networks, k.impersonate, k.act_as_users, normalize($3, NFC) AS subject,"
    " normalize($3, NFKC) AS folded, s.kid, s.private_pem, (SELECT max(ended_at) FROM trust_change WHERE"
    " kind = 'subject' AND name IN (normalize($3, NFC), lower(normalize($3, NFKC)), 'key:' || k.id)) AS ended_at"
    " FROM api_key k LEFT JOIN LATERAL (SELECT kid, private_pem FROM signing_key WHERE active_at <= $2"
    " ORDER BY active_at DESC LIMIT 1) s ON true WHERE k.id = $1";

/* A busy key is marked as used once a minute, so that its tokens don't queue for the row. */
static const char LOG_TOKEN[] =
    "WITH used AS (UPDATE api_key SET last_used_at = $1 WHERE id = $2 AND $5 = 'ok'"
    " AND (last_used_at IS NULL OR last_used_at < $1 - interval '1 minute'))"
    " INSERT INTO token_log (at, key_id, subject, address, outcome) VALUES ($1, $2, $3, $4, $5)";

static struct str or_empty(struct str s)
{
    return s.at ? s : STR("");
}

static enum err log_token(struct call *call, struct str key, struct str subject, enum err outcome)
{
    return pg_run(call->pg, call->arena, LOG_TOKEN,
        PG_ARGS(pg_time(call->now), pg_text(key), pg_text(or_empty(subject)), pg_text(or_empty(call->who->address)),
            pg_text(str_of(err_code(outcome)))),
        NULL);
}

/* What a token says of times is whole seconds, so what it comes from ends at whole seconds too. */
static int64_t whole_s(int64_t ms)
{
    return ms / 1000 * 1000;
}

/* When this secret ends: 0 if it is none of the key's.  Both are always compared, and each in constant time. */
static int64_t secret_until(const struct key_row *key, struct str secret)
{
    unsigned char hash[32];

    api_key_hash(secret, hash);
    bool fits = key->secret.len == sizeof hash && secret_eq(key->secret.at, hash, sizeof hash);
    bool fitted = key->previous_secret.len == sizeof hash && secret_eq(key->previous_secret.at, hash, sizeof hash);
    return fits ? INT64_MAX : fitted ? whole_s(key->grace_until) : 0;
}

static bool address_fits(struct str_list networks, struct str address)
{
    for (size_t i = 0; i < networks.len; i++)
        if (network_holds(networks.at[i], address)) return true;
    return networks.len == 0;
}

/* The order matters: a caller without the secret learns nothing of the key's state.  *until: when key or secret end,
 * whichever is first. */
static enum err check_key(struct call *call, const struct key_row *key, struct str secret, int64_t *until)
{
    *until = secret_until(key, secret);
    if (*until <= call->now) return ERR_KEY_INVALID;
    if (key->revoked_at != 0) return ERR_KEY_REVOKED;
    if (key->expires_at != 0 && key->expires_at < *until) *until = whole_s(key->expires_at);
    if (*until <= call->now) return ERR_KEY_EXPIRED;
    if (!address_fits(key->networks, call->who->address))
        return call_fail(
            call, ERR_ADDRESS_REFUSED, "The API key may not be used from %.*s", STR_ARG(call->who->address));
    return OK;
}

static enum err check_cap(struct call *call, const struct token_draft *draft)
{
    struct policy_compiled *cap = NULL;
    struct wire_error why = { 0 };
    enum err e = policy_compile(STR("cap"), &draft->cap, &cap, &why);

    policy_ref_drop(&cap);
    return e == OK ? OK : call_fail(call, e, "cap: %s", why.text);
}

/* *subject: whom the token speaks for. */
static enum err check_draft(struct call *call, const struct key_row *key, struct str key_id,
    const struct token_draft *draft, struct str *subject)
{
    struct key_rights rights = { key->impersonate, key->act_as_users };
    struct subject_forms forms = { key->subject, key->folded };

    if (draft->subject.len > 0)
        TRY(subject_check(call, &rights, &forms, subject));
    else
        *subject = arena_printf(call->arena, "key:%.*s", STR_ARG(key_id));
    return check_cap(call, draft);
}

static int64_t expiry_s(const struct token_draft *draft, int64_t most, int64_t now_s, int64_t until_s)
{
    int64_t end = now_s + (draft->ttl_s < most ? draft->ttl_s : most);

    return until_s < end ? until_s : end;
}

/* Whole seconds: a token of the second in which the subject's tokens ended would have ended with them.  A name that is only
 * much like the subject's costs it no more than a second. */
static int64_t issued_s(int64_t now, int64_t ended_at)
{
    return now / 1000 > ended_at / 1000 ? now / 1000 : ended_at / 1000 + 1;
}

/* rep->subject is there already. */
static enum err make_token(struct call *call, const struct key_row *key, struct str key_id, int64_t until,
    const struct token_draft *draft, struct token *rep)
{
    const struct settings_auth *s = auth_settings(call);
    int64_t now_s = issued_s(call->now, key->ended_at);

    rep->policy = key->policy;
    rep->expires_at = expiry_s(draft, s->token_ttl_max_s, now_s, until / 1000) * 1000;
    struct token_claims claims = { s->issuer, s->audience, rep->subject, key_id, draft->name, key->policy, draft, now_s,
        rep->expires_at / 1000 };

    TRY(token_sign(call->arena, &claims, key->kid, key->private_pem, &rep->token));
    if (rep->token.len > TOKEN_CHARS_MAX)
        return call_fail(call, ERR_TOO_LARGE, "cap: the token would be longer than %d characters", TOKEN_CHARS_MAX);
    return OK;
}

static enum err issue_token(struct call *call, const struct key_row *key, const struct api_key_parts *parts,
    const struct token_draft *draft, struct token *rep)
{
    int64_t until;

    TRY(check_key(call, key, parts->secret, &until));
    TRY(check_draft(call, key, parts->id, draft, &rep->subject));
    return make_token(call, key, parts->id, until, draft, rep);
}

/* A refusal rolls the call back, and its line in the log has to stay: so it is committed here. */
static enum err log_refusal(struct call *call, struct str key, struct str subject, enum err outcome)
{
    TRY(log_token(call, key, subject, outcome));
    TRY(pg_commit(call->pg));
    return outcome;
}

enum err token_issue(struct call *call, const struct token_draft *draft, struct token *rep)
{
    struct api_key_parts parts;
    struct key_row key = { .impersonate = false };

    if (!api_key_parse(draft->api_key, &parts)) return ERR_KEY_INVALID;
    call_note(call, F_STR("key", parts.id));
    call_note(call, F_STR("subject", draft->subject)); /* null: the key itself */

    enum err e = pg_one(call->pg, call->arena, &key_shape, &key, KEY_BY_ID,
        PG_ARGS(pg_text(parts.id), pg_time(call->now), pg_text(or_empty(draft->subject))));
    if (e != OK && e != ERR_NOT_FOUND) return e;

    e = issue_token(call, &key, &parts, draft, rep); /* without a row no secret fits */
    if (e == ERR_INTERNAL) return e;
    if (e != OK) return log_refusal(call, parts.id, draft->subject, e);
    return log_token(call, parts.id, rep->subject, OK);
}

/* token_issue.c - an API key becomes a token; each attempt with a real key's form is a row of `attempt`. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/network.h"
#include "libshared/base/secret.h"
#include "libshared/policy/api_key.h"
#include "libshared/policy/policy_set.h"
#include "services/auth/abuse/attempts.h"
#include "libshared/db/rows.h"
#include "services/auth/keys/keys.h"
#include "services/auth/tokens/signing_key.h"
#include "services/auth/tokens/token_sign.h"
#include "services/auth/users/users.h"

#define TOKEN_CHARS_MAX 4096  /* proto/auth.def: token.token */
#define USE_REPEAT_MS   60000 /* a request is sent again within its budget, or not at all */

struct key_row {
    struct str secret, previous_secret, policy;
    int64_t grace_until, expires_at, revoked_at, disabled_at;
    struct str_list networks;
    bool impersonate, act_as_users, is_counted;
    bool banned;                /* the key, or the subject that was asked for */
    struct str subject, folded; /* what was asked for, in the normal forms C and KC */
    struct str kid, sealed;     /* the signing key */
    int64_t ended_at;           /* tokens of the subject that were issued up to then have ended; 0: none were */
};

static const struct wire_field key_fields[] = {
    ROW_FIELD(struct key_row, secret, BYTES),
    ROW_FIELD(struct key_row, previous_secret, BYTES),
    ROW_FIELD(struct key_row, policy, TEXT),
    ROW_FIELD(struct key_row, grace_until, TIME),
    ROW_FIELD(struct key_row, expires_at, TIME),
    ROW_FIELD(struct key_row, revoked_at, TIME),
    ROW_FIELD(struct key_row, disabled_at, TIME),
    ROW_FIELD(struct key_row, networks, TEXTS),
    ROW_FIELD(struct key_row, impersonate, BOOL),
    ROW_FIELD(struct key_row, act_as_users, BOOL),
    ROW_FIELD(struct key_row, is_counted, BOOL),
    ROW_FIELD(struct key_row, banned, BOOL),
    ROW_FIELD(struct key_row, subject, TEXT),
    ROW_FIELD(struct key_row, folded, TEXT),
    ROW_FIELD(struct key_row, kid, TEXT),
    ROW_FIELD(struct key_row, sealed, BYTES),
    ROW_FIELD(struct key_row, ended_at, TIME),
    ROW_END,
};
static const struct wire_shape key_shape = { "key_row", "", sizeof(struct key_row), key_fields };

/* The key, and beside it what tokens are signed with now; and the subject's normal forms, which PostgreSQL knows. */
static const char KEY_BY_ID[] =
    "SELECT k.secret, k.previous_secret, k.policy, k.grace_until, k.expires_at, k.revoked_at, k.disabled_at,"
    " k.networks::text[] AS networks, k.impersonate, k.act_as_users, u.id IS NOT NULL AS is_counted, normalize($3, "
    "NFC) AS subject,"
    " normalize($3, NFKC) AS folded, s.kid, s.sealed, (SELECT max(ended_at) FROM trust_change WHERE"
    " kind = 'subject' AND name IN (normalize($3, NFC), lower(normalize($3, NFKC)), 'key:' || k.id)) AS ended_at,"
    " EXISTS (SELECT FROM ban WHERE (until IS NULL OR until > $2) AND ((kind = 'key' AND what = k.id) OR"
    " (kind = 'subject' AND what IN (normalize($3, NFC), lower(normalize($3, NFKC)), 'key:' || k.id)))) AS banned"
    " FROM api_key k LEFT JOIN uses_left u ON u.what = '" KEY_USES
    "' AND u.id = k.id LEFT JOIN LATERAL (SELECT kid, sealed FROM signing_key WHERE active_at <= $2"
    " ORDER BY active_at DESC LIMIT 1) s ON true WHERE k.id = $1";

/* A busy key is marked as used once a minute, so that its tokens don't queue for the row. */
static const char MARK_USED[] =
    "UPDATE api_key SET last_used_at = $1, last_used_from = nullif($3, '')::inet WHERE id = $2"
    " AND (last_used_at IS NULL OR last_used_at < $1 - interval '1 minute')";

static struct str or_empty(struct str s)
{
    return s.at ? s : STR("");
}

static enum err note_token(struct call *call, struct attempt attempt)
{
    TRY(attempt_note(call->pg, call->arena, &attempt));
    TRY(key_note_network(call, attempt.key, attempt.address));
    return pg_run(call->pg, call->arena, MARK_USED,
        PG_ARGS(pg_time(call->now), pg_text(attempt.key), pg_text(attempt.address)), NULL);
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
    if (key->disabled_at != 0) return ERR_KEY_DISABLED;
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

/* Nobody speaks for a registered user who may not sign in. */
static enum err check_account(struct call *call, struct str subject)
{
    struct account account;
    struct id id;

    if (!id_parse(subject, &id)) return OK;
    enum err e = account_by_id(call->pg, call->arena, id, &account);
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    return account_is_active(&account) ? OK : call_fail(call, ERR_FORBIDDEN, "subject: this user may not sign in");
}

/* *subject: whom the token speaks for. */
static enum err check_draft(struct call *call, const struct key_row *key, struct str key_id,
    const struct token_draft *draft, struct str *subject)
{
    struct key_rights rights = { key->impersonate, key->act_as_users };
    struct subject_forms forms = { key->subject, key->folded };

    if (draft->subject.len > 0) {
        TRY(subject_check(call, &rights, &forms, subject));
        TRY(check_account(call, *subject));
    } else {
        *subject = arena_printf(call->arena, "key:%.*s", STR_ARG(key_id));
    }
    return check_cap(call, draft);
}

static int64_t expiry_s(const struct token_draft *draft, int64_t most, int64_t now_s, int64_t until_s)
{
    int64_t end = now_s + (draft->ttl_s < most ? draft->ttl_s : most);

    return until_s < end ? until_s : end;
}

/* rep->subject is there already. */
static enum err make_token(struct call *call, const struct key_row *key, struct str key_id, int64_t until,
    const struct token_draft *draft, struct token *rep)
{
    const struct settings_auth *s = auth_settings(call);
    int64_t now_s = token_issued_s(call->now, key->ended_at);
    struct str private_pem;

    rep->policy = key->policy;
    rep->expires_at = expiry_s(draft, s->token_ttl_max_s, now_s, until / 1000) * 1000;
    struct token_claims claims = { .issuer = s->issuer,
        .audience = s->audience,
        .subject = rep->subject,
        .key = key_id,
        .name = draft->name,
        .policy = key->policy,
        .draft = draft,
        .issued_s = now_s,
        .expires_s = rep->expires_at / 1000 };

    TRY(signing_key_open(call->arena, key->kid, key->sealed, &private_pem));
    TRY(token_sign(call->arena, &claims, key->kid, private_pem, &rep->token));
    if (rep->token.len > TOKEN_CHARS_MAX)
        return call_fail(call, ERR_TOO_LARGE, "cap: the token would be longer than %d characters", TOKEN_CHARS_MAX);
    return OK;
}

/* One of so many, if the key is for a number of tokens: it is committed with the token's line in the log.  REST, where one
 * token of a gateway's stands for any number of requests, does not take such a key. */
static enum err take_use(struct call *call, const struct key_row *key, struct str key_id)
{
    struct id request = id_is_nil(call->who->request) ? id_new() : call->who->request;
    char text[ID_TEXT_BYTES + 1];
    int64_t left;

    if (!key->is_counted) return OK;
    if (str_is(call->who->kind, "service"))
        return call_fail(call, ERR_KEY_INVALID,
            "This API key is for a number of tokens: it is exchanged for one at POST /auth/token");
    id_format(request, text);
    enum err e = uses_take(
        call->pg, call->arena, (struct uses_of){ KEY_USES, key_id }, str_of(text), call->now, USE_REPEAT_MS, &left);
    return e == ERR_NOT_FOUND ? ERR_KEY_USED_UP : e;
}

static enum err issue_token(struct call *call, const struct key_row *key, const struct api_key_parts *parts,
    const struct token_draft *draft, struct token *rep)
{
    int64_t until;

    TRY(check_key(call, key, parts->secret, &until));
    if (key->banned) return ERR_BANNED;
    TRY(check_draft(call, key, parts->id, draft, &rep->subject));
    TRY(make_token(call, key, parts->id, until, draft, rep));
    return take_use(call, key, parts->id);
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
    struct attempt attempt = { .kind = ATTEMPT_token,
        .subject = e == OK ? rep->subject : draft->subject,
        .key = parts.id,
        .address = call->who->address,
        .trace = call->trace };
    return e == OK ? note_token(call, attempt) : attempt_refuse(call, attempt, e);
}

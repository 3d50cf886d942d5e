/* session.c - a session begins, and what is answered for it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/secret.h"
#include "libshared/db/rows.h"
#include "services/auth/abuse/bans.h"
#include "services/auth/factors/factors.h"
#include "libshared/policy/refresh_token.h"
#include "services/auth/sessions/sessions.h"
#include "services/auth/tokens/user_token.h"

#define DAY_MS       INT64_C(86400000)
#define SESSIONS_MAX 100 /* of one account; proto/auth.def: session_page */

static const char INSERT_SESSION[] =
    "INSERT INTO session (id, account_id, secret, created_at, refreshed_at, expires_at, ends_at, device, address, "
    "methods,"
    " authenticated_at, pending) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, nullif($8, '')::inet, $9, $4, $10)";

/* Those that nobody went on with for longest make room. */
static const char END_OLDEST[] =
    "WITH ended AS (DELETE FROM session WHERE id IN (SELECT id FROM session WHERE account_id = $1"
    " ORDER BY refreshed_at DESC, id DESC OFFSET $2) RETURNING id)"
    " SELECT trust_note('session', id::text, $3, $4) FROM ended";

enum err session_begin(struct pg *pg, struct arena *arena, const struct call *call, const struct account *account,
    struct str_list methods, struct session_tokens *out)
{
    const struct settings_auth *s = auth_settings(call);
    unsigned char secret[REFRESH_SECRET_BYTES];
    struct session_state session = { .id = id_new(),
        .secret = { (const char *)secret, sizeof secret },
        .ends_at = call->now + s->session_days * DAY_MS,
        .authenticated_at = call->now,
        .methods = methods,
        .account = *account };

    TRY(ban_check(pg, arena, id_text(arena, account->id)));
    TRY(pg_run(pg, arena, END_OLDEST,
        PG_ARGS(pg_id(account->id), pg_int(SESSIONS_MAX - 1), pg_time(call->now / 1000 * 1000),
            pg_time(tokens_until(s, call->now))),
        NULL));
    TRY(factors_asked(pg, arena, account->id, methods, &session.pending));
    secret_random(secret, sizeof secret);
    session.expires_at =
        session.pending.len > 0 ? call->now + PENDING_SESSION_MS : session_expiry(s, call->now, session.ends_at);
    TRY(pg_run(pg, arena, INSERT_SESSION,
        PG_ARGS(pg_id(session.id), pg_id(account->id), pg_bytes(session.secret), pg_time(call->now),
            pg_time(session.expires_at), pg_time(session.ends_at), pg_text(call->who->agent),
            pg_text(call->who->address), pg_texts(arena, methods), pg_bool(session.pending.len > 0)),
        NULL));
    return session_tokens_of(pg, arena, call, &session, out);
}

int64_t session_expiry(const struct settings_auth *s, int64_t now, int64_t ends_at)
{
    int64_t idle = now + s->session_idle_days * DAY_MS;

    return idle < ends_at ? idle : ends_at;
}

enum err session_tokens_of(struct pg *pg, struct arena *arena, const struct call *call,
    const struct session_state *session, struct session_tokens *out)
{
    const struct account *account = &session->account;
    char refresh[REFRESH_CHARS + 1];
    struct user_token token = { .user = account->id,
        .session = session->id,
        .email = account->email,
        .name = account->name.len > 0 ? account->name : account->nickname,
        .policy = account->policy,
        .methods = session->methods,
        .authenticated_at = session->authenticated_at,
        .ends_at = session->pending.len > 0 ? session->expires_at : session->ends_at,
        .pending = session->pending.len > 0 };

    out->session = session->id;
    out->pending = session->pending;
    out->refresh_until = session->expires_at;
    refresh_token_write(session->id, session->counter, session->secret, refresh);
    *(session->pending.len > 0 ? &out->pending_token : &out->refresh_token) = arena_str(arena, str_of(refresh));
    if (session->pending.len == 0) out->user = account_user_in(arena, account);
    return user_token_issue(pg, arena, auth_settings(call), call->now, &token, &out->access_token, &out->expires_at);
}

static const char FORGET_SESSION[] = "DELETE FROM session WHERE id = $1";

enum err session_end_tokens(struct call *call, struct id session)
{
    return tokens_end(call->pg, call->arena, auth_settings(call), call->now, "session", id_text(call->arena, session));
}

enum err session_forget(struct call *call, struct id session)
{
    TRY(pg_run(call->pg, call->arena, FORGET_SESSION, PG_ARGS(pg_id(session)), NULL));
    return session_end_tokens(call, session);
}

static const char END_SESSIONS[] =
    "WITH ended AS (DELETE FROM session WHERE account_id = $1 AND ($2::uuid IS NULL OR id <> $2) RETURNING id)"
    " SELECT count(trust_note('session', id::text, $3, $4)) AS n FROM ended";

struct ended_count {
    int64_t n;
};
static const struct wire_field ended_fields[] = { ROW_FIELD(struct ended_count, n, INT), ROW_END };
static const struct wire_shape ended_shape = { "ended", "", sizeof(struct ended_count), ended_fields };

enum err sessions_end(struct call *call, struct id account, bool others, int64_t *n)
{
    struct ended_count ended = { .n = 0 };
    struct id keep;

    if (!others || !id_parse(call->who->session, &keep)) keep = (struct id){ { 0 } };
    TRY(pg_one(call->pg, call->arena, &ended_shape, &ended, END_SESSIONS,
        PG_ARGS(pg_id(account), pg_id(keep), pg_time(call->now / 1000 * 1000),
            pg_time(tokens_until(auth_settings(call), call->now)))));
    *n = ended.n;
    return OK;
}

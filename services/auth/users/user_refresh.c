/* user_refresh.c - a session goes on. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/abuse/bans.h"
#include "libshared/policy/refresh_token.h"
#include "services/auth/sessions/sessions.h"

#define REUSE_MS 30000

/* A session's own columns; its account is asked for after. */
struct session_row {
    int64_t counter, refreshed_at, expires_at, ends_at, authenticated_at;
    struct str secret;
    struct str_list methods;
    struct id account;
};
static const struct wire_field session_fields[] = {
    ROW_FIELD(struct session_row, counter, INT),
    ROW_FIELD(struct session_row, refreshed_at, TIME),
    ROW_FIELD(struct session_row, expires_at, TIME),
    ROW_FIELD(struct session_row, ends_at, TIME),
    ROW_FIELD(struct session_row, authenticated_at, TIME),
    ROW_FIELD(struct session_row, secret, BYTES),
    ROW_FIELD(struct session_row, methods, TEXTS),
    ROW_FIELD(struct session_row, account, ID),
    ROW_END,
};
static const struct wire_shape session_row_shape = { "session_row", "", sizeof(struct session_row), session_fields };

/* Locked, so that of requests with one token the first alone moves the counter. */
static const char LOCK_SESSION[] =
    "SELECT counter, refreshed_at, expires_at, ends_at, authenticated_at, secret, methods,"
    " account_id AS account FROM session WHERE id = $1 AND NOT pending FOR UPDATE";

static const char MOVE_SESSION[] = "UPDATE session SET counter = $2, refreshed_at = $3, expires_at = $4,"
                                   " device = coalesce($5, device), address = coalesce(nullif($6, '')::inet, address)"
                                   " WHERE id = $1";

static enum err load_session(struct call *call, const struct refresh_token *token, struct session_state *out)
{
    struct session_row row = { .counter = 0 };
    enum err e = pg_one(call->pg, call->arena, &session_row_shape, &row, LOCK_SESSION, PG_ARGS(pg_id(token->session)));

    if (e == ERR_NOT_FOUND) return ERR_SESSION_ENDED;
    TRY(e);
    *out = (struct session_state){ .id = token->session,
        .counter = row.counter,
        .secret = row.secret,
        .refreshed_at = row.refreshed_at,
        .expires_at = row.expires_at,
        .ends_at = row.ends_at,
        .authenticated_at = row.authenticated_at,
        .methods = row.methods };
    return account_by_id(call->pg, call->arena, row.account, &out->account);
}

static enum err move_session(struct call *call, struct session_state *session)
{
    session->counter++;
    session->expires_at = session_expiry(auth_settings(call), call->now, session->ends_at);
    return pg_run(call->pg, call->arena, MOVE_SESSION,
        PG_ARGS(pg_id(session->id), pg_int(session->counter), pg_time(call->now), pg_time(session->expires_at),
            pg_text(call->who->agent), pg_text(call->who->address)),
        NULL);
}

/* A token whose answer got lost is used, too; but the time within which older ones are good does not begin anew. */
static const char EXTEND_SESSION[] =
    "UPDATE session SET expires_at = $2 WHERE id = $1 AND expires_at < $2::timestamptz - interval '1 minute'";

static enum err extend_session(struct call *call, struct session_state *session)
{
    session->expires_at = session_expiry(auth_settings(call), call->now, session->ends_at);
    return pg_run(
        call->pg, call->arena, EXTEND_SESSION, PG_ARGS(pg_id(session->id), pg_time(session->expires_at)), NULL);
}

/* A refusal rolls the call back; what stays of it is committed with the attempt's row.  This process hears of an end from
 * the database, as the others do. */
static enum err refuse_refresh(struct call *call, const struct session_state *session, enum err why)
{
    struct attempt attempt = { .kind = ATTEMPT_refresh,
        .subject = id_is_nil(session->account.id) ? STR_NONE : id_text(call->arena, session->account.id),
        .address = call->who->address,
        .device = call->who->agent,
        .trace = call->trace };

    if (why == ERR_REFRESH_REUSED) TRY(session_forget(call, session->id));
    return attempt_refuse(call, attempt, why);
}

static enum err judge_refresh(
    const struct call *call, const struct refresh_token *token, const struct session_state *session)
{
    int64_t behind = session->counter - token->counter;

    if (!refresh_token_is_genuine(token, session->secret) || behind < 0) return ERR_TOKEN_INVALID;
    if (call->now >= session->expires_at || !account_is_active(&session->account)) return ERR_SESSION_ENDED;
    return behind > 1 && call->now - session->refreshed_at > REUSE_MS ? ERR_REFRESH_REUSED : OK;
}

enum err user_refresh(struct call *call, const struct user_refresh *req, struct session_tokens *rep)
{
    struct refresh_token token;
    struct session_state session = { .counter = 0 };

    if (!refresh_token_parse(req->refresh_token, &token)) return ERR_TOKEN_INVALID;
    enum err e = load_session(call, &token, &session);
    if (e != OK) return e == ERR_SESSION_ENDED ? refuse_refresh(call, &session, e) : e;
    call_note(call, F_INT("behind", session.counter - token.counter));
    enum err why = judge_refresh(call, &token, &session);
    if (why != OK) return refuse_refresh(call, &session, why);
    e = ban_check(call->pg, call->arena, id_text(call->arena, session.account.id));
    if (e != OK) return e == ERR_BANNED ? refuse_refresh(call, &session, e) : e;
    TRY(token.counter == session.counter ? move_session(call, &session) : extend_session(call, &session));
    return session_tokens_of(call->pg, call->arena, call, &session, rep);
}

/* attempts.c - one more row of `attempt`. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/abuse/attempts.h"

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/db/rows.h"
#include "services/auth/alerts/alerts.h"

#define DEVICE_CHARS_MAX 200
#define FAILURES_MANY    10 /* proto/alerts.def: repeated_failures */
#define FAILURES_MS      600000
#define FAILURES_SEEN    200

static const char *const kinds[] = {
#define ATTEMPT(kind, doc) #kind,
#include "services/auth/abuse/attempts.def"
#undef ATTEMPT
};

struct attempt attempt_by(const struct call *call, enum attempt_kind kind, struct id account)
{
    return (struct attempt){ .kind = kind,
        .subject = id_is_nil(account) ? STR_NONE : id_text(call->arena, account),
        .address = call->who->address,
        .device = call->who->agent,
        .trace = call->trace };
}

static const char ADD_ATTEMPT[] =
    "INSERT INTO attempt (at, id, kind, subject, key, address, device, result, trace, times)"
    " VALUES ($1, $2, $3, coalesce($4, ''), coalesce($5, ''), coalesce($6, ''), "
    "left(coalesce($7, ''), $8::bigint::int),"
    " $9, coalesce($10, ''), $11)";

static enum err add_attempt(struct pg *pg, struct arena *arena, const struct attempt *attempt, int64_t times)
{
    return pg_run(pg, arena, ADD_ATTEMPT,
        PG_ARGS(pg_time(clock_ms()), pg_id(id_new()), pg_text(str_of(kinds[attempt->kind])), pg_text(attempt->subject),
            pg_text(attempt->key), pg_text(attempt->address), pg_text(attempt->device), pg_int(DEVICE_CHARS_MAX),
            pg_text(str_of(err_code(attempt->result))), pg_text(attempt->trace), pg_int(times)),
        NULL);
}

/* What is refused for its rate costs whoever sends it nothing: those beyond so many are one row, which is nobody's. */
static enum err note_limited(struct pg *pg, struct arena *arena, const struct attempt *attempt)
{
    static struct log_bound bound;
    int64_t left_out = 0;

    if (!log_may_write(&bound, &left_out)) return OK;
    struct attempt others = { .kind = attempt->kind, .result = attempt->result };
    if (left_out > 0) TRY(add_attempt(pg, arena, &others, left_out));
    return add_attempt(pg, arena, attempt, 1);
}

/* --- many failures --- */

/* What was good once, and is over, is no sign of anything. */
static bool is_failure(enum err e)
{
    /* clang-format off */
    static const bool failures[ERR_COUNT] = {
#define ERROR(name, code, status, text)
#define REFUSED(name, code, status, text) [ERR_##name] = true,
#include "proto/errors.def"
#undef ERROR
    };
    /* clang-format on */

    return failures[e] && e != ERR_TOKEN_EXPIRED && e != ERR_SESSION_ENDED;
}

/* Of the newest, as many as are looked at. */
#define RECENT(of_)                                                                                                    \
    "SELECT count(*) FILTER (WHERE result = $2) AS failures FROM (SELECT result FROM attempt WHERE " of_               \
    " AND at > $3 ORDER BY at DESC, id DESC LIMIT $4) recent"

static const char RECENT_OF_SUBJECT[] = RECENT("subject = $1 AND subject <> ''");
static const char RECENT_OF_KEY[] = RECENT("key = $1 AND key <> ''");

struct recent {
    int64_t failures;
};
static const struct wire_field recent_fields[] = { ROW_FIELD(struct recent, failures, INT), ROW_END };
static const struct wire_shape recent_shape = { "recent", "", sizeof(struct recent), recent_fields };

static enum err alert_if_many(struct pg *pg, struct arena *arena, const struct attempt *attempt)
{
    bool is_key = attempt->key.len > 0;
    struct str who = is_key ? attempt->key : attempt->subject, code = str_of(err_code(attempt->result));
    struct alert_about about = { .kind = ALERT_repeated_failures, .detail = code };
    struct recent recent = { .failures = 0 };

    if (who.len == 0) return OK;
    TRY(pg_one(pg, arena, &recent_shape, &recent, is_key ? RECENT_OF_KEY : RECENT_OF_SUBJECT,
        PG_ARGS(pg_text(who), pg_text(code), pg_time(clock_ms() - FAILURES_MS), pg_int(FAILURES_SEEN))));
    if (recent.failures < FAILURES_MANY) return OK;
    *(is_key ? &about.key : &about.subject) = who;
    return alert_raise(pg, arena, &about);
}

enum err attempt_note(struct pg *pg, struct arena *arena, const struct attempt *attempt)
{
    if (attempt->result == ERR_RATE_LIMITED) return note_limited(pg, arena, attempt);
    TRY(add_attempt(pg, arena, attempt, 1));
    return is_failure(attempt->result) ? alert_if_many(pg, arena, attempt) : OK;
}

enum err attempt_refuse(struct call *call, struct attempt attempt, enum err result)
{
    attempt.result = result;
    TRY(attempt_note(call->pg, call->arena, &attempt));
    TRY(pg_commit(call->pg));
    return result;
}

enum err attempt_settle(struct call *call, struct attempt attempt, enum err result)
{
    if (result == OK) return attempt_note(call->pg, call->arena, &attempt);
    if (result != ERR_GONE && result != ERR_SESSION_ENDED && result != ERR_BANNED && result != ERR_RATE_LIMITED &&
        result != ERR_ACCOUNT_LEAVING)
        return result;
    pg_rollback(call->pg);
    return attempt_refuse(call, attempt, result);
}

/*
 * webhook_send.c - one webhook is told what waits for it; a job, of which there is one at a time for each.
 *
 *      worker: what came of the attempt before is written, the next is picked --> loop: posted --> worker: ...
 *
 * Nobody dies in the middle without an attempt that comes again under the same id: what is written, is written behind the answer.
 */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/secret.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/fetch/webhook.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/webhooks/answer_part.h"
#include "services/chat/webhooks/webhooks.h"

#define SENT_MAX    100 /* in one run: then others have their turn */
#define RUN_US      INT64_C(5000000)
#define HOLD_MAX_MS 300000
#define DAY_MS      INT64_C(86400000)
#define BODY_BYTES  32768

/* Before the second attempt, the third ...: in times of the setting. */
static const int64_t WAITS[WEBHOOK_ATTEMPTS - 1] = { 1, 60, 360, 1440, 3600, 7200, 10080, 14400, 17280 };

struct webhook_target {
    struct str url, secret, former, made_by;
    bool is_told;
    int64_t not_before, failures, failing_since;
};
static const struct wire_field webhook_target_fields[] = {
    ROW_FIELD(struct webhook_target, url, TEXT),
    ROW_FIELD(struct webhook_target, secret, BYTES),
    ROW_FIELD(struct webhook_target, former, BYTES),
    ROW_FIELD(struct webhook_target, made_by, TEXT),
    ROW_FIELD(struct webhook_target, is_told, BOOL),
    ROW_FIELD(struct webhook_target, not_before, TIME),
    ROW_FIELD(struct webhook_target, failures, INT),
    ROW_FIELD(struct webhook_target, failing_since, TIME),
    ROW_END,
};
static const struct wire_shape webhook_target_shape = { "webhook_target", "", sizeof(struct webhook_target),
    webhook_target_fields };

struct webhook_due {
    struct id id;
    struct str type, data;
    int64_t at, attempts;
};
static const struct wire_field webhook_due_fields[] = {
    ROW_FIELD(struct webhook_due, id, ID),
    ROW_FIELD(struct webhook_due, type, TEXT),
    ROW_FIELD(struct webhook_due, data, TEXT),
    ROW_FIELD(struct webhook_due, at, TIME),
    ROW_FIELD(struct webhook_due, attempts, INT),
    ROW_END,
};
static const struct wire_shape webhook_due_shape = { "webhook_due", "", sizeof(struct webhook_due),
    webhook_due_fields };

struct webhook_moment {
    int64_t at;
};
static const struct wire_field webhook_moment_fields[] = { ROW_FIELD(struct webhook_moment, at, TIME), ROW_END };
static const struct wire_shape webhook_moment_shape = { "webhook_moment", "", sizeof(struct webhook_moment),
    webhook_moment_fields };

/* What came of an attempt. */
struct webhook_outcome {
    bool is_known, is_taken, is_gone;
    int64_t began, ms, status, retry_after_ms;
    const char *result;
    char answer[ANSWER_PART_BYTES];
};

struct sending {
    struct call *call;
    struct job_run *run;
    struct webhook_ref ref;
    int64_t began_us, attempt_us;
    size_t sent;
    struct webhook_target target;
    struct webhook_due due; /* no id: nothing is due, or not now */
    struct webhook_outcome outcome;
    struct webhook_secret secrets[WEBHOOK_SECRETS_MAX];
    size_t n_secrets;
    struct str body;
};

/* --- on a worker: what came of it --- */

static const char NOTE[] = "INSERT INTO webhook_attempt (webhook_id, delivery_id, type, at, ms, result, status, answer)"
                           " VALUES ($1, $2, $3, $4, $5, $6, nullif($7::bigint, 0), $8)";
static const char TAKEN[] =
    "UPDATE webhook_delivery SET state = 'done', ended_at = now(), attempts = attempts + 1 WHERE id = $1";
static const char WORKS[] = "UPDATE webhook SET failures = 0, failing_since = NULL, held_until = NULL WHERE id = $1";
static const char GONE[] =
    "UPDATE webhook SET off = 'gone', off_at = now(), failing_since = NULL, held_until = NULL WHERE id = $1";
static const char LATER_ON[] =
    "UPDATE webhook_delivery SET attempts = attempts + 1, due_at = now() + $2::bigint * interval '1 millisecond',"
    " state = CASE WHEN attempts + 1 >= $3 THEN 'dead' ELSE state END,"
    " ended_at = CASE WHEN attempts + 1 >= $3 THEN now() END WHERE id = $1 AND state = 'waiting'";
static const char FAILED[] =
    "UPDATE webhook SET failures = failures + 1, failing_since = coalesce(failing_since, $2),"
    " held_until = now() + $3::bigint * interval '1 millisecond', off = CASE WHEN $4 THEN 'failing' ELSE off END,"
    " off_at = CASE WHEN $4 THEN now() ELSE off_at END WHERE id = $1";

/* Its owner hears of it, and what waits can be replayed. */
static enum err end_webhook(struct call *call, const struct sending *s)
{
    struct notification_news_item item = { .subject = s->target.made_by,
        .kind = NOTIFICATION_webhook_off,
        .room = s->ref.room,
        .by = webhook_teller(call->arena, s->ref.webhook),
        .at = clock_ms() };
    struct notification_mark_list told;

    LOG(WARN, "webhook.off", F_ID("webhook", s->ref.webhook), F_ID("room", s->ref.room),
        F_TEXT("why", s->outcome.is_gone ? "gone" : "failing"));
    TRY(webhook_give_up(call, s->ref.webhook));
    TRY(notifications_lock(call, (struct str_list){ &item.subject, 1 }));
    TRY(notifications_put(call, (struct notification_items){ &item, 1 }, &told));
    return notifications_notify(call, told);
}

/* A fifth more or less, so that what failed together does not come back together. */
static int64_t shake(int64_t ms)
{
    uint32_t chance;

    secret_random(&chance, sizeof chance);
    return ms - ms / 5 + (int64_t)(chance % (uint64_t)(ms / 5 * 2 + 1));
}

static int64_t longer_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static enum err note_failure(struct call *call, const struct sending *s)
{
    const struct settings_chat *settings = chat_settings(call);
    const struct webhook_outcome *o = &s->outcome;
    int64_t unit = settings->webhook_retry_s * 1000, hold = unit, attempts = s->due.attempts + 1;
    int64_t wait = unit * WAITS[attempts < WEBHOOK_ATTEMPTS ? attempts - 1 : WEBHOOK_ATTEMPTS - 2];
    bool is_over =
        s->target.failing_since > 0 && o->began - s->target.failing_since >= settings->webhook_failing_days * DAY_MS;

    for (int64_t i = 0; i < s->target.failures && hold < HOLD_MAX_MS; i++) hold *= 2;
    if (hold > HOLD_MAX_MS) hold = longer_of(HOLD_MAX_MS, unit);
    TRY(pg_run(call->pg, call->arena, LATER_ON,
        PG_ARGS(pg_id(s->due.id), pg_int(longer_of(shake(wait), o->retry_after_ms)), pg_int(WEBHOOK_ATTEMPTS)), NULL));
    TRY(pg_run(call->pg, call->arena, FAILED,
        PG_ARGS(pg_id(s->ref.webhook), pg_time(o->began), pg_int(longer_of(shake(hold), o->retry_after_ms)),
            pg_bool(is_over)),
        NULL));
    return is_over ? end_webhook(call, s) : OK;
}

static enum err note_outcome(struct call *call, const struct sending *s)
{
    const struct webhook_outcome *o = &s->outcome;

    TRY(pg_run(call->pg, call->arena, NOTE,
        PG_ARGS(pg_id(s->ref.webhook), pg_id(s->due.id), pg_text(s->due.type), pg_time(o->began), pg_int(o->ms),
            pg_text(str_of(o->result)), pg_int(o->status),
            pg_text(o->answer[0] != '\0' ? str_of(o->answer) : STR_NONE)),
        NULL));
    if (o->is_taken) {
        TRY(pg_run(call->pg, call->arena, TAKEN, PG_ARGS(pg_id(s->due.id)), NULL));
        return s->target.failures > 0 ? pg_run(call->pg, call->arena, WORKS, PG_ARGS(pg_id(s->ref.webhook)), NULL) : OK;
    }
    if (!o->is_gone) return note_failure(call, s);
    TRY(pg_run(call->pg, call->arena, LATER_ON, PG_ARGS(pg_id(s->due.id), pg_int(0), pg_int(WEBHOOK_ATTEMPTS)), NULL));
    TRY(pg_run(call->pg, call->arena, GONE, PG_ARGS(pg_id(s->ref.webhook)), NULL));
    return end_webhook(call, s);
}

/* --- on a worker: what comes next --- */

static const char LOCK[] =
    "SELECT w.url, w.secret, CASE WHEN w.former_until > now() THEN w.former END AS former, w.made_by, w.failures,"
    " w.failing_since, " WEBHOOK_IS_TOLD(
        "$2") " AS is_told, greatest(CASE WHEN w.held_until > now() THEN w.held_until"
              " END, CASE WHEN w.minute > now() - interval '1 minute' AND w.attempts >= $3 THEN w.minute + interval '1 "
              "minute'"
              " END) AS not_before FROM webhook w WHERE w.id = $1 FOR NO KEY UPDATE OF w";
static const char PICK[] =
    "SELECT d.id, d.type, d.at, d.attempts, (CASE WHEN d.text IS NULL THEN d.data ELSE d.data || "
    "jsonb_build_object('text', d.text) END)::text AS data FROM webhook_delivery d WHERE d.webhook_id = $1"
    " AND d.state = 'waiting' AND d.due_at <= now() ORDER BY d.place LIMIT 1";
static const char NEXT_DUE[] = "SELECT due_at AS at FROM webhook_delivery WHERE webhook_id = $1 AND state = 'waiting'"
                               " ORDER BY due_at LIMIT 1";
static const char COUNT_ATTEMPT[] =
    "UPDATE webhook SET attempts = CASE WHEN minute > now() - interval '1 minute' THEN attempts + 1 ELSE 1 END,"
    " minute = CASE WHEN minute > now() - interval '1 minute' THEN minute ELSE now() END WHERE id = $1";
static const char TRIM_ATTEMPTS[] =
    "DELETE FROM webhook_attempt WHERE webhook_id = $1 AND nth <= (SELECT nth FROM webhook_attempt WHERE webhook_id ="
    " $1 ORDER BY nth DESC OFFSET $2 LIMIT 1)";
static const char TRIM_DELIVERIES[] =
    "DELETE FROM webhook_delivery WHERE webhook_id = $1 AND state <> 'waiting' AND place <= (SELECT place FROM"
    " webhook_delivery WHERE webhook_id = $1 AND state <> 'waiting' ORDER BY place DESC OFFSET $2 LIMIT 1)";

/* The same text with each attempt, as long as the message is not deleted meanwhile. */
static enum err write_body(struct call *call, struct sending *s)
{
    struct buf out = BUF(BODY_BYTES);
    enum err e;

    webhook_write_body(s->due.type, s->due.at, s->due.data, &out);
    e = out.over ? ERR_TOO_LARGE : OK;
    if (e == OK) s->body = arena_str(call->arena, buf_str(&out));
    buf_free(&out);
    return e;
}

static enum err read_secret(struct call *call, struct sending *s, const struct sealed_column *column, struct str sealed)
{
    struct str plain;

    if (sealed.len == 0) return OK;
    TRY(column_unseal(call->arena, column, id_text(call->arena, s->ref.webhook), sealed, &plain));
    bool is_one = webhook_secret_read(plain, &s->secrets[s->n_secrets]);
    secret_wipe((void *)(uintptr_t)plain.at, plain.len);
    s->n_secrets += is_one;
    return is_one ? OK : call_fail(call, ERR_INTERNAL, "what is kept of its secret is none");
}

static enum err read_secrets(struct call *call, struct sending *s)
{
    s->n_secrets = 0;
    TRY(read_secret(call, s, &webhook_secret_column, s->target.secret));
    return read_secret(call, s, &webhook_former_column, s->target.former);
}

/* Nothing is due now: a job when something is. */
static enum err rest(struct call *call, struct sending *s)
{
    struct webhook_moment next;

    TRY(pg_run(call->pg, call->arena, TRIM_ATTEMPTS, PG_ARGS(pg_id(s->ref.webhook), pg_int(WEBHOOK_KEPT)), NULL));
    TRY(pg_run(call->pg, call->arena, TRIM_DELIVERIES, PG_ARGS(pg_id(s->ref.webhook), pg_int(WEBHOOK_KEPT)), NULL));
    enum err e = pg_one(call->pg, call->arena, &webhook_moment_shape, &next, NEXT_DUE, PG_ARGS(pg_id(s->ref.webhook)));
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    return webhook_wake(
        call, s->ref.room, s->ref.webhook, longer_of(longer_of(next.at, s->target.not_before), clock_ms()));
}

static enum err pick_next(struct call *call, struct sending *s)
{
    s->due = (struct webhook_due){ .type = STR_NONE };
    if (!s->target.is_told) return webhook_give_up(call, s->ref.webhook);
    if (s->target.not_before > 0 || s->sent >= SENT_MAX || clock_mono_us() - s->began_us > RUN_US) return rest(call, s);
    enum err e = pg_one(call->pg, call->arena, &webhook_due_shape, &s->due, PICK, PG_ARGS(pg_id(s->ref.webhook)));
    if (e == ERR_NOT_FOUND) return rest(call, s);
    TRY(e);
    TRY(read_secrets(call, s));
    TRY(write_body(call, s));
    return pg_run(call->pg, call->arena, COUNT_ATTEMPT, PG_ARGS(pg_id(s->ref.webhook)), NULL);
}

static enum err read_target(struct call *call, struct sending *s)
{
    s->target = (struct webhook_target){ .url = STR_NONE };
    return pg_one(call->pg, call->arena, &webhook_target_shape, &s->target, LOCK,
        PG_ARGS(pg_id(s->ref.webhook), pg_texts(call->arena, webhook_roles(call->arena)),
            pg_int(chat_settings(call)->webhook_per_minute)));
}

static enum err step(struct pg *pg, struct arena *arena, void *arg)
{
    struct sending *s = arg;
    struct call call = *s->call;

    (void)arena; /* what is read here is sent on the loop, and lives as long as the job */
    call.pg = pg;
    enum err e = read_target(&call, s);
    if (e == ERR_NOT_FOUND) { /* it was deleted */
        s->due = (struct webhook_due){ .type = STR_NONE };
        return OK;
    }
    TRY(e);
    if (s->outcome.is_known) {
        TRY(note_outcome(&call, s));
        TRY(read_target(&call, s));
    }
    return pick_next(&call, s);
}

/* --- on the loop --- */

static void go_on(struct sending *s);

static void on_answer(void *arg, const struct fetch_answer *answer)
{
    struct sending *s = arg;

    s->outcome = (struct webhook_outcome){ .is_known = true,
        .is_taken = webhook_was_taken(answer),
        .is_gone = webhook_is_gone(answer),
        .began = s->outcome.began,
        .ms = (clock_mono_us() - s->attempt_us) / 1000,
        .status = answer->result == FETCH_ANSWERED ? answer->status : 0,
        .retry_after_ms = webhook_retry_after_ms(answer),
        .result = fetch_result_code(answer->result) };
    if (answer->result == FETCH_ANSWERED) answer_part(answer->body, s->outcome.answer);
    go_on(s);
}

static void on_step(void *arg, enum err e)
{
    struct sending *s = arg;
    struct call *call = s->call;

    if (e != OK || id_is_nil(s->due.id)) {
        secret_wipe(s->secrets, sizeof s->secrets);
        call_note(call, F_INT("sent", (int64_t)s->sent));
        job_done(s->run, e);
        return;
    }
    s->sent++;
    s->outcome.began = clock_ms();
    s->attempt_us = clock_mono_us();
    webhook_request(
        call->fetcher, s->target.url, s->secrets, s->n_secrets, id_text(call->arena, s->due.id), s->body, on_answer, s);
}

static void go_on(struct sending *s)
{
    const struct chat *chat = s->call->context;

    if (!rpc_server_work(chat->server, STR_NONE, step, on_step, s)) on_step(s, ERR_OVERLOADED);
}

void webhook_send(struct call *call, const struct job *job, const struct webhook_ref *payload, struct job_run *run)
{
    struct sending *s = arena_zero(call->arena, sizeof *s);

    (void)job;
    *s = (struct sending){ .call = call, .run = run, .ref = *payload, .began_us = clock_mono_us() };
    go_on(s);
}

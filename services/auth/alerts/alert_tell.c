/*
 * alert_tell.c - an alert goes into the log and to the webhook; a job.
 *
 *      worker: read it; if it has come more often, gateways are told --> the log --> loop: posted, until it is taken
 */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <time.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "services/auth/alerts/alert_webhook.h"

#define BODY_BYTES_MAX 16384

struct alert_telling {
    struct job_run *run;
    struct call *call;
    const struct job *job;
    struct id id;
    struct str body; /* none: there is nothing to tell */
};

/* What was counted meanwhile is told with it, and gateways hear of that by the trigger. */
static const char MARK_TOLD[] = "UPDATE alert SET told = times WHERE id = $1 AND told <> times";
static const char READ_ALERT[] =
    "SELECT id, kind, nullif(address, '') AS address, nullif(subject, '') AS subject, nullif(key, '') AS key,"
    " nullif(detail, '') AS detail, at, last_at, told AS times FROM alert WHERE id = $1";

static void log_alert(const struct alert_telling *telling, const struct alert *alert)
{
    if (telling->job->attempt > 1) return;
    LOG(WARN, "auth.alert", F_STR("kind", alert->kind), F_STR("address", alert->address),
        F_STR("subject", alert->subject), F_STR("key", alert->key), F_STR("detail", alert->detail),
        F_INT("times", alert->times), F_ID("alert", alert->id));
}

static void put_time(struct buf *out, int64_t ms)
{
    time_t s = ms / 1000;
    struct tm tm;
    char text[32];

    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
    buf_printf(out, "%s.%03dZ", text, (int)(ms % 1000));
}

/* As Standard Webhooks has it: type, timestamp, data. */
static enum err write_body(struct alert_telling *telling, const struct alert *alert)
{
    struct buf out = BUF(BODY_BYTES_MAX), data = BUF(BODY_BYTES_MAX);
    enum err e = wire_write_json(alert_shape(), alert, &data);

    buf_printf(&out, "{\"type\":\"alert.%.*s\",\"timestamp\":\"", STR_ARG(alert->kind));
    put_time(&out, alert->last_at);
    buf_add_str(&out, STR("\",\"data\":"));
    buf_add_str(&out, buf_str(&data));
    buf_add_char(&out, '}');
    if (e == OK && out.over) e = ERR_TOO_LARGE;
    if (e == OK) telling->body = arena_str(telling->call->arena, buf_str(&out));
    buf_free(&data);
    buf_free(&out);
    return e;
}

/* On a worker. */
static enum err read_alert(struct pg *pg, struct arena *arena, void *arg)
{
    struct alert_telling *telling = arg;
    struct alert alert = { .times = 0 };

    TRY(pg_run(pg, arena, MARK_TOLD, PG_ARGS(pg_id(telling->id)), NULL));
    enum err e = pg_one(pg, arena, alert_shape(), &alert, READ_ALERT, PG_ARGS(pg_id(telling->id)));
    if (e == ERR_NOT_FOUND) return OK; /* it was forgotten */
    TRY(e);
    TRY(write_body(telling, &alert));
    log_alert(telling, &alert);
    return OK;
}

static void on_posted(void *arg, enum err e, const char *why, int64_t retry_after_ms)
{
    struct alert_telling *telling = arg;

    if (e != OK) e = call_fail(telling->call, e, "%s", why);
    if (e != OK) telling->call->why->retry_after_ms = retry_after_ms;
    job_done(telling->run, e);
}

static void on_read(void *arg, enum err e)
{
    struct alert_telling *telling = arg;
    const struct auth *auth = telling->call->context;

    if (e != OK || telling->body.len == 0 || auth->alert_webhook == NULL)
        job_done(telling->run, e);
    else
        alert_webhook_post(auth->alert_webhook, telling->call->fetcher, id_text(telling->call->arena, telling->job->id),
            telling->body, on_posted, telling);
}

void alert_tell(struct call *call, const struct job *job, const struct alert_ref *ref, struct job_run *run)
{
    struct alert_telling *telling = arena_zero(call->arena, sizeof *telling);
    const struct auth *auth = call->context;

    *telling = (struct alert_telling){ .run = run, .call = call, .job = job, .id = ref->alert };
    if (!rpc_server_work(auth->server, STR_NONE, read_alert, on_read, telling)) job_done(run, ERR_OVERLOADED);
}

/*
 * webhook_tell.c - a job's message to a webhook.
 *
 *      worker: it is read, and written --> loop: posted, until it is taken
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/fetch/webhook.h"
#include "services/auth/auth.h"

#define BODY_BYTES_MAX 16384

struct webhook_telling {
    struct call *call;
    const struct job *job;
    struct job_run *run;
    enum webhook_name to;
    webhook_read_fn *read;
    const void *payload;
    struct str body; /* none: there is nothing to tell */
};

static enum err write_body(struct webhook_telling *telling, const struct webhook_message *message)
{
    struct buf out = BUF(BODY_BYTES_MAX), data = BUF(BODY_BYTES_MAX);
    enum err e = wire_write_json(message->shape, message->record, &data);

    webhook_write_body(message->type, message->at, buf_str(&data), &out);
    if (e == OK && out.over) e = ERR_TOO_LARGE;
    if (e == OK) telling->body = arena_str(telling->call->arena, buf_str(&out));
    buf_free(&data);
    buf_free(&out);
    return e;
}

/* On a worker. */
static enum err read_message(struct pg *pg, struct arena *arena, void *arg)
{
    struct webhook_telling *telling = arg;
    struct webhook_message message = { .at = 0 };

    TRY(telling->read(pg, arena, telling->job, telling->payload, &message));
    return message.type.len > 0 ? write_body(telling, &message) : OK;
}

static void on_posted(void *arg, enum err e, const char *why, int64_t retry_after_ms)
{
    struct webhook_telling *telling = arg;

    if (e != OK) e = call_fail(telling->call, e, "%s", why);
    if (e != OK) telling->call->why->retry_after_ms = retry_after_ms;
    job_done(telling->run, e);
}

static void on_read(void *arg, enum err e)
{
    struct webhook_telling *telling = arg;
    const struct auth *auth = telling->call->context;
    const struct webhook_receiver *webhook = auth->webhooks[telling->to];

    if (e != OK || telling->body.len == 0 || webhook == NULL)
        job_done(telling->run, e);
    else
        webhook_post(webhook, telling->call->fetcher, id_text(telling->call->arena, telling->job->id), telling->body,
            on_posted, telling);
}

void webhook_tell(struct call *call, const struct job *job, struct job_run *run, enum webhook_name to,
    webhook_read_fn *read, const void *payload)
{
    struct webhook_telling *telling = arena_zero(call->arena, sizeof *telling);
    const struct auth *auth = call->context;

    *telling =
        (struct webhook_telling){ .call = call, .job = job, .run = run, .to = to, .read = read, .payload = payload };
    if (!rpc_server_work(auth->server, STR_NONE, read_message, on_read, telling)) job_done(run, ERR_OVERLOADED);
}

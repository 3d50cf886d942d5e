/* message_schedule.c - a message that shall be sent later: is its author one who could send it now, then into the table. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/rpc/quota.h"
#include "services/store/drafts/drafts.h"
#include "services/store/scheduled/scheduled.h"

#define AHEAD_MAX_MS (INT64_C(120) * 86400000)

struct scheduling {
    struct store *store;
    struct rpc_later *later;
    const struct schedule_draft *draft;
    struct scheduled_message made;
    bool is_repeat;
    int64_t draft_gone; /* its version, 0: none went */
};

enum err scheduled_check_time(struct call *call, int64_t send_at)
{
    if (send_at < call->now) return call_fail(call, ERR_INVALID_ARGUMENT, "send_at: is in the past");
    if (send_at - call->now <= AHEAD_MAX_MS) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "send_at: is more than 120 days ahead");
}

enum err scheduled_wake(struct call *call, int64_t at)
{
    struct nothing none;

    return job_put(call, &schedule_run_job, STR(""), &none, at);
}

void scheduled_tell(struct rpc_server *server, const struct scheduled_news *news)
{
    struct rpc_event *event =
        rpc_event_create((struct id){ { 0 } }, 0, "scheduled.changed", scheduled_news_shape(), news);

    rpc_event_send_all(server, "gateway", event);
    rpc_event_destroy(&event);
}

static const char INSERT[] =
    "INSERT INTO scheduled (subject, room_id, id, send_at, try_at, body, meta, thread, attachments, made_at)"
    " SELECT $1, $2, $3, $4::timestamptz, $4::timestamptz, $5, ($6::json[])[1], NULLIF($7::bigint, 0),"
    " NULLIF($8::uuid[], '{}'), $9::timestamptz"
    " WHERE NOT EXISTS (SELECT FROM message WHERE room_id = $2 AND sender = $1 AND id = $3)"
    " ON CONFLICT (subject, room_id, id) DO NOTHING RETURNING " SCHEDULED_COLUMNS;
static const char FORMER[] =
    "SELECT " SCHEDULED_COLUMNS " FROM scheduled WHERE subject = $1 AND room_id = $2 AND id = $3";

/* What is there already under this id stands, like a repeated message's first text. */
static enum err read_former(struct call *call, struct scheduling *s)
{
    enum err e = pg_one(call->pg, call->arena, scheduled_message_shape(), &s->made, FORMER,
        PG_ARGS(pg_text(call->who->sub), pg_id(s->draft->room), pg_text(s->draft->id)));

    s->is_repeat = true;
    return e == ERR_NOT_FOUND ? call_fail(call, ERR_CONFLICT, "id: a message with it is in the log") : e;
}

static enum err keep_new(struct call *call, struct scheduling *s)
{
    const struct schedule_draft *draft = s->draft;
    struct str meta = draft->meta;

    enum err e = pg_one(call->pg, call->arena, scheduled_message_shape(), &s->made, INSERT,
        PG_ARGS(pg_text(call->who->sub), pg_id(draft->room), pg_text(draft->id), pg_time(draft->send_at),
            pg_text(draft->body), pg_jsons(call->arena, (struct str_list){ &meta, 1 }), pg_int(draft->thread),
            pg_ids(call->arena, draft->attachments), pg_time(call->now)));
    if (e == ERR_NOT_FOUND) return read_former(call, s);
    TRY(e);
    TRY(scheduled_wake(call, draft->send_at));
    return quota_take(call, QUOTA_scheduled, 1);
}

/* What it was as a draft goes in the same transaction; a repeat clears it, too. */
static enum err keep(struct pg *pg, struct arena *arena, void *arg)
{
    struct scheduling *s = arg;
    const struct schedule_draft *draft = s->draft;
    struct call call = call_on_worker(rpc_later_call(s->later), pg, arena);

    TRY(keep_new(&call, s));
    if (draft->draft == 0) return OK;
    return draft_remove(&call, &(struct draft_ref){ draft->room, draft->thread, draft->draft }, &s->draft_gone);
}

static void tell_devices(struct scheduling *s, struct str subject)
{
    struct draft_end end = { s->draft->room, s->draft->thread, s->draft_gone };

    if (!s->is_repeat)
        scheduled_tell(s->store->server, &(struct scheduled_news){ .subject = subject, .message = &s->made });
    if (s->draft_gone > 0) draft_tell(s->store->server, &(struct draft_news){ .subject = subject, .end = &end });
}

static void on_kept(void *arg, enum err e)
{
    struct scheduling *s = arg;
    struct call *call = rpc_later_call(s->later);

    if (e == ERR_INVALID_ARGUMENT) e = call_fail(call, e, "meta: holds what cannot be stored");
    if (e == OK) tell_devices(s, call->who->sub);
    rpc_later_done(s->later, e, &s->made);
}

static void on_claimed(void *arg, enum err e)
{
    struct scheduling *s = arg;
    struct call *call = rpc_later_call(s->later);

    if (e == OK && !rpc_server_work(s->store->server, call->who->sub, keep, on_kept, s))
        e = call_fail(call, ERR_OVERLOADED, "too many requests wait for a worker");
    if (e != OK) rpc_later_done(s->later, e, NULL);
}

static void on_grant(void *arg, enum err e, struct log_access may)
{
    struct scheduling *s = arg;
    struct call *call = rpc_later_call(s->later);

    e = access_error(call, e, may);
    if (e == OK && !entry_is_allowed(s->store->settings, ENTRY_message, may.role, true, 0))
        e = call_fail(call, ERR_FORBIDDEN, "one only reads in this room, or for the time being");
    if (e == OK && s->draft->attachments.len > 0)
        media_claim_ask(s->store, call, s->draft->attachments, on_claimed, s);
    else
        on_claimed(s, e);
}

void message_schedule(struct call *call, const struct schedule_draft *draft, struct rpc_later *later)
{
    const struct message entry = { .room = draft->room, .body = draft->body, .attachments = draft->attachments };
    struct scheduling *s;
    enum err e = entry_check(call, ENTRY_message, &entry);

    if (e == OK) e = scheduled_check_time(call, draft->send_at);
    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    s = arena_zero(call->arena, sizeof *s);
    s->store = call->context;
    s->later = later;
    s->draft = draft;
    access_cache_ask(store_chat(s->store, draft->room)->access, draft->room, call->who->sub, on_grant, s);
}

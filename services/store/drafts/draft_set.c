/* draft_set.c - keeping what somebody has begun to write, where they could send it now. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/rpc/quota.h"
#include "services/store/drafts/drafts.h"

struct draft_setting {
    struct store *store;
    struct rpc_later *later;
    const struct draft_change *change;
    struct draft made;
    bool is_repeat;
};

#define COLUMNS "room_id AS room, thread, body, meta, attachments, updated_at, version"
#define OWN     " WHERE subject = $1 AND room_id = $2 AND thread = $3"

static const char BEGIN[] =
    "INSERT INTO draft (subject, room_id, thread, body, meta, attachments, updated_at, version) VALUES ($1, $2, $3, $4,"
    " ($5::json[])[1], NULLIF($6::uuid[], '{}'), $7::timestamptz, nextval('draft_version'))"
    " ON CONFLICT (subject, room_id, thread) DO NOTHING RETURNING " COLUMNS;
static const char CHANGE[] =
    "UPDATE draft SET body = $4, meta = ($5::json[])[1], attachments = NULLIF($6::uuid[], '{}'), updated_at = $7,"
    " version = nextval('draft_version')" OWN " AND ($8::bigint < 0 OR version = $8) RETURNING " COLUMNS;
static const char SAME[] =
    "SELECT " COLUMNS " FROM draft" OWN " AND body = $4 AND meta::text IS NOT DISTINCT FROM ($5::json[])[1]::text"
    " AND attachments IS NOT DISTINCT FROM NULLIF($6::uuid[], '{}')";

/* The first six arguments are common to all three; a statement takes as many as it has. */
static enum err run(struct call *call, struct draft_setting *s, const char *sql, int n)
{
    const struct draft_change *change = s->change;
    struct str meta = change->meta;
    struct pg_args args = *PG_ARGS(pg_text(call->who->sub), pg_id(change->room), pg_int(change->thread),
        pg_text(change->body), pg_jsons(call->arena, (struct str_list){ &meta, 1 }),
        pg_ids(call->arena, change->attachments), pg_time(call->now), pg_int(change->version));

    args.n = n;
    return pg_one(call->pg, call->arena, draft_shape(), &s->made, sql, &args);
}

static enum err begin_draft(struct call *call, struct draft_setting *s)
{
    TRY(run(call, s, BEGIN, 7));
    return quota_take(call, QUOTA_drafts, 1);
}

/* What is there and says the same is what a repeat has kept before. */
static enum err read_same(struct call *call, struct draft_setting *s)
{
    enum err e = run(call, s, SAME, 6);

    s->is_repeat = true;
    if (e != ERR_NOT_FOUND) return e;
    return call_fail(call, ERR_PRECONDITION, "version: the draft is another by now, or is none");
}

/* Where two devices begin one at once, the second changes what the first has begun. */
static enum err keep(struct pg *pg, struct arena *arena, void *arg)
{
    struct draft_setting *s = arg;
    struct call call = call_on_worker(rpc_later_call(s->later), pg, arena);
    int64_t version = s->change->version;
    enum err e = version == 0 ? ERR_NOT_FOUND : run(&call, s, CHANGE, 8);

    if (e == ERR_NOT_FOUND && version <= 0) e = begin_draft(&call, s);
    if (e == ERR_NOT_FOUND && version < 0) e = run(&call, s, CHANGE, 8);
    return e == ERR_NOT_FOUND ? read_same(&call, s) : e;
}

static void on_kept(void *arg, enum err e)
{
    struct draft_setting *s = arg;
    struct call *call = rpc_later_call(s->later);

    if (e == ERR_INVALID_ARGUMENT) e = call_fail(call, e, "meta: holds what cannot be stored");
    if (e == OK && !s->is_repeat)
        draft_tell(s->store->server, &(struct draft_news){ .subject = call->who->sub, .draft = &s->made });
    rpc_later_done(s->later, e, &s->made);
}

static void on_claimed(void *arg, enum err e)
{
    struct draft_setting *s = arg;
    struct call *call = rpc_later_call(s->later);

    if (e == OK && !rpc_server_work(s->store->server, call->who->sub, keep, on_kept, s))
        e = call_fail(call, ERR_OVERLOADED, "too many requests wait for a worker");
    if (e != OK) rpc_later_done(s->later, e, NULL);
}

static void on_grant(void *arg, enum err e, struct log_access may)
{
    struct draft_setting *s = arg;
    struct call *call = rpc_later_call(s->later);

    e = access_error(call, e, may);
    if (e == OK && !entry_is_allowed(s->store->settings, ENTRY_message, may.role, true, 0))
        e = call_fail(call, ERR_FORBIDDEN, "one only reads in this room, or for the time being");
    if (e == OK && s->change->attachments.len > 0)
        media_claim_ask(s->store, call, s->change->attachments, on_claimed, s);
    else
        on_claimed(s, e);
}

void draft_set(struct call *call, const struct draft_change *change, struct rpc_later *later)
{
    const struct message entry = { .room = change->room, .body = change->body, .attachments = change->attachments };
    struct draft_setting *s;
    enum err e = entry_check(call, ENTRY_message, &entry);

    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    s = arena_zero(call->arena, sizeof *s);
    s->store = call->context;
    s->later = later;
    s->change = change;
    access_cache_ask(store_chat(s->store, change->room)->access, change->room, call->who->sub, on_grant, s);
}

/*
 * schedule_sweep.c - what was scheduled in rooms that are no more goes; a job, every ten minutes.
 *
 *      the next rooms --room.keeping, chat--> those that are gone --> their messages are removed, and their authors told
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/quota.h"
#include "libshared/wire/columns.h"
#include "services/store/scheduled/scheduled.h"

#define ROOMS_AT_ONCE 500 /* proto/chat.def: log_begins.logs */
#define ROWS_AT_ONCE  500

struct orphan {
    struct str subject, id;
    struct id room;
};
struct orphan_list {
    struct orphan *at;
    size_t len;
};
static const struct wire_field orphan_fields[] = {
    ROW_FIELD(struct orphan, subject, TEXT),
    ROW_FIELD(struct orphan, id, TEXT),
    ROW_FIELD(struct orphan, room, ID),
    ROW_END,
};
static const struct wire_shape orphan_shape = { "orphan", "", sizeof(struct orphan), orphan_fields };

struct schedule_sweep {
    struct store *store;
    struct call *call;
    struct job_run *run;
    struct id after; /* rooms up to this one were asked about */
    struct log_begin_list rooms;
    struct id_list gone;
    struct orphan_list removed;
};

static void work(struct schedule_sweep *sweep, enum err (*step)(struct pg *pg, struct arena *arena, void *arg),
    void (*done)(void *arg, enum err e))
{
    if (!rpc_server_work(sweep->store->server, STR_NONE, step, done, sweep)) job_done(sweep->run, ERR_OVERLOADED);
}

static void look_on(struct schedule_sweep *sweep);

static const char REMOVE[] = "DELETE FROM scheduled WHERE nth IN (SELECT nth FROM scheduled WHERE room_id = ANY ($1)"
                             " AND NOT sending ORDER BY nth LIMIT $2) RETURNING subject, room_id AS room, id";

static enum err remove_orphans(struct pg *pg, struct arena *arena, void *arg)
{
    struct schedule_sweep *sweep = arg;
    struct call call = call_on_worker(sweep->call, pg, arena);

    TRY(pg_all(pg, sweep->call->arena, &orphan_shape, &sweep->removed, ROWS_AT_ONCE, REMOVE,
        PG_ARGS(pg_ids(arena, sweep->gone), pg_int(ROWS_AT_ONCE))));
    for (size_t i = 0; i < sweep->removed.len; i++)
        TRY(quota_give(&call, QUOTA_scheduled, sweep->removed.at[i].subject, 1));
    return OK;
}

static void tell_authors(const struct schedule_sweep *sweep)
{
    for (size_t i = 0; i < sweep->removed.len; i++) {
        const struct orphan *orphan = &sweep->removed.at[i];
        struct scheduled_end end = { .room = orphan->room, .id = orphan->id };
        scheduled_tell(sweep->store->server, &(struct scheduled_news){ .subject = orphan->subject, .end = &end });
    }
}

static void on_removed(void *arg, enum err e)
{
    struct schedule_sweep *sweep = arg;

    if (e != OK) {
        job_done(sweep->run, e);
        return;
    }
    tell_authors(sweep);
    if (sweep->removed.len == ROWS_AT_ONCE)
        work(sweep, remove_orphans, on_removed);
    else
        look_on(sweep);
}

static void on_keeping(void *arg, enum err e, struct str body)
{
    struct schedule_sweep *sweep = arg;
    struct arena *arena = sweep->call->arena;
    struct rooms_kept kept;
    struct wire_error why = { 0 };

    if (e == OK) e = wire_decode(rooms_kept_shape(), arena_str(arena, body), arena, &kept, &why);
    if (e != OK) {
        job_done(sweep->run, e);
        return;
    }
    sweep->gone = kept.gone;
    if (sweep->gone.len > 0)
        work(sweep, remove_orphans, on_removed);
    else
        look_on(sweep);
}

static const char ROOMS[] = "SELECT DISTINCT room_id AS room, 1 AS first FROM scheduled WHERE room_id >"
                            " coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid) ORDER BY room_id LIMIT $2";

static enum err find_rooms(struct pg *pg, struct arena *arena, void *arg)
{
    struct schedule_sweep *sweep = arg;

    (void)arena;
    return pg_all(pg, sweep->call->arena, log_begin_shape(), &sweep->rooms, ROOMS_AT_ONCE, ROOMS,
        PG_ARGS(pg_id(sweep->after), pg_int(ROOMS_AT_ONCE)));
}

static void on_rooms(void *arg, enum err e)
{
    struct schedule_sweep *sweep = arg;
    const struct chat_part *part = store_any_chat(sweep->store);

    if (e != OK || sweep->rooms.len == 0) {
        job_done(sweep->run, e);
        return;
    }
    sweep->after = sweep->rooms.at[sweep->rooms.len - 1].room;
    if (part == NULL)
        job_done(sweep->run, ERR_UNAVAILABLE);
    else
        chat_link_keeping(part->link, &(struct log_begins){ sweep->rooms }, on_keeping, sweep);
}

static void look_on(struct schedule_sweep *sweep)
{
    work(sweep, find_rooms, on_rooms);
}

void schedule_sweep(struct call *call, const struct job *job, const struct nothing *payload, struct job_run *run)
{
    struct schedule_sweep *sweep = arena_zero(call->arena, sizeof *sweep);

    (void)job, (void)payload;
    sweep->store = call->context;
    sweep->call = call;
    sweep->run = run;
    look_on(sweep);
}

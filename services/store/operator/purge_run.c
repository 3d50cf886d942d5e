/*
 * purge_run.c - what an operator purges of somebody's messages is deleted for good; a job, some messages at a time.
 *
 *      where it is --> the next messages --a deletion of each, as an entry--> committed --> what they said is forgotten, and where
 *                          ^                                                                it is now, in one transaction
 *                          +----------------------------- the next job ----------------------------+
 *
 * The deletions go the way of all entries, in the batches in which others write: so no place in the log is left out, who listens hears them, and
 * search, threads, mentions, counts and media follow them as they follow any other.  Each has an id made of the purge's and the message's seq: whoever
 * takes it up after a kill sends some of them once more, and they are in the log once.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/store/store.h"

#define ROOMS_AT_ONCE    500
#define MESSAGES_AT_ONCE 100
#define SENDER           "operator" /* nobody in the room needs to know which */

struct purge_state {
    struct str subject;
    struct id room, after_room; /* nil: all; from the first on */
    struct str after_id;
    bool ended;
};
static const struct wire_field state_fields[] = {
    ROW_FIELD(struct purge_state, subject, TEXT),
    ROW_FIELD(struct purge_state, room, ID),
    ROW_FIELD(struct purge_state, after_room, ID),
    ROW_FIELD(struct purge_state, after_id, TEXT),
    ROW_FIELD(struct purge_state, ended, BOOL),
    ROW_END,
};
static const struct wire_shape state_shape = { "purge_state", "", sizeof(struct purge_state), state_fields };

struct purge_rooms {
    struct id_list rooms;
};
static const struct wire_field rooms_fields[] = { ROW_FIELD(struct purge_rooms, rooms, IDS), ROW_END };
static const struct wire_shape rooms_shape = { "purge_rooms", "", sizeof(struct purge_rooms), rooms_fields };

struct own_message {
    struct id room;
    int64_t seq;
    struct str id;
    bool is_deleted;
};
struct own_message_list {
    struct own_message *at;
    size_t len;
};
static const struct wire_field own_message_fields[] = {
    ROW_FIELD(struct own_message, room, ID),
    ROW_FIELD(struct own_message, seq, INT),
    ROW_FIELD(struct own_message, id, TEXT),
    ROW_FIELD(struct own_message, is_deleted, BOOL),
    ROW_END,
};
static const struct wire_shape own_message_shape = { "own_message", "", sizeof(struct own_message),
    own_message_fields };

struct purging {
    struct store *store;
    struct call *call;
    const struct job *job;
    struct job_run *run;
    struct id id;
    struct purge_state state;
    struct id_list rooms;          /* of this turn */
    struct own_message_list found; /* in these */
    struct append *deletions;      /* one for each */
    size_t open;
    enum err e; /* of the first that failed */
};

static void work(struct purging *p, enum err (*step)(struct pg *pg, struct arena *arena, void *arg),
    void (*done)(void *arg, enum err e))
{
    if (!rpc_server_work(p->store->server, STR_NONE, step, done, p)) job_done(p->run, ERR_OVERLOADED);
}

static void end_turn(void *arg, enum err e)
{
    job_done(((struct purging *)arg)->run, e);
}

/* --- they are deleted --- */

/* What is kept of deleted messages for a while. */
static const char FORGET[] =
    "DELETE FROM removed d USING unnest($1::uuid[], $2::bigint[]) AS f (room_id, seq) WHERE d.room_id = f.room_id AND"
    " (d.seq = f.seq OR d.seq IN (SELECT e.seq FROM change e WHERE e.room_id = f.room_id AND e.target = f.seq AND"
    " e.kind = 'message:edit'))";
static const char GO_ON[] = "UPDATE purge SET after_room = $2, after_id = $3, messages = messages + $4,"
                            " ended_at = CASE WHEN $5 THEN now() END WHERE id = $1";

/* In the room where the last one was found there may be more. */
static bool is_full(const struct purging *p)
{
    return p->found.len == MESSAGES_AT_ONCE;
}

static bool is_last(const struct purging *p)
{
    return !is_full(p) && (p->rooms.len < ROOMS_AT_ONCE || !id_is_nil(p->state.room));
}

static enum err go_on(struct pg *pg, struct arena *arena, void *arg)
{
    const struct purging *p = arg;
    struct call call = call_on_worker(p->call, pg, arena);
    const struct own_message *last = is_full(p) ? &p->found.at[p->found.len - 1] : NULL;
    struct id room = last != NULL ? last->room : p->rooms.len > 0 ? p->rooms.at[p->rooms.len - 1] : p->state.after_room;

    TRY(pg_run(pg, arena, FORGET,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, p->found, room)), pg_ints(arena, INTS_OF(arena, p->found, seq))), NULL));
    TRY(pg_run(pg, arena, GO_ON,
        PG_ARGS(pg_id(p->id), pg_id(room), pg_text(last != NULL ? last->id : STR("")), pg_int((int64_t)p->found.len),
            pg_bool(is_last(p))),
        NULL));
    return is_last(p) ? OK : job_put(&call, p->job->kind, p->job->key, &(struct purge_ref){ p->id }, 0);
}

static void settled(struct purging *p)
{
    if (--p->open > 0) return;
    if (p->e == OK)
        work(p, go_on, end_turn);
    else
        job_done(p->run, p->e);
}

static void on_stored(struct append *append)
{
    struct purging *p = append->owner;

    if (append->e != OK && p->e == OK) p->e = append->e;
    settled(p);
}

static void delete_message(struct purging *p, const struct own_message *message, struct append *append)
{
    char purge[ID_TEXT_BYTES + 1];

    id_format(p->id, purge);
    *append = (struct append){ .owner = p,
        .answer = on_stored,
        .deadline_us = INT64_MAX,
        .message = { .room = message->room,
            .id = arena_printf(p->call->arena, "%s-%lld", purge, (long long)message->seq),
            .sender = STR(SENDER),
            .kind = entry_name(ENTRY_delete),
            .target = message->seq,
            .body = STR("") } };
    p->open++;
    if (committer_put(p->store->committer, append)) return;
    append->e = ERR_OVERLOADED;
    on_stored(append);
}

/* --- which --- */

static const char STATE[] = "SELECT subject, room_id AS room, after_room, after_id, ended_at IS NOT NULL AS "
                            "ended FROM purge WHERE id = $1";
static const char ROOMS[] =
    "SELECT array_agg(room_id ORDER BY room_id) AS rooms FROM (SELECT room_id FROM room_head WHERE ($1::uuid IS NULL OR"
    " room_id = $1) AND ($2::uuid IS NULL OR room_id > $2 OR (room_id = $2 AND $3 <> '')) ORDER BY room_id LIMIT $4) r";
/* By the index that keeps a sender's ids apart. */
static const char FOUND[] = "SELECT m.room_id AS room, m.seq, m.id, n.delete_seq IS NOT NULL AS is_deleted FROM "
                            "unnest($2::uuid[]) AS r (room_id),"
                            " LATERAL (SELECT o.room_id, o.seq, o.id FROM message o WHERE o.room_id = r.room_id AND "
                            "o.sender = $1 AND o.kind IS NULL"
                            "  AND o.at <= (SELECT begun_at FROM purge WHERE id = $5) AND (o.room_id IS DISTINCT FROM "
                            "$3 OR o.id > $4) AND o.seq >= (SELECT first FROM room_head h WHERE"
                            "  h.room_id = o.room_id) ORDER BY o.id LIMIT $6) m LEFT JOIN message_now n ON n.room_id = "
                            "m.room_id AND n.seq = m.seq"
                            " ORDER BY m.room_id, m.id LIMIT $6";

static enum err find_messages(struct pg *pg, struct arena *arena, void *arg)
{
    struct purging *p = arg;
    struct arena *kept = p->call->arena;
    struct purge_rooms rooms = { { NULL, 0 } };

    TRY(pg_one(pg, kept, &state_shape, &p->state, STATE, PG_ARGS(pg_id(p->id))));
    if (p->state.ended) return OK;
    TRY(pg_one(pg, kept, &rooms_shape, &rooms, ROOMS,
        PG_ARGS(pg_id(p->state.room), pg_id(p->state.after_room), pg_text(p->state.after_id), pg_int(ROOMS_AT_ONCE))));
    p->rooms = rooms.rooms;
    if (p->rooms.len == 0) return OK;
    return pg_all(pg, kept, &own_message_shape, &p->found, MESSAGES_AT_ONCE, FOUND,
        PG_ARGS(pg_text(p->state.subject), pg_ids(arena, p->rooms), pg_id(p->state.after_room),
            pg_text(p->state.after_id), pg_id(p->id), pg_int(MESSAGES_AT_ONCE)));
}

static void on_found(void *arg, enum err e)
{
    struct purging *p = arg;

    if (e != OK || p->state.ended) {
        job_done(p->run, e == ERR_NOT_FOUND ? OK : e); /* of what was forgotten nothing is left to be done */
        return;
    }
    p->deletions = arena_alloc(p->call->arena, (p->found.len + 1) * sizeof *p->deletions);
    p->open = 1;
    for (size_t i = 0; i < p->found.len; i++)
        if (!p->found.at[i].is_deleted) delete_message(p, &p->found.at[i], &p->deletions[i]);
    settled(p);
}

void purge_run(struct call *call, const struct job *job, const struct purge_ref *payload, struct job_run *run)
{
    struct purging *p = arena_zero(call->arena, sizeof *p);

    *p = (struct purging){ .store = call->context, .call = call, .job = job, .run = run, .id = payload->purge };
    work(p, find_messages, on_found);
}

/*
 * schedule_run.c - what is due is sent; a job, at the time of the next message.
 *
 *      rows that are due, `sending`, one commit --each by itself: entry_send()--> settled --> when all are: the next job
 *
 * Whoever dies in between leaves rows that are `sending` and due: the next run, when this one's lease has lapsed, sends them once more, under the
 * ids that they have, so the log has each once.  What is in the log is never refused: who was put out of the room after it was stored
 * is told that it was sent.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/quota.h"
#include "services/store/scheduled/scheduled.h"

#define AT_ONCE 50

struct due {
    int64_t nth;
    struct str subject, state; /* of a user, as the directory knows them */
    struct id room;
    struct str id, body, meta;
    int64_t thread;
    struct id_list attachments;
};
struct due_list {
    struct due *at;
    size_t len;
};
static const struct wire_field due_fields[] = {
    ROW_FIELD(struct due, nth, INT),
    ROW_FIELD(struct due, subject, TEXT),
    ROW_FIELD(struct due, state, TEXT),
    ROW_FIELD(struct due, room, ID),
    ROW_FIELD(struct due, id, TEXT),
    ROW_FIELD(struct due, body, TEXT),
    ROW_FIELD(struct due, meta, ANY),
    ROW_FIELD(struct due, thread, INT),
    ROW_FIELD(struct due, attachments, IDS),
    ROW_END,
};
static const struct wire_shape due_shape = { "due", "", sizeof(struct due), due_fields };

struct schedule_pass {
    struct store *store;
    struct call *call;
    struct job_run *run;
    struct due_list due;
    size_t open; /* not settled; one more while they begin */
    int64_t sent;
};

/* One message of a pass: as if its author called. */
struct due_sending {
    struct schedule_pass *pass;
    const struct due *due;
    struct principal who;
    struct wire_error why;
    struct call call;
    enum err e;
    bool was_put;
    int64_t seq;                      /* once it is known to be in the log */
    struct scheduled_message refused; /* once it is known that it will not be */
};

static void end_pass(struct schedule_pass *pass, enum err e)
{
    if (pass->sent > 0) call_note(pass->call, F_INT("sent", pass->sent));
    job_done(pass->run, e);
}

/* --- the next job --- */

struct next {
    int64_t at;
};
static const struct wire_field next_fields[] = { ROW_FIELD(struct next, at, TIME), ROW_END };
static const struct wire_shape next_shape = { "next", "", sizeof(struct next), next_fields };

static const char NEXT[] =
    "SELECT min(try_at) AS at FROM scheduled WHERE refused IS NULL HAVING min(try_at) IS NOT NULL";

static enum err put_next(struct pg *pg, struct arena *arena, void *arg)
{
    const struct schedule_pass *pass = arg;
    struct call call = call_on_worker(pass->call, pg, arena);
    struct next next = { 0 };
    enum err e = pg_one(pg, arena, &next_shape, &next, NEXT, PG_NO_ARGS);

    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    return scheduled_wake(&call, next.at);
}

static void on_next(void *arg, enum err e)
{
    end_pass(arg, e);
}

static void settled(struct schedule_pass *pass)
{
    if (--pass->open > 0) return;
    if (!rpc_server_work(pass->store->server, STR_NONE, put_next, on_next, pass)) end_pass(pass, ERR_OVERLOADED);
}

/* --- how one ended --- */

static const char STORED[] = "SELECT seq FROM message WHERE room_id = $1 AND sender = $2 AND id = $3";
static const char REMOVE[] = "DELETE FROM scheduled WHERE nth = $1";
static const char REFUSE[] = "UPDATE scheduled SET sending = false, refused = $2, why = $3 WHERE nth = $1"
                             " RETURNING " SCHEDULED_COLUMNS;
/* Later and later, the longer it is late; of slow mode when it says so. */
static const char AGAIN[] = "UPDATE scheduled SET sending = $2, try_at = now() + CASE WHEN $3::bigint > 0"
                            " THEN $3::bigint * interval '1 millisecond' ELSE greatest(interval '2 seconds',"
                            " least(interval '5 minutes', (now() - send_at) / 8)) END WHERE nth = $1";

struct stored {
    int64_t seq;
};
static const struct wire_field stored_fields[] = { ROW_FIELD(struct stored, seq, INT), ROW_END };
static const struct wire_shape stored_shape = { "stored", "", sizeof(struct stored), stored_fields };

/* May another attempt end in another way? */
static bool may_pass(enum err e)
{
    return err_status(e) >= 500 || e == ERR_RATE_LIMITED || e == ERR_SLOW_MODE;
}

static enum err find_stored(struct pg *pg, struct arena *arena, struct due_sending *s)
{
    struct stored stored = { 0 };
    enum err e = pg_one(pg, arena, &stored_shape, &stored, STORED,
        PG_ARGS(pg_id(s->due->room), pg_text(s->due->subject), pg_text(s->due->id)));

    if (e == OK) s->seq = stored.seq;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err remove_sent(struct call *call, const struct due_sending *s)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, REMOVE, PG_ARGS(pg_int(s->due->nth)), &rows));
    return rows > 0 ? quota_give(call, QUOTA_scheduled, s->due->subject, 1) : OK;
}

static enum err refuse(struct call *call, struct due_sending *s)
{
    enum err e = pg_one(call->pg, s->call.arena, scheduled_message_shape(), &s->refused, REFUSE,
        PG_ARGS(pg_int(s->due->nth), pg_text(str_of(err_code(s->e))),
            pg_text(str_of(s->why.text[0] != '\0' ? s->why.text : err_text(s->e)))));

    return e == ERR_NOT_FOUND ? OK : e; /* erased meanwhile */
}

static enum err settle(struct pg *pg, struct arena *arena, void *arg)
{
    struct due_sending *s = arg;
    struct call call = call_on_worker(&s->call, pg, arena);

    if (s->e != OK && !may_pass(s->e)) TRY(find_stored(pg, arena, s));
    if (s->seq > 0) return remove_sent(&call, s);
    if (!may_pass(s->e)) return refuse(&call, s);
    bool is_early = s->e == ERR_SLOW_MODE; /* it is not in the log, and waits as before */
    return pg_run(pg, arena, AGAIN,
        PG_ARGS(pg_int(s->due->nth), pg_bool(s->was_put && !is_early), pg_int(is_early ? s->why.retry_after_ms : 0)),
        NULL);
}

/* What could not be written is as it was: `sending`, and due. */
static void on_settled(void *arg, enum err e)
{
    struct due_sending *s = arg;
    struct scheduled_end end = { .room = s->due->room, .id = s->due->id, .seq = s->seq };
    struct scheduled_news news = { .subject = s->due->subject };

    if (s->seq > 0)
        news.end = &end;
    else if (!id_is_nil(s->refused.room))
        news.message = &s->refused;
    if (e == OK && (news.end != NULL || news.message != NULL)) scheduled_tell(s->pass->store->server, &news);
    if (e == OK && s->seq > 0) s->pass->sent++;
    settled(s->pass);
}

static void on_sent(void *arg, enum err e, const struct message *entry, bool was_put)
{
    struct due_sending *s = arg;

    s->e = e;
    s->was_put = was_put;
    if (e == OK) s->seq = entry->seq;
    if (!rpc_server_work(s->pass->store->server, STR_NONE, settle, on_settled, s)) on_settled(s, ERR_OVERLOADED);
}

/* --- sending --- */

static bool is_user_who_may_not(const struct due *due)
{
    return due->state.len > 0 && !str_is(due->state, "active");
}

static void send_due(struct schedule_pass *pass, const struct due *due)
{
    struct due_sending *s = arena_zero(pass->call->arena, sizeof *s);
    const struct message entry = { .room = due->room,
        .id = due->id,
        .body = due->body,
        .meta = due->meta,
        .thread = due->thread,
        .attachments = due->attachments };

    s->pass = pass;
    s->due = due;
    s->who = (struct principal){ .sub = due->subject, .kind = STR("service") };
    s->call = *pass->call;
    s->call.who = &s->who;
    s->call.why = &s->why;
    if (is_user_who_may_not(due))
        on_sent(s, call_fail(&s->call, ERR_FORBIDDEN, "the account is %.*s", STR_ARG(due->state)), &entry, false);
    else
        entry_send(&s->call, ENTRY_message, &entry, on_sent, s);
}

/* --- what is due --- */

/* By the database's clock, as jobs are. */
static const char TAKE[] =
    "WITH due AS (SELECT nth FROM scheduled WHERE try_at <= now() AND refused IS NULL ORDER BY try_at, nth LIMIT $1"
    " FOR UPDATE SKIP LOCKED), taken AS (UPDATE scheduled s SET sending = true FROM due WHERE s.nth = due.nth"
    " RETURNING s.*) SELECT t.nth, t.subject, t.room_id AS room, t.id, t.body, t.meta, t.thread, t.attachments,"
    " (SELECT d.state FROM directory d WHERE d.subject = t.subject) AS state FROM taken t ORDER BY t.try_at, t.nth";

static enum err take_due(struct pg *pg, struct arena *arena, void *arg)
{
    struct schedule_pass *pass = arg;

    (void)arena;
    return pg_all(pg, pass->call->arena, &due_shape, &pass->due, AT_ONCE, TAKE, PG_ARGS(pg_int(AT_ONCE)));
}

static void on_taken(void *arg, enum err e)
{
    struct schedule_pass *pass = arg;

    if (e != OK) {
        end_pass(pass, e);
        return;
    }
    pass->open = pass->due.len + 1;
    for (size_t i = 0; i < pass->due.len; i++) send_due(pass, &pass->due.at[i]);
    settled(pass);
}

void schedule_run(struct call *call, const struct job *job, const struct nothing *payload, struct job_run *run)
{
    struct schedule_pass *pass = arena_zero(call->arena, sizeof *pass);

    (void)job, (void)payload;
    pass->store = call->context;
    pass->call = call;
    pass->run = run;
    if (!rpc_server_work(pass->store->server, STR_NONE, take_due, on_taken, pass)) end_pass(pass, ERR_OVERLOADED);
}

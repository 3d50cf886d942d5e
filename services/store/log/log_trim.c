/*
 * log_trim.c - what its room keeps no longer goes; a job, every ten minutes.
 *
 *      the next rooms --room.keeping, chat--> for how many days, and how many messages, each keeps --> those whose beginning is older, or may be more
 *                              (of a purged room: all of it)
 *                                                 room by room: `first` is raised, then rows before it are removed, some at a time
 *      those that begin later now --room.keeping, chat--> counts go by it --> the next rooms, by the next job
 *
 * What is before `first` of room_head nobody reads, from the commit on that raises it: so whoever dies in the middle leaves rows that nobody sees,
 * and the next run removes them.  The raise takes the row that batches take, for one statement that does not wait for the disk; what removes rows
 * takes none that a batch takes, as nothing is done to messages before `first` any more (batch_effects.c).
 *
 * A message that is removed takes everything with it that lies at its place, and the words of its edits, whose own places are younger.  What
 * consumers of the log have not had stays until they have had it.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/store/moderation/moderation.h"

#define ROOMS_AT_ONCE 500      /* proto/chat.def: log_begins.logs */
#define ROWS_AT_ONCE  500      /* of a table, in one transaction */
#define MARGIN_US     20000000 /* before its deadline a run goes on with no other room, and leaves it to the next */
#define DAY_MS        86400000

/* What a room keeps: what was stored at `cut` or later, and the newest so many messages; 0: all of it.  Of a purged one KEEPS_NOTHING. */
#define KEEPS_NOTHING (-1)
struct keeping {
    int64_t cut, messages;
};
struct keeping_list {
    struct keeping *at;
    size_t len;
};

/* A room of which something may be to be removed. */
struct due_room {
    struct id room;
    int64_t nth; /* of the logs */
};
struct due_room_list {
    struct due_room *at;
    size_t len;
};
static const struct wire_field due_fields[] = { ROW_FIELD(struct due_room, room, ID),
    ROW_FIELD(struct due_room, nth, INT), ROW_END };
static const struct wire_shape due_shape = { "due_room", "", sizeof(struct due_room), due_fields };

struct log_beginning {
    int64_t first, cleared;
};
static const struct wire_field beginning_fields[] = { ROW_FIELD(struct log_beginning, first, INT),
    ROW_FIELD(struct log_beginning, cleared, INT), ROW_END };
static const struct wire_shape beginning_shape = { "log_beginning", "", sizeof(struct log_beginning),
    beginning_fields };

struct trimming {
    struct store *store;
    struct call *call;
    const struct job *job;
    struct job_run *run;
    struct log_begin_list logs;  /* of this run */
    struct keeping_list keeping; /* of each */
    struct due_room_list due;
    size_t nth;      /* of those that are due */
    int64_t removed; /* rows */
    bool has_more;   /* of the nth there may be more to remove */
    bool was_raised; /* some log begins later than chat was told */
    bool is_late;    /* this run leaves rooms to the next */
};

static void end_trimming(struct trimming *t, enum err e)
{
    if (t->removed > 0) call_note(t->call, F_INT("rows", t->removed));
    job_done(t->run, e);
}

static void work(struct trimming *t, enum err (*step)(struct pg *pg, struct arena *arena, void *arg),
    void (*done)(void *arg, enum err e))
{
    if (!rpc_server_work(t->store->server, STR_NONE, step, done, t)) end_trimming(t, ERR_OVERLOADED);
}

/* --- the next job --- */

static bool has_next(const struct trimming *t)
{
    return t->is_late || t->logs.len == ROOMS_AT_ONCE;
}

static enum err put_next(struct pg *pg, struct arena *arena, void *arg)
{
    const struct trimming *t = arg;
    struct call call = *t->call;
    struct nothing none;

    (void)arena;
    call.pg = pg;
    return has_next(t) ? job_put(&call, t->job->kind, t->job->key, &none, 0) : OK;
}

/* A run that was late looks at its rooms again: those that are done cost it a look. */
static void on_next(void *arg, enum err e)
{
    struct trimming *t = arg;

    if (e == OK && !t->is_late)
        t->store->trimmed = has_next(t) ? t->logs.at[t->logs.len - 1].room : (struct id){ { 0 } };
    end_trimming(t, e);
}

static void ask_chat(struct trimming *t, rpc_reply_fn *done)
{
    const struct chat_part *part = store_any_chat(t->store);

    if (part == NULL)
        end_trimming(t, ERR_UNAVAILABLE);
    else
        chat_link_keeping(part->link, &(struct log_begins){ t->logs }, done, t);
}

static void on_told(void *arg, enum err e, struct str body)
{
    struct trimming *t = arg;

    (void)body;
    if (e == OK)
        work(t, put_next, on_next);
    else
        end_trimming(t, e);
}

/* What chat was told at the beginning holds, if no log begins later now. */
static void finish_rooms(struct trimming *t)
{
    if (t->was_raised)
        ask_chat(t, on_told);
    else
        work(t, put_next, on_next);
}

/* --- one room --- */

/* Nobody waits for the disk: what is lost with a database is done again.  Of plans only those that look rows up. */
static const char BEGIN[] =
    "SELECT set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),"
    " set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)";

/* Up to the place $2, but not beyond what each of these consumers has had. */
static const char RAISE[] =
    "UPDATE room_head h SET first = u.first FROM (SELECT least($2::bigint, (SELECT min(COALESCE(p.seq, 0))"
    "  FROM unnest($3::text[]) AS f (name) LEFT JOIN feed_place p ON p.feed = f.name AND p.room_id = $1)) + 1 AS "
    "first) u"
    " WHERE h.room_id = $1 AND h.first < u.first";
static const char BEGINNING[] = "SELECT first, cleared FROM room_head WHERE room_id = $1";
static const char CLEARED[] = "UPDATE room_head SET cleared = $2 WHERE room_id = $1";
/* As for who is erased: search writes nothing that it has read before. */
static const char HOLD_SEARCH[] = "SELECT 1 FROM search_writer FOR UPDATE";

/* Rows of the room $1 before $2, at most $3.  Of those that others may write meanwhile, by their key: who waits for such a row looks again at
 * what it is then.  The others are never written again: by where they lie. */
#define UP_TO_NTH(table)                                                                                               \
    " WHERE room_id = $1 AND seq <= (SELECT max(seq) FROM (SELECT seq FROM " table                                     \
    " WHERE room_id = $1 AND seq < $2 ORDER BY seq LIMIT $3) s)"
#define SOME(table)                                                                                                    \
    "DELETE FROM " table " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " table                                            \
    " WHERE room_id = $1 AND seq < $2 LIMIT $3))"

/* The view first, which is where the job that forgets former texts begins, too. */
static const char *const removals[] = {
    "DELETE FROM message_now" UP_TO_NTH("message_now"),
    SOME("reaction"),
    SOME("reaction_count"),
    SOME("attachment"),
    /* What a file said of media that are shown no more. */
    "DELETE FROM imported_medium WHERE $2::bigint > 0 AND ctid = ANY (ARRAY(SELECT i.ctid FROM imported_medium i WHERE"
    " i.room_id = $1 AND NOT EXISTS (SELECT FROM attachment a WHERE a.media = i.media AND a.room_id = $1) LIMIT $3))",
    SOME("removed"),
    "DELETE FROM withheld WHERE ctid = ANY (ARRAY(SELECT ctid FROM withheld WHERE room_id = $1 AND message < $2 LIMIT "
    "$3))",
    SOME("hidden"),
    /* Of members only where nothing of the room is left. */
    REPORTS_GO(
        "room_id = $1 AND seq < $2 AND (seq > 0 OR EXISTS (SELECT FROM room_head h WHERE h.room_id = $1 AND h.first >"
        " h.seq)) LIMIT $3"),
    "WITH gone AS (" SOME(
        "search_entry") " RETURNING segment), fewer AS (UPDATE search_segment s SET n = s.n - g.n FROM"
                        " (SELECT segment, count(*) AS n FROM gone GROUP BY segment) g WHERE s.id = g.segment) SELECT "
                        "FROM gone",
    "WITH gone AS (DELETE FROM message" UP_TO_NTH(
        "message") " RETURNING thread, seq), less AS (DELETE FROM reply r"
                   " USING gone g WHERE r.room_id = $1 AND r.thread = g.thread AND r.seq = g.seq) SELECT FROM gone",
    "DELETE FROM change" UP_TO_NTH("change"),
    /* The words of edits whose own place is kept. */
    "UPDATE change SET body = '', attachments = NULL WHERE room_id = $1 AND seq IN (SELECT seq FROM change"
    " WHERE room_id = $1 AND target < $2 AND kind = 'message:edit' AND (body <> '' OR attachments IS NOT NULL) LIMIT "
    "$3)",
};

/* clang-format off */
static struct str_list find_consumers(struct arena *arena)
{
    static const struct { const char *name, *method; } rows[] = {
#define FEED(name, method, doc) { #name, method },
#include "proto/begin.def"
#include "proto/store.def"
#include "proto/end.def"
    };
    struct str_list names = { arena_alloc(arena, sizeof *names.at * COUNT(rows)), 0 };

    /* The store's own reads messages that are there, and counts none. */
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].method[0] != '\0') names.at[names.len++] = str_of(rows[i].name);
    return names;
}
/* clang-format on */

/* The newest message that is none of the last $2: what the server says, and what is done to messages, counts as none. */
static const char BEYOND[] =
    "SELECT room_id AS room, seq FROM message WHERE room_id = $1 AND kind IS NULL"
    " AND seq >= (SELECT first FROM room_head WHERE room_id = $1) ORDER BY seq DESC OFFSET $2 LIMIT 1";

static const char END[] = "SELECT room_id AS room, seq FROM room_head WHERE room_id = $1";

/* Up to where the room keeps nothing. */
static enum err find_place(
    struct pg *pg, struct arena *arena, struct id room, const struct keeping *keeping, int64_t *place)
{
    struct log_head beyond = { .seq = 0 };
    enum err e = OK;

    *place = 0;
    if (keeping->messages == KEEPS_NOTHING) {
        e = pg_one(pg, arena, log_head_shape(), &beyond, END, PG_ARGS(pg_id(room)));
        *place = beyond.seq;
        return e;
    }
    if (keeping->cut > 0) TRY(history_place(pg, arena, room, keeping->cut, place));
    if (keeping->messages > 0)
        e = pg_one(pg, arena, log_head_shape(), &beyond, BEYOND, PG_ARGS(pg_id(room), pg_int(keeping->messages)));
    if (beyond.seq > *place) *place = beyond.seq;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err raise_beginning(
    struct pg *pg, struct arena *arena, struct trimming *t, const struct due_room *due, struct log_beginning *out)
{
    int64_t place, raised;

    TRY(find_place(pg, arena, due->room, &t->keeping.at[due->nth], &place));
    TRY(pg_run(
        pg, arena, RAISE, PG_ARGS(pg_id(due->room), pg_int(place), pg_texts(arena, find_consumers(arena))), &raised));
    if (raised > 0) t->was_raised = true;
    return pg_one(pg, arena, &beginning_shape, out, BEGINNING, PG_ARGS(pg_id(due->room)));
}

static enum err remove_some(struct pg *pg, struct arena *arena, struct trimming *t, struct id room, int64_t first)
{
    t->has_more = false;
    TRY(pg_run(pg, arena, HOLD_SEARCH, PG_NO_ARGS, NULL));
    for (size_t i = 0; i < COUNT(removals); i++) {
        int64_t rows;
        TRY(pg_run(pg, arena, removals[i], PG_ARGS(pg_id(room), pg_int(first), pg_int(ROWS_AT_ONCE)), &rows));
        if (rows >= ROWS_AT_ONCE) t->has_more = true;
        t->removed += rows;
    }
    return t->has_more ? OK : pg_run(pg, arena, CLEARED, PG_ARGS(pg_id(room), pg_int(first)), NULL);
}

/* What is raised is committed before anything is removed. */
static enum err trim_some(struct pg *pg, struct arena *arena, void *arg)
{
    struct trimming *t = arg;
    const struct due_room *due = &t->due.at[t->nth];
    struct log_beginning is = { 1, 1 };
    bool was_raised = t->was_raised;

    TRY(pg_run(pg, arena, BEGIN, PG_NO_ARGS, NULL));
    t->was_raised = false;
    enum err e = raise_beginning(pg, arena, t, due, &is);
    t->has_more = t->was_raised;
    t->was_raised |= was_raised;
    TRY(e);
    t->logs.at[due->nth].first = is.first;
    return t->has_more || is.cleared >= is.first ? OK : remove_some(pg, arena, t, due->room, is.first);
}

static void trim_next(struct trimming *t);

static void on_trimmed(void *arg, enum err e)
{
    struct trimming *t = arg;

    if (e != OK) {
        end_trimming(t, e);
        return;
    }
    if (!t->has_more) t->nth++;
    trim_next(t);
}

static void trim_next(struct trimming *t)
{
    t->is_late = t->nth < t->due.len && clock_mono_us() > t->call->deadline_us - MARGIN_US;
    if (t->is_late || t->nth == t->due.len)
        finish_rooms(t);
    else
        work(t, trim_some, on_trimmed);
}

/* --- which rooms --- */

/* An entry is a message or none: a log with no more entries than messages that are kept has no more messages either. */
static const char DUE[] =
    "SELECT u.room, u.nth - 1 AS nth FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[])"
    " WITH ORDINALITY AS u (room, cut, messages, nth) CROSS JOIN LATERAL (SELECT seq, first,"
    " cleared FROM room_head WHERE room_id = u.room OFFSET 0) h"
    " LEFT JOIN LATERAL (SELECT at FROM message WHERE room_id = u.room AND seq >= h.first ORDER "
    "BY seq LIMIT 1) o ON true"
    " WHERE h.cleared < h.first OR o.at < u.cut"
    " OR (u.messages > 0 AND h.seq - h.first >= u.messages) OR (u.messages < 0 AND h.first <= h.seq)";

static enum err find_due(struct pg *pg, struct arena *arena, void *arg)
{
    struct trimming *t = arg;

    return pg_all(pg, t->call->arena, &due_shape, &t->due, ROOMS_AT_ONCE, DUE,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, t->logs, room)), pg_times(arena, INTS_OF(arena, t->keeping, cut)),
            pg_ints(arena, INTS_OF(arena, t->keeping, messages))));
}

static void on_due(void *arg, enum err e)
{
    if (e == OK)
        trim_next(arg);
    else
        end_trimming(arg, e);
}

static int64_t fewer(int64_t one, int64_t other)
{
    return one == 0 || (other > 0 && other < one) ? other : one; /* 0: all */
}

/* Of what the room says and what the installation says the fewer. */
static struct keeping keeping_of(const struct trimming *t, const struct rooms_kept *kept, struct id room)
{
    int64_t days = t->store->settings->kept_days, messages = t->store->settings->kept_messages;

    for (size_t i = 0; i < kept->purged.len; i++)
        if (id_eq(kept->purged.at[i], room)) return (struct keeping){ 0, KEEPS_NOTHING };
    for (size_t i = 0; i < kept->rooms.len; i++)
        if (id_eq(kept->rooms.at[i].room, room)) {
            days = fewer(days, kept->rooms.at[i].days);
            messages = fewer(messages, kept->rooms.at[i].messages);
        }
    return (struct keeping){ days > 0 ? t->call->now - days * DAY_MS : 0, messages };
}

static void on_keeping(void *arg, enum err e, struct str body)
{
    struct trimming *t = arg;
    struct rooms_kept kept;
    struct wire_error why = { 0 };

    if (e == OK) e = wire_decode(rooms_kept_shape(), arena_str(t->call->arena, body), t->call->arena, &kept, &why);
    if (e != OK) {
        end_trimming(t, e);
        return;
    }
    t->keeping.len = t->logs.len;
    t->keeping.at = arena_alloc(t->call->arena, (t->logs.len + 1) * sizeof *t->keeping.at);
    for (size_t i = 0; i < t->logs.len; i++) t->keeping.at[i] = keeping_of(t, &kept, t->logs.at[i].room);
    work(t, find_due, on_due);
}

static const char LOGS[] = "SELECT room_id AS room, first FROM room_head WHERE room_id >"
                           " coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid) ORDER BY room_id LIMIT $2";

static enum err find_logs(struct pg *pg, struct arena *arena, void *arg)
{
    struct trimming *t = arg;

    (void)arena;
    return pg_all(pg, t->call->arena, log_begin_shape(), &t->logs, ROOMS_AT_ONCE, LOGS,
        PG_ARGS(pg_id(t->store->trimmed), pg_int(ROOMS_AT_ONCE)));
}

static void on_logs(void *arg, enum err e)
{
    struct trimming *t = arg;

    if (e != OK) {
        end_trimming(t, e);
        return;
    }
    if (t->logs.len > 0)
        ask_chat(t, on_keeping);
    else
        work(t, put_next, on_next);
}

void log_trim(struct call *call, const struct job *job, const struct nothing *payload, struct job_run *run)
{
    struct trimming *t = arena_zero(call->arena, sizeof *t);

    (void)payload;
    t->store = call->context;
    t->call = call;
    t->job = job;
    t->run = run;
    work(t, find_logs, on_logs);
}

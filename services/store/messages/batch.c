/*
 * batch.c - one batch of messages into the log: one round trip, one transaction.
 *
 *      we send at once               the database does
 *      BEGIN
 *      MAKE_HEADS  rooms             a row for each new room, in the order of ids
 *      LOCK_HEADS  rooms             holds each room's row, in the same order: no deadlock, no second writer
 *      APPEND      messages          sees what former holders wrote: leaves repeats out, numbers the rest, stores them
 *      COMMIT
 *      <sync>                        one answer, after one flush to disk
 *
 * That is the long way.  Where all rooms are known to have a head, and until a repeat is met, a batch is one statement:
 *
 *      FRESH       counts, messages  raises each room's row by its count, which locks it; numbers and stores the messages
 *      <sync>                        commits it, with one answer
 *
 * A repeat violates the unique index, a missing head leaves a message without a number: the statement fails whole, nothing was
 * done, and the batch goes the long way.  So does one in which a message shows media, or something is done to messages: between
 * APPEND and COMMIT batch_effects.c makes it so; and one with a message of slow mode, which APPEND stores or not as `pace` says.
 *
 * Each statement has its own snapshot (READ COMMITTED), so APPEND's is younger than the locks: its numbers have no gap
 * and its search for repeats no hole.  libpq's pipeline mode sends the five without waiting.
 *
 * Measured on the 2-core development machine, messages of 60 bytes, two unique indexes, against one PL/pgSQL function
 * that does the same: 1 message per batch 1,150 against 1,100 batches/s, 16 in 4 rooms 21,300 against 18,800 messages/s,
 * 100 in 10 rooms 47,600 against 43,100, 1,000 in one room 52,800 against 42,500, in 100 rooms 39,700 against 42,800.
 * So the pipeline loses nothing, and its SQL stands here and not in a migration.
 */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/messages/batch.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/db/pg.h"
#include "services/store/messages/batch_effects.h"
#include "services/store/messages/batch_memory.h"

#define MAX_JSON (1u << 20)

static const char MAKE_HEADS[] =
    "INSERT INTO room_head (room_id, seq) SELECT room, 0 FROM unnest($1::uuid[]) AS room ORDER BY room"
    " ON CONFLICT (room_id) DO NOTHING";

static const char LOCK_HEADS[] = "SELECT FROM room_head WHERE room_id = ANY($1::uuid[]) ORDER BY room_id FOR UPDATE";

/* Messages, and what is done to messages: those have a target.  Of a repeat all that is stored comes back too: the stored one stands,
 * whatever is said now.  Of a sender in a room with slow mode one message at most is `in_time`: the first that comes
 * long enough after the last one that was.  OFFSET 0 keeps the planner from looking up the fresh ones as well, which saves a sixth.  An edit that
 * comes behind the deletion of its message, or behind its time, or while that is withheld, has no text: nobody would take it away any more. */
static const char APPEND[] =
    "WITH asked AS (SELECT a.room_id, a.id, a.sender, a.body, a.meta, a.kind, NULLIF(a.target, 0) AS target,"
    "       NULLIF(a.thread, 0) AS thread, a.attachments::uuid[] AS attachments, a.slow_ms, a.n FROM "
    "unnest($1::uuid[], "
    "$2::text[],"
    "       $3::text[], $4::text[], $5::json[], $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::bigint[])"
    "       WITH ORDINALITY AS a (room_id, id, sender, body, meta, kind, target, thread, attachments, slow_ms, n)),"
    " slow AS (SELECT a.room_id, a.sender, a.n, a.slow_ms - COALESCE((extract(epoch FROM $6::timestamptz - p.at)"
    "       * 1000)::bigint, a.slow_ms) AS early_ms FROM asked a LEFT JOIN pace p USING (sender, room_id)"
    "       WHERE a.slow_ms > 0 AND NOT EXISTS"
    "       (SELECT FROM message m WHERE m.room_id = a.room_id AND m.sender = a.sender AND m.id = a.id)),"
    " in_time AS (SELECT room_id, sender, min(n) AS n FROM slow WHERE early_ms <= 0 GROUP BY room_id, sender),"
    " paced AS (INSERT INTO pace (sender, room_id, at) SELECT sender, room_id, $6 FROM in_time"
    "       ON CONFLICT (sender, room_id) DO UPDATE SET at = EXCLUDED.at),"
    " fresh AS (SELECT a.*, h.seq + row_number() OVER (PARTITION BY a.room_id ORDER BY a.n) AS seq"
    "       FROM asked a JOIN room_head h USING (room_id) WHERE (a.slow_ms = 0 OR a.n IN (SELECT n FROM in_time))"
    "       AND CASE WHEN a.target IS NULL THEN NOT EXISTS"
    "       (SELECT FROM message m WHERE m.room_id = a.room_id AND m.sender = a.sender AND m.id = a.id)"
    "       ELSE NOT EXISTS"
    "       (SELECT FROM change c WHERE c.room_id = a.room_id AND c.sender = a.sender AND c.id = a.id) END),"
    " stored AS (INSERT INTO message (room_id, seq, id, sender, body, meta_as_sent, at, kind, thread, attachments)"
    "       SELECT room_id, seq, id, sender, body, meta, $6::timestamptz, kind, thread, attachments FROM fresh"
    "       WHERE target IS NULL),"
    " shown AS (INSERT INTO attachment (media, room_id, seq, sender)"
    "       SELECT media, room_id, seq, sender FROM fresh, unnest(attachments) AS media WHERE target IS NULL),"
    " changed AS (INSERT INTO change (room_id, seq, id, sender, kind, target, body, attachments, at)"
    "       SELECT room_id, seq, id, sender, kind, target, CASE WHEN is_late THEN '' ELSE body END,"
    "       CASE WHEN is_late THEN NULL ELSE attachments END, $6::timestamptz"
    "       FROM fresh f, LATERAL (SELECT kind = 'message:edit' AND (EXISTS (SELECT FROM message_now w"
    "       WHERE w.room_id = f.room_id AND w.seq = f.target AND (w.delete_seq IS NOT NULL OR w.withheld_at IS NOT "
    "NULL))"
    "       OR f.target < (SELECT first FROM room_head h WHERE h.room_id = f.room_id)) AS is_late) l"
    "       WHERE target IS NOT NULL),"
    " grown AS (UPDATE room_head h SET seq = f.seq"
    "       FROM (SELECT room_id, max(seq) AS seq FROM fresh GROUP BY room_id) f WHERE h.room_id = f.room_id)"
    " SELECT COALESCE(f.seq, m.seq, c.seq), (extract(epoch FROM COALESCE(m.at, c.at)) * 1000)::bigint,"
    " COALESCE(m.body, c.body), COALESCE(m.meta_as_sent, m.meta::json), COALESCE(m.kind, c.kind), c.target, m.thread,"
    " COALESCE(m.attachments, c.attachments)::text, (SELECT (extract(epoch FROM t.at) * 1000)::bigint FROM message t"
    " WHERE t.room_id = a.room_id AND t.seq = COALESCE(c.target, a.target)),"
    " CASE WHEN f.n IS NULL THEN (SELECT CASE WHEN s.early_ms > 0 THEN s.early_ms ELSE a.slow_ms END FROM slow s"
    "       WHERE s.n = a.n) END"
    " FROM asked a LEFT JOIN fresh f ON f.n = a.n"
    " LEFT JOIN LATERAL (SELECT m.* FROM message m WHERE f.n IS NULL AND a.target IS NULL AND m.room_id = a.room_id"
    "       AND m.sender = a.sender AND m.id = a.id OFFSET 0) m ON true"
    " LEFT JOIN LATERAL (SELECT c.* FROM change c WHERE f.n IS NULL AND a.target IS NOT NULL AND c.room_id = a.room_id"
    "       AND c.sender = a.sender AND c.id = a.id OFFSET 0) c ON true ORDER BY a.n";
enum { SEQ, AT, BODY, META, KIND, TARGET, THREAD, ATTACHMENTS, TARGET_AT, EARLY };

/* The rooms come in the order of ids, so two that number the same ones do not wait for each other in a circle.  A row that another
 * transaction has changed meanwhile is taken as that one left it, once it has committed. */
static const char FRESH[] =
    "WITH h AS (UPDATE room_head h SET seq = h.seq + u.n"
    "       FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS u (room_id, n, i) WHERE h.room_id = u.room_id"
    "       RETURNING u.i, h.room_id, h.seq - u.n AS seq),"
    " stored AS (INSERT INTO message (room_id, seq, id, sender, body, meta_as_sent, at)"
    "       SELECT a.room_id, h.seq + a.nth, a.id, a.sender, a.body, a.meta, $9::timestamptz"
    "       FROM unnest($3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::json[])"
    "       AS a (room_id, nth, id, sender, body, meta) LEFT JOIN h USING (room_id))"
    " SELECT i, seq FROM h";
enum { NTH_ROOM, BASE };

struct batch {
    struct arena *arena;
    struct append **unique; /* in the order in which they came */
    size_t n_unique;
    struct append **first_of; /* for the i-th that came: the first of the same id */
    struct id_list rooms;     /* each once, in the order of ids */
    size_t *room_of;          /* of the i-th unique one, in `rooms` */
    int64_t *nth, *counts;    /* of the i-th unique one in its room, from 1; of each room */
    struct batch_limits limits;
    int64_t at;
};

/* --- which are the same --- */

struct append_slot {
    struct append *append;
    size_t i;
};

static int compare_same(const void *left, const void *right)
{
    const struct message *a = &((const struct append_slot *)left)->append->message;
    const struct message *b = &((const struct append_slot *)right)->append->message;
    int order = memcmp(&a->room, &b->room, sizeof a->room);

    if (order == 0)
        order = (a->target > 0) - (b->target > 0); /* ids of messages and of what is done to them are apart */
    if (order == 0) order = str_cmp(a->sender, b->sender);
    return order ? order : str_cmp(a->id, b->id);
}

static int compare_slots(const void *left, const void *right)
{
    const struct append_slot *a = left, *b = right;
    int order = compare_same(a, b);

    return order ? order : (a->i > b->i) - (a->i < b->i);
}

static void make_space(struct batch *b, size_t n)
{
    b->unique = arena_alloc(b->arena, n * sizeof *b->unique);
    b->first_of = arena_alloc(b->arena, n * sizeof *b->first_of);
    b->rooms.at = arena_alloc(b->arena, n * sizeof *b->rooms.at);
    b->room_of = arena_alloc(b->arena, n * sizeof *b->room_of);
    b->nth = arena_alloc(b->arena, n * sizeof *b->nth);
    b->counts = arena_zero(b->arena, n * sizeof *b->counts);
}

static void add_unique(struct batch *b, struct append *append, size_t room)
{
    b->unique[b->n_unique] = append;
    b->room_of[b->n_unique] = room;
    b->nth[b->n_unique++] = ++b->counts[room];
}

static void sort_out(struct batch *b, struct append **at, size_t n)
{
    struct append_slot *slots = arena_alloc(b->arena, n * sizeof *slots);

    for (size_t i = 0; i < n; i++) slots[i] = (struct append_slot){ at[i], i };
    qsort(slots, n, sizeof *slots, compare_slots);

    size_t *room_of = arena_alloc(b->arena, n * sizeof *room_of);
    make_space(b, n);
    for (size_t i = 0; i < n; i++) {
        bool is_repeat = i > 0 && compare_same(&slots[i - 1], &slots[i]) == 0;
        struct id room = slots[i].append->message.room;
        b->first_of[slots[i].i] = is_repeat ? b->first_of[slots[i - 1].i] : slots[i].append;
        if (b->rooms.len == 0 || !id_eq(b->rooms.at[b->rooms.len - 1], room)) b->rooms.at[b->rooms.len++] = room;
        room_of[slots[i].i] = b->rooms.len - 1;
    }
    for (size_t i = 0; i < n; i++)
        if (b->first_of[i] == at[i]) add_unique(b, at[i], room_of[i]);
}

/* --- what is sent --- */

struct message_columns {
    struct id_list rooms;
    struct str_list ids, senders, bodies, metas, kinds, attachments;
    int64_t *targets, *threads, *slow_ms;
};

static struct str_list texts(struct arena *arena, size_t n)
{
    return (struct str_list){ arena_alloc(arena, n * sizeof(struct str)), n };
}

/* As PostgreSQL reads an array, for there is none of arrays of different lengths. */
struct str batch_ids_text(struct arena *arena, struct id_list ids)
{
    char *text, *at;

    if (ids.len == 0) return STR_NONE;
    text = at = arena_alloc(arena, ids.len * (ID_TEXT_BYTES + 1) + 2);
    for (size_t i = 0; i < ids.len; i++) {
        *at++ = i == 0 ? '{' : ',';
        id_format(ids.at[i], at);
        at += ID_TEXT_BYTES;
    }
    *at++ = '}';
    return (struct str){ text, (size_t)(at - text) };
}

static struct message_columns columns_of(const struct batch *b)
{
    size_t n = b->n_unique;
    struct message_columns c = { { arena_alloc(b->arena, n * sizeof(struct id)), n }, texts(b->arena, n),
        texts(b->arena, n), texts(b->arena, n), texts(b->arena, n), texts(b->arena, n), texts(b->arena, n),
        arena_alloc(b->arena, n * sizeof(int64_t)), arena_alloc(b->arena, n * sizeof(int64_t)),
        arena_alloc(b->arena, n * sizeof(int64_t)) };

    for (size_t i = 0; i < n; i++) {
        const struct message *m = &b->unique[i]->message;
        c.rooms.at[i] = m->room;
        c.ids.at[i] = m->id;
        c.senders.at[i] = m->sender;
        c.bodies.at[i] = m->body;
        c.metas.at[i] = m->meta;
        c.kinds.at[i] = m->kind;
        c.attachments.at[i] = batch_ids_text(b->arena, m->attachments);
        c.targets[i] = m->target;
        c.threads[i] = m->thread;
        c.slow_ms[i] = b->unique[i]->slow_ms;
    }
    return c;
}

bool batch_send(PGconn *conn, const char *name, const struct pg_args *args)
{
    const char *values[PG_MAX_ARGS];
    int lens[PG_MAX_ARGS], formats[PG_MAX_ARGS];

    for (int i = 0; i < args->n; i++) {
        const struct pg_arg *a = &args->at[i];
        values[i] = a->len < 0 ? NULL : a->at != NULL ? a->at : a->text;
        lens[i] = a->len < 0 ? 0 : a->len;
        formats[i] = a->format;
    }
    return PQsendQueryPrepared(conn, name, args->n, values, lens, formats, 0) == 1;
}

/* Nothing waits for a lock for longer than clients do.  A plan made while the log is short must not walk it when it is
 * long; nor may one that is made anew for each batch, as it was seen to be where the first batches were large.  The name marks the connection as prepared: see is_prepared. */
static const char SETTINGS[] =
    "SELECT set_config('statement_timeout', $1, false), set_config('enable_seqscan', 'off', false),"
    " set_config('plan_cache_mode', 'force_generic_plan', false),"
    " set_config('application_name', 'store.committer', false)";

/* With the first batch on a connection. */
static bool send_preparations(PGconn *conn, int64_t statement_ms)
{
    char timeout[24];
    const char *values[] = { timeout };

    snprintf(timeout, sizeof timeout, "%lld", (long long)statement_ms);
    return PQsendPrepare(conn, "begin", "BEGIN", 0, NULL) == 1 &&
           PQsendPrepare(conn, "make_heads", MAKE_HEADS, 0, NULL) == 1 &&
           PQsendPrepare(conn, "lock_heads", LOCK_HEADS, 0, NULL) == 1 &&
           PQsendPrepare(conn, "append", APPEND, 0, NULL) == 1 && effects_prepare(conn) &&
           PQsendPrepare(conn, "commit", "COMMIT", 0, NULL) == 1 && PQsendPrepare(conn, "fresh", FRESH, 0, NULL) == 1 &&
           PQsendQueryParams(conn, SETTINGS, 1, NULL, values, NULL, NULL, 0) == 1 && PQpipelineSync(conn) == 1;
}

static bool send_batch(PGconn *conn, const struct batch *b)
{
    struct message_columns c = columns_of(b);
    const struct pg_args *rooms = PG_ARGS(pg_ids(b->arena, b->rooms));

    return batch_send(conn, "begin", PG_NO_ARGS) && batch_send(conn, "make_heads", rooms) &&
           batch_send(conn, "lock_heads", rooms) &&
           batch_send(conn, "append",
               PG_ARGS(pg_ids(b->arena, c.rooms), pg_texts(b->arena, c.ids), pg_texts(b->arena, c.senders),
                   pg_texts(b->arena, c.bodies), pg_jsons(b->arena, c.metas), pg_time(b->at),
                   pg_texts(b->arena, c.kinds), pg_ints(b->arena, c.targets, b->n_unique),
                   pg_ints(b->arena, c.threads, b->n_unique), pg_texts(b->arena, c.attachments),
                   pg_ints(b->arena, c.slow_ms, b->n_unique))) &&
           effects_send(conn, b->arena, b->unique, b->n_unique, &b->limits) && batch_send(conn, "commit", PG_NO_ARGS) &&
           PQpipelineSync(conn) == 1;
}

static bool send_fresh(PGconn *conn, const struct batch *b)
{
    struct message_columns c = columns_of(b);

    return batch_send(conn, "fresh",
               PG_ARGS(pg_ids(b->arena, b->rooms), pg_ints(b->arena, b->counts, b->rooms.len),
                   pg_ids(b->arena, c.rooms), pg_ints(b->arena, b->nth, b->n_unique), pg_texts(b->arena, c.ids),
                   pg_texts(b->arena, c.senders), pg_texts(b->arena, c.bodies), pg_jsons(b->arena, c.metas),
                   pg_time(b->at))) &&
           PQpipelineSync(conn) == 1;
}

/* --- what comes back --- */

static bool begins(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

/* The errors after which the batch is written the long way: a repeat, a room without a head. */
static bool asks_for_the_long_way(const char *state)
{
    return begins(state, "23505") || begins(state, "23502");
}

static enum err failure(const PGresult *res, bool short_way)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (state == NULL) return ERR_UNAVAILABLE;
    if (short_way && asks_for_the_long_way(state)) return ERR_CONFLICT;
    LOG_BOUNDED(WARN, "batch.refused", F_TEXT("sqlstate", state), F_TEXT("why", text));
    if (begins(state, "40") || begins(state, "23505")) /* a deadlock, or another writer without our locks */
        return ERR_CONFLICT;
    if (begins(state, "08") || begins(state, "25") || begins(state, "53") || begins(state, "55") || begins(state, "57"))
        return ERR_UNAVAILABLE;
    return begins(state, "22") ? ERR_INVALID_ARGUMENT : ERR_INTERNAL;
}

/* Read all up to the sync, whatever it is: the connection has to be in step again.  The first error is the cause; the
 * results behind it only say that they were skipped.  A server that neither answers nor dies costs us the connection. */
static enum err read_up_to_sync(PGconn *conn, const struct batch *b, bool short_way, PGresult **rows, bool *committed)
{
    int64_t until_us = clock_mono_us() + b->limits.statement_ms * 1000 + PG_GRACE_US;
    enum err e = OK;

    for (int nothings = 0; nothings < 2;) {
        if (!pg_raw_wait((struct pg_conn *)conn, until_us)) return ERR_UNAVAILABLE;
        PGresult *res = PQgetResult(conn);
        ExecStatusType status = PQresultStatus(res);
        nothings = res == NULL ? nothings + 1 : 0;
        if (status == PGRES_FATAL_ERROR && res != NULL && e == OK) e = failure(res, short_way);
        if (status == PGRES_COMMAND_OK && strcmp(PQcmdStatus(res), "COMMIT") == 0) *committed = true;
        if (status == PGRES_TUPLES_OK && PQnfields(res) > 1 && *rows == NULL)
            *rows = res;
        else
            PQclear(res);
        if (status == PGRES_PIPELINE_SYNC && res != NULL) return e;
    }
    return ERR_UNAVAILABLE; /* no sync: the connection is gone */
}

static struct str text_at(const struct batch *b, const PGresult *rows, int row, int column)
{
    struct str s = { PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column) };

    return PQgetisnull(rows, row, column) ? STR_NONE : arena_str(b->arena, s);
}

static struct str meta_at(const struct batch *b, const PGresult *rows, int row)
{
    struct str json = text_at(b, rows, row, META);
    struct buf any = BUF(MAX_JSON);

    if (json.at != NULL && wire_any_from_json(json, &any) != OK) buf_clear(&any);
    struct str meta = any.len ? arena_str(b->arena, buf_str(&any)) : STR_NONE;
    buf_free(&any);
    return meta;
}

static int64_t int_at(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? 0 : strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

static struct id_list ids_at(const struct batch *b, const PGresult *rows, int row, int column)
{
    struct str left = { PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column) };
    struct id_list ids = { arena_alloc(b->arena, (left.len / ID_TEXT_BYTES + 1) * sizeof *ids.at), 0 };

    for (; left.len > ID_TEXT_BYTES; left = str_skip(left, ID_TEXT_BYTES + 1)) /* each behind its brace or comma */
        if (id_parse((struct str){ left.at + 1, ID_TEXT_BYTES }, &ids.at[ids.len])) ids.len++;
    return ids;
}

static void read_rows(const struct batch *b, const PGresult *rows)
{
    assert((size_t)PQntuples(rows) == b->n_unique);
    for (int i = 0; i < PQntuples(rows); i++) {
        struct message *m = &b->unique[i]->message;
        bool is_repeat = !PQgetisnull(rows, i, AT);

        m->seq = int_at(rows, i, SEQ);
        m->at = is_repeat ? int_at(rows, i, AT) : b->at;
        m->target_at = int_at(rows, i, TARGET_AT);
        b->unique[i]->early_ms = int_at(rows, i, EARLY);
        if (is_repeat) {
            m->body = text_at(b, rows, i, BODY);
            m->meta = meta_at(b, rows, i);
            m->kind = text_at(b, rows, i, KIND);
            m->target = int_at(rows, i, TARGET);
            m->thread = int_at(rows, i, THREAD);
            m->attachments = ids_at(b, rows, i, ATTACHMENTS);
        }
    }
}

/* --- the whole --- */

/* pg opens another connection when one is lost; a new one does not have this name, which the server reports. */
static bool is_prepared(PGconn *conn)
{
    const char *name = PQparameterStatus(conn, "application_name");

    return name != NULL && strcmp(name, "store.committer") == 0;
}

/* Of no use any more, or not known to be: pg opens another when it sees that this one is gone. */
static void hang_up(PGconn *conn)
{
    shutdown(PQsocket(conn), SHUT_RDWR);
    PQconsumeInput(conn);
}

static enum err prepare_statements(PGconn *conn, const struct batch *b)
{
    PGresult *rows = NULL;
    bool committed = false;

    if (is_prepared(conn)) return OK;
    enum err e = send_preparations(conn, b->limits.statement_ms) ? read_up_to_sync(conn, b, false, &rows, &committed)
                                                                 : ERR_UNAVAILABLE;
    PQclear(rows);
    return e == OK ? OK : ERR_UNAVAILABLE;
}

static enum err run_pipeline(PGconn *conn, const struct batch *b)
{
    PGresult *rows = NULL;
    bool committed = false;

    TRY(prepare_statements(conn, b));
    enum err e = send_batch(conn, b) ? read_up_to_sync(conn, b, false, &rows, &committed) : ERR_UNAVAILABLE;
    if (e == OK && (!committed || rows == NULL)) e = ERR_UNAVAILABLE;
    if (e == OK) read_rows(b, rows);
    PQclear(rows);
    return e;
}

static void read_bases(const struct batch *b, const PGresult *rows)
{
    int64_t *base = arena_zero(b->arena, b->rooms.len * sizeof *base);

    for (int i = 0; i < PQntuples(rows); i++) {
        long long room = strtoll(PQgetvalue(rows, i, NTH_ROOM), NULL, 10);
        assert(room >= 1 && (size_t)room <= b->rooms.len);
        base[room - 1] = strtoll(PQgetvalue(rows, i, BASE), NULL, 10);
    }
    for (size_t i = 0; i < b->n_unique; i++) {
        b->unique[i]->message.seq = base[b->room_of[i]] + b->nth[i];
        b->unique[i]->message.at = b->at;
    }
}

/* Without BEGIN the sync commits, and an answer without an error up to the sync says that it has. */
static enum err run_fresh(PGconn *conn, const struct batch *b)
{
    PGresult *rows = NULL;
    bool committed = false;

    TRY(prepare_statements(conn, b));
    enum err e = send_fresh(conn, b) ? read_up_to_sync(conn, b, true, &rows, &committed) : ERR_UNAVAILABLE;
    if (e == OK && rows == NULL) e = ERR_UNAVAILABLE;
    if (e == OK) assert((size_t)PQntuples(rows) == b->rooms.len);
    if (e == OK) read_bases(b, rows);
    PQclear(rows);
    return e;
}

/* Messages and nothing else, at any time. */
static bool is_plain(const struct batch *b)
{
    for (size_t i = 0; i < b->n_unique; i++)
        if (b->unique[i]->message.kind.len > 0 || b->unique[i]->message.thread > 0 ||
            b->unique[i]->message.attachments.len > 0 || b->unique[i]->slow_ms > 0)
            return false;
    return true;
}

static enum err store_batch(PGconn *conn, const struct batch *b, struct batch_memory *memory)
{
    enum err e = ERR_CONFLICT;

    if (is_plain(b) && batch_memory_trusts(memory, b->rooms)) {
        e = run_fresh(conn, b);
        if (e == ERR_CONFLICT) batch_memory_was_wrong(memory);
    }
    if (e == ERR_CONFLICT) {
        if (is_plain(b)) batch_memory_long_way(memory);
        e = run_pipeline(conn, b);
    }
    if (e == OK) batch_memory_committed(memory, b->rooms);
    return e;
}

/* A refused transaction stays open, and would keep its locks. */
static void leave_pipeline(PGconn *conn, const struct batch *b)
{
    int64_t until_us = clock_mono_us() + b->limits.statement_ms * 1000 + PG_GRACE_US;
    PGresult *res = NULL;

    if (PQexitPipelineMode(conn) != 1 || PQtransactionStatus(conn) == PQTRANS_IDLE) return;
    if (PQsendQueryParams(conn, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 0) == 1) {
        do PQclear(res);
        while (pg_raw_wait((struct pg_conn *)conn, until_us) && (res = PQgetResult(conn)) != NULL);
    }
    if (PQtransactionStatus(conn) != PQTRANS_IDLE) hang_up(conn);
}

/* Not id and sender, which are the same words: each append's own stay valid until that one is answered. */
static void take_over(struct message *m, const struct message *first)
{
    m->seq = first->seq;
    m->at = first->at;
    m->body = first->body;
    m->meta = first->meta;
    m->kind = first->kind;
    m->target = first->target;
    m->target_at = first->target_at;
    m->thread = first->thread;
    m->attachments = first->attachments;
}

enum err batch_commit(struct pg *pg, struct batch_memory *memory, struct arena *arena,
    const struct batch_limits *limits, struct append **at, size_t n)
{
    struct batch b = { .arena = arena, .limits = *limits, .at = clock_ms() };
    PGconn *conn = (PGconn *)pg_raw(pg);

    if (conn == NULL || PQsetnonblocking(conn, 1) != 0 || PQenterPipelineMode(conn) != 1) return ERR_UNAVAILABLE;
    sort_out(&b, at, n);
    enum err e = store_batch(conn, &b, memory);
    if (e == ERR_UNAVAILABLE)
        hang_up(conn);
    else
        leave_pipeline(conn, &b);
    for (size_t i = 0; e == OK && i < n; i++) {
        take_over(&at[i]->message, &b.first_of[i]->message);
        at[i]->early_ms = b.first_of[i]->early_ms;
    }
    return e;
}

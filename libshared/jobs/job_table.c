/* job_table.c - the statements on the table `job`.  `run_at` of a leased row is when the lease lapses. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/jobs/jobs_private.h"

static const struct wire_field row_fields[] = {
    ROW_FIELD(struct job_row, id, ID),
    ROW_FIELD(struct job_row, kind, TEXT),
    ROW_FIELD(struct job_row, key, TEXT),
    ROW_FIELD(struct job_row, subject, TEXT),
    ROW_FIELD(struct job_row, payload, BYTES),
    ROW_FIELD(struct job_row, attempts, INT),
    ROW_END,
};
static const struct wire_shape row_shape = { "job_row", "", sizeof(struct job_row), row_fields };

static const struct wire_field count_fields[] = {
    ROW_FIELD(struct job_count, kind, TEXT),
    ROW_FIELD(struct job_count, waiting, INT),
    ROW_FIELD(struct job_count, running, INT),
    ROW_FIELD(struct job_count, dead, INT),
    ROW_FIELD(struct job_count, oldest_ms, INT),
    ROW_END,
};
static const struct wire_shape count_shape = { "job_count", "", sizeof(struct job_count), count_fields };

struct wait {
    int64_t ms;
};
static const struct wire_field wait_fields[] = { ROW_FIELD(struct wait, ms, INT), ROW_END };
static const struct wire_shape wait_shape = { "wait", "", sizeof(struct wait), wait_fields };

/* --- putting --- */

/* No row: too many wait.  The bounds are looked at and not locked, so those who put at the same moment do not wait for each
 * other. */
static const char PUT_JOB[] =
    "WITH put AS (INSERT INTO job AS j (id, kind, key, subject, payload, put_at, run_at)"
    " SELECT $1, $2, $3, $4, $5, now(), coalesce($6, now())"
    " WHERE EXISTS (SELECT FROM job WHERE kind = $2 AND key = $3)"
    "   OR ((SELECT count(*) FROM (SELECT FROM job WHERE kind = $2 AND dead_at IS NULL LIMIT $7) w) < $7"
    "   AND ($4 = '' OR (SELECT count(*) FROM"
    "       (SELECT FROM job WHERE kind = $2 AND subject = $4 AND dead_at IS NULL LIMIT $8) s) < $8))"
    " ON CONFLICT (kind, key) DO UPDATE SET payload = excluded.payload, dead_at = NULL,"
    "   attempts = CASE WHEN j.dead_at IS NULL THEN j.attempts ELSE 0 END,"
    "   again_at = CASE WHEN j.lease IS NOT NULL THEN least(j.again_at, excluded.run_at) END,"
    "   run_at = CASE WHEN j.dead_at IS NOT NULL THEN excluded.run_at"
    "       WHEN j.lease IS NOT NULL OR j.attempts > 0 THEN j.run_at ELSE least(j.run_at, excluded.run_at) END"
    " RETURNING 1) SELECT pg_notify(current_schema() || '_jobs', '') FROM put";

static enum err put_row(struct pg *pg, struct arena *arena, const struct job_kind *kind, struct str key,
    struct str subject, struct str payload, int64_t run_at)
{
    int64_t rows;

    TRY(pg_run(pg, arena, PUT_JOB,
        PG_ARGS(pg_id(id_new()), pg_text(str_of(kind->name)), pg_text(key.at ? key : STR("")),
            pg_text(subject.at ? subject : STR("")), pg_bytes(payload), pg_time(run_at), pg_int(kind->waiting_max),
            pg_int(kind->subject_max)),
        &rows));
    return rows == 1 ? OK : ERR_OVERLOADED;
}

enum err job_put(struct call *call, const struct job_kind *kind, struct str key, const void *payload, int64_t run_at)
{
    struct buf bytes = BUF(JOB_PAYLOAD_MAX);
    enum err e = wire_encode(kind->payload(), payload, &bytes);

    if (e == OK && key.len > JOB_KEY_MAX) e = ERR_TOO_LARGE;
    if (e == OK) e = put_row(call->pg, call->arena, kind, key, call->who->sub, buf_str(&bytes), run_at);
    buf_free(&bytes);
    return e == ERR_OVERLOADED ? call_fail(call, e, "as many jobs %s wait as may", kind->name) : e;
}

/* One that waits or runs stays as it is. */
static const char ENSURE_JOB[] =
    "INSERT INTO job AS j (id, kind, key, subject, payload, put_at, run_at)"
    " VALUES ($1, $2, '', '', $3, now(), now() + $4::bigint * interval '1 second')"
    " ON CONFLICT (kind, key) DO UPDATE SET payload = excluded.payload, dead_at = NULL, attempts = 0,"
    "   run_at = excluded.run_at WHERE j.dead_at IS NOT NULL";

enum err job_row_ensure(struct pg *pg, struct arena *arena, const struct job_kind *kind)
{
    return pg_run(pg, arena, ENSURE_JOB,
        PG_ARGS(pg_id(id_new()), pg_text(str_of(kind->name)), pg_bytes(STR("\x80")), pg_int(kind->every_s)), NULL);
}

/* --- taking --- */

static const char TAKE_JOB[] =
    "WITH due AS (SELECT j.id, k.lease_ms FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY k (kind, lease_ms, "
    "place),"
    "   LATERAL (SELECT id FROM job WHERE kind = k.kind AND dead_at IS NULL AND run_at <= now()"
    "       ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED) j ORDER BY k.place LIMIT 1)"
    " UPDATE job SET attempts = attempts + 1, lease = $3, run_at = now() + due.lease_ms * interval '1 millisecond'"
    " FROM due WHERE job.id = due.id RETURNING job.id, kind, key, subject, payload, attempts";

static const char WAIT_FOR_JOB[] =
    "SELECT coalesce(ceil(extract(epoch FROM min(j.run_at) - now()) * 1000), 86400000)::bigint AS ms FROM "
    "unnest($1::text[]) k (kind),"
    " LATERAL (SELECT run_at FROM job WHERE kind = k.kind AND dead_at IS NULL ORDER BY run_at LIMIT 1) j";

static struct pg_arg names_of(struct arena *arena, const struct job_kind *const *kinds, size_t n)
{
    struct str *names = arena_alloc(arena, n * sizeof *names + 1);

    for (size_t i = 0; i < n; i++) names[i] = str_of(kinds[i]->name);
    return pg_texts(arena, (struct str_list){ names, n });
}

enum err job_row_take(struct pg *pg, struct arena *arena, const struct job_kind *const *kinds, size_t n,
    struct id lease, struct job_row *out)
{
    int64_t *lease_ms = arena_alloc(arena, n * sizeof *lease_ms + 1);

    for (size_t i = 0; i < n; i++) lease_ms[i] = kinds[i]->timeout_ms + JOB_LEASE_MARGIN_MS;
    return pg_one(pg, arena, &row_shape, out, TAKE_JOB,
        PG_ARGS(names_of(arena, kinds, n), pg_ints(arena, lease_ms, n), pg_id(lease)));
}

enum err job_row_wait(struct pg *pg, struct arena *arena, const struct job_kind *const *kinds, size_t n, int64_t *ms)
{
    struct wait wait = { .ms = 0 };

    TRY(pg_one(pg, arena, &wait_shape, &wait, WAIT_FOR_JOB, PG_ARGS(names_of(arena, kinds, n))));
    *ms = wait.ms;
    return OK;
}

/* --- settling --- */

static const char REMOVE_JOB[] = "DELETE FROM job WHERE id = $1 AND lease = $2 AND again_at IS NULL AND $3::bigint = 0";

/* A put of the same job while it ran waits for the row, and is seen here. */
static const char REPEAT_JOB[] =
    "UPDATE job SET lease = NULL, attempts = 0, last_error = NULL, again_at = NULL,"
    " run_at = coalesce(again_at, now() + $3::bigint * interval '1 second') WHERE id = $1 AND lease = $2";

enum err job_row_finish(struct pg *pg, struct arena *arena, const struct job_run *run)
{
    const struct pg_args *args = PG_ARGS(pg_id(run->job.id), pg_id(run->lease), pg_int(run->kind->every_s));
    int64_t rows;

    TRY(pg_run(pg, arena, REMOVE_JOB, args, &rows));
    if (rows == 0) TRY(pg_run(pg, arena, REPEAT_JOB, args, &rows));
    return rows == 0 ? ERR_NOT_FOUND : OK;
}

/* What was put again while the last attempt ran has all its attempts before it. */
static const char FAIL_JOB[] =
    "UPDATE job SET lease = NULL, last_error = $3, again_at = NULL,"
    " attempts = CASE WHEN $5 AND again_at IS NOT NULL THEN 0 ELSE attempts END,"
    " run_at = coalesce(CASE WHEN $5 THEN again_at END, now() + $4::bigint * interval '1 millisecond'),"
    " dead_at = CASE WHEN $5 AND again_at IS NULL THEN now() END WHERE id = $1 AND lease = $2";

static const char FORGET_DEAD[] =
    "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE kind = $1 AND dead_at IS NOT NULL"
    " ORDER BY dead_at DESC OFFSET $2)";

enum err job_row_fail(struct pg *pg, struct arena *arena, const struct job_run *run, int64_t delay_ms, bool dead)
{
    struct str error = arena_printf(arena, "%s: %s", err_code(run->e), run->why.text);
    int64_t rows;

    TRY(pg_run(pg, arena, FAIL_JOB,
        PG_ARGS(pg_id(run->job.id), pg_id(run->lease), pg_text(error), pg_int(delay_ms), pg_bool(dead)), &rows));
    if (rows == 0) return ERR_NOT_FOUND;
    if (!dead) return OK;
    return pg_run(pg, arena, FORGET_DEAD, PG_ARGS(pg_text(str_of(run->kind->name)), pg_int(JOB_DEAD_MAX)), NULL);
}

/* --- counting --- */

static const char COUNT_JOBS[] =
    "SELECT kind, count(*) FILTER (WHERE dead_at IS NULL AND lease IS NULL) AS waiting,"
    " count(*) FILTER (WHERE lease IS NOT NULL) AS running,"
    " count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead, greatest(0, coalesce((extract(epoch FROM now() -"
    " min(run_at) FILTER (WHERE dead_at IS NULL)) * 1000)::bigint, 0)) AS oldest_ms"
    " FROM job GROUP BY kind ORDER BY kind LIMIT 256";

enum err job_row_counts(struct pg *pg, struct arena *arena, struct job_count_list *out)
{
    return pg_all(pg, arena, &count_shape, out, JOB_COUNTS_MAX, COUNT_JOBS, PG_NO_ARGS);
}

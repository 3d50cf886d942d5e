/* test_jobs.c - the job queue on a real PostgreSQL: put, taken, done once, repeated, given up; and its runner on a loop. */
// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "tests/service/party.h"

#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "libshared/jobs/jobs_private.h"
#include "libshared/base/metrics.h"
#include "tests/unit/captured_log.h"

static struct arena *arena;
static struct pg *pg, *other; /* two who put and take */

/* --- kinds: the payload's subject says what the handler does --- */

static struct job_run *held[8]; /* LATER jobs that wait for the test */
static size_t n_held, n_begun;

static enum err note(struct call *call, const struct job *job, const char *kind)
{
    return pg_run(call->pg, call->arena, "INSERT INTO effect (kind, key, attempt) VALUES ($1, $2, $3)",
        PG_ARGS(pg_text(str_of(kind)), pg_text(job->key), pg_int(job->attempt)), NULL);
}

static enum err do_what_it_says(struct call *call, const struct job *job, const struct usage_query *what);

static enum err run_plain(struct call *call, const struct job *job, const void *payload)
{
    TRY(note(call, job, "plain"));
    return do_what_it_says(call, job, payload);
}

static enum err run_rare(struct call *call, const struct job *job, const void *payload)
{
    TRY(note(call, job, "rare"));
    return do_what_it_says(call, job, payload);
}

static void begin_held(struct call *call, const struct job *job, const void *payload, struct job_run *run)
{
    (void)call, (void)job, (void)payload;
    held[n_held++] = run;
    n_begun++;
}

static const struct job_kind plain = { "test.plain", usage_query_shape, .run = run_plain, .where = WORKER,
    .attempts = 3, .first_delay_ms = 60000, .longest_delay_ms = 90000, .timeout_ms = 20000, .waiting_max = 400,
    .subject_max = 300 };
static const struct job_kind rare = { "test.rare", usage_query_shape, .run = run_rare, .where = WORKER, .attempts = 2,
    .first_delay_ms = 1, .longest_delay_ms = 1, .timeout_ms = 20000, .waiting_max = 5, .subject_max = 2 };
static const struct job_kind asked = { "test.asked", usage_query_shape, .begin = begin_held, .where = LATER,
    .attempts = 2, .first_delay_ms = 1, .longest_delay_ms = 1, .timeout_ms = 600000, .waiting_max = 100,
    .subject_max = 100 };
static const struct job_kind hourly = { "test.hourly", nothing_shape, .run = run_rare, .where = WORKER, .attempts = 1,
    .first_delay_ms = 1, .longest_delay_ms = 1, .timeout_ms = 20000, .every_s = 3600, .waiting_max = 1,
    .subject_max = 1 };
static const struct job_kind *const kinds[] = { &plain, &rare, &asked };

/* --- helpers --- */

static int64_t count(const char *sql)
{
    struct policy row = { .version = -1 };

    assert_int_equal(pg_one(pg, arena, policy_shape(), &row, sql, PG_NO_ARGS), OK);
    pg_rollback(pg);
    return row.version;
}

static void run_sql(const char *sql)
{
    assert_int_equal(pg_run(pg, arena, sql, PG_NO_ARGS, NULL), OK);
    assert_int_equal(pg_commit(pg), OK);
}

static enum err put_by(
    struct pg *by, const struct job_kind *kind, const char *key, const char *what, const char *who, int64_t run_at)
{
    static struct wire_error why;
    struct principal principal = { .sub = str_of(who) };
    struct call call = { .arena = arena, .pg = by, .who = &principal, .why = &why };
    struct usage_query payload = { str_of(what) };

    return job_put(&call, kind, str_of(key), &payload, run_at);
}

static void put(const struct job_kind *kind, const char *key, const char *what)
{
    assert_int_equal(put_by(pg, kind, key, what, "ada", 0), OK);
    assert_int_equal(pg_commit(pg), OK);
}

static enum err do_what_it_says(struct call *call, const struct job *job, const struct usage_query *what)
{
    if (str_is(what->subject, "fail")) return call_fail(call, ERR_UNAVAILABLE, "it is away");
    if (str_is(what->subject, "refuse")) return call_fail(call, ERR_NOT_FOUND, "there is no such thing");
    if (str_is(what->subject, "wait")) {
        call->why->retry_after_ms = 500000;
        return call_fail(call, ERR_RATE_LIMITED, "not now");
    }
    if (str_is(what->subject, "break")) return pg_run(call->pg, call->arena, "SELECT 1/0", PG_NO_ARGS, NULL);
    if (str_is(what->subject, "overlook"))
        return pg_run(call->pg, call->arena, "SELECT 1/(SELECT 0)", PG_NO_ARGS, NULL) == OK ? ERR_CONFLICT : OK;
    if (str_is(what->subject, "again"))
        return job_put(call, &plain, job->key, &(struct usage_query){ STR("once") }, call->now + 3600000);
    return OK;
}

static struct job_run begin(struct pg *by, const struct job_kind *const *of, size_t n)
{
    struct job_run run = { .kinds = of, .n_kinds = n, .service = "auth", .arena = arena };

    assert_int_equal(job_take(&run, by), OK);
    if (run.kind == NULL) pg_rollback(by);
    return run;
}

/* NULL: none was due. */
static const struct job_kind *run_next(void)
{
    struct job_run run = { .kinds = kinds, .n_kinds = 2, .service = "auth", .arena = arena };

    assert_int_equal(job_take_and_run(&run, pg), OK);
    if (run.kind == NULL) pg_rollback(pg);
    return run.kind;
}

static int start(void **state)
{
    (void)state;
    party_begin();
    assert_int_equal(migrate_up(pg_cluster_conninfo("auth"), "auth", "migrations/auth"), OK);
    arena = arena_create("test", 256u << 20);
    pg = pg_create(pg_cluster_conninfo("auth"), "auth");
    other = pg_create(pg_cluster_conninfo("auth"), "auth");
    run_sql("CREATE TABLE effect (n bigint GENERATED ALWAYS AS IDENTITY, kind text, key text, attempt bigint)");
    return 0;
}

static int clean(void **state)
{
    (void)state;
    pg_rollback(pg);
    pg_rollback(other);
    run_sql("DELETE FROM job");
    run_sql("DELETE FROM effect");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pg_destroy(&pg);
    pg_destroy(&other);
    arena_destroy(&arena);
    return 0;
}

/* --- the table --- */

static void a_job_is_there_with_the_transaction_that_put_it(void **state)
{
    (void)state;
    assert_int_equal(put_by(pg, &plain, "x", "once", "ada", 0), OK);
    pg_rollback(pg);
    assert_null(run_next());
    put(&plain, "x", "once");
    assert_ptr_equal(run_next(), &plain);
    assert_null(run_next());
    assert_int_equal(count("SELECT count(*) AS version FROM effect"), 1);
    assert_int_equal(count("SELECT count(*) AS version FROM job"), 0);
}

static void one_key_is_one_job_with_the_last_payload_and_the_first_time(void **state)
{
    (void)state;
    put(&plain, "x", "refuse");
    assert_int_equal(put_by(pg, &plain, "x", "once", "ada", clock_ms() + 3600000), OK);
    assert_int_equal(put_by(pg, &plain, "y", "once", "ada", clock_ms() + 3600000), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(count("SELECT count(*) AS version FROM job"), 2);
    assert_ptr_equal(run_next(), &plain); /* x, which is due and no longer refuses */
    assert_null(run_next());
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE key = 'y' AND dead_at IS NULL"), 1);
    assert_int_equal(count("SELECT count(*) AS version FROM job"), 1);
}

static void a_failed_job_leaves_nothing_and_comes_again_later_and_later_then_dies(void **state)
{
    (void)state;
    put(&plain, "x", "fail");
    assert_ptr_equal(run_next(), &plain);
    assert_null(run_next());
    assert_int_equal(count("SELECT count(*) AS version FROM effect"), 0);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE lease IS NULL AND attempts = 1"
                           " AND last_error = 'unavailable: it is away'"
                           " AND run_at - now() BETWEEN interval '20 seconds' AND interval '60 seconds'"),
        1);
    run_sql("UPDATE job SET run_at = now()");
    assert_ptr_equal(run_next(), &plain);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE attempts = 2 AND dead_at IS NULL"
                           " AND run_at - now() BETWEEN interval '35 seconds' AND interval '90 seconds'"),
        1); /* twice 60 s is over the longest */
    run_sql("UPDATE job SET run_at = now()");
    assert_ptr_equal(run_next(), &plain);
    run_sql("UPDATE job SET run_at = now()");
    assert_null(run_next());
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE attempts = 3 AND dead_at IS NOT NULL"), 1);
}

static void the_delays_of_what_failed_together_differ(void **state)
{
    char key[12];

    (void)state;
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(&plain, key, "fail");
        assert_ptr_equal(run_next(), &plain);
    }
    assert_true(count("SELECT (extract(epoch FROM max(run_at) - min(run_at)))::bigint AS version FROM job") > 5);
}

static void an_error_of_its_own_is_not_repeated_and_what_it_is_told_to_wait_for_is(void **state)
{
    (void)state;
    put(&plain, "x", "refuse");
    assert_ptr_equal(run_next(), &plain);
    assert_int_equal(
        count("SELECT count(*) AS version FROM job WHERE dead_at IS NOT NULL AND last_error LIKE 'not_found: %'"), 1);
    put(&plain, "y", "wait");
    assert_ptr_equal(run_next(), &plain);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE dead_at IS NULL AND attempts = 1"
                           " AND run_at - now() BETWEEN interval '490 seconds' AND interval '500 seconds'"),
        1);
    put(&plain, "z", "break"); /* the transaction is doomed, and the failure is written down all the same */
    assert_ptr_equal(run_next(), &plain);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE key = 'z' AND last_error LIKE 'internal: %'"), 1);
}

static void a_failure_that_its_handler_overlooks_is_none_the_less_written_down(void **state)
{
    (void)state;
    put(&plain, "x", "overlook");
    assert_ptr_equal(run_next(), &plain);
    assert_int_equal(count("SELECT count(*) AS version FROM effect"), 0);
    assert_int_equal(
        count("SELECT count(*) AS version FROM job WHERE lease IS NULL AND last_error LIKE 'internal: %'"), 1);
}

static void a_payload_that_is_not_understood_is_dead_and_not_in_the_way(void **state)
{
    (void)state;
    put(&plain, "x", "once");
    run_sql("UPDATE job SET payload = '\\xc1'");
    put(&plain, "y", "once");
    assert_ptr_equal(run_next(), &plain);
    assert_ptr_equal(run_next(), &plain);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE key = 'x' AND dead_at IS NOT NULL"), 1);
    assert_int_equal(count("SELECT count(*) AS version FROM effect"), 1);
}

static void a_dead_job_lives_again_when_it_is_put(void **state)
{
    (void)state;
    put(&plain, "x", "refuse");
    run_next();
    put(&plain, "x", "once");
    assert_ptr_equal(run_next(), &plain);
    assert_int_equal(count("SELECT attempt AS version FROM effect"), 1);
    assert_int_equal(count("SELECT count(*) AS version FROM job"), 0);
}

static void what_outlives_its_lease_is_undone_and_another_run_does_it(void **state)
{
    (void)state;
    put(&plain, "x", "once");
    struct job_run slow = begin(pg, kinds, 1);
    assert_non_null(slow.kind);
    assert_null(begin(other, kinds, 1).kind);
    run_sql("UPDATE job SET run_at = now()"); /* as if its time were over */

    struct job_run second = { .kinds = kinds, .n_kinds = 1, .service = "auth", .arena = arena };
    assert_int_equal(job_take_and_run(&second, other), OK);
    assert_int_equal(second.end, JOB_DONE);
    assert_int_equal(second.job.attempt, 2);
    assert_true(id_eq(slow.job.id, second.job.id));

    assert_int_equal(pg_run(pg, arena, "INSERT INTO effect (kind) VALUES ('slow')", PG_NO_ARGS, NULL), OK);
    slow.call = (struct call){ .arena = arena };
    assert_int_equal(job_settle(&slow, pg), OK);
    assert_int_equal(slow.end, JOB_LAPSED);
    assert_int_equal(count("SELECT count(*) AS version FROM effect"), 1);
}

static struct job_run lapsed;

static void settle_lapsed(void)
{
    assert_int_equal(job_settle(&lapsed, pg), OK);
}

static void a_lapsed_run_logs_the_time_since_it_was_taken(void **state)
{
    long long us = -1;

    (void)state;
    put(&plain, "x", "once");
    lapsed = begin(pg, kinds, 1);
    run_sql("UPDATE job SET run_at = now()");
    assert_non_null(begin(other, kinds, 1).kind);
    lapsed.call = (struct call){ .arena = arena };
    const char *line = strstr(captured_log(settle_lapsed), "\"event\":\"job\"");
    assert_non_null(line);
    assert_non_null(strstr(line, "\"end\":\"lapsed\""));
    assert_int_equal(sscanf(strstr(line, "\"us\":"), "\"us\":%lld", &us), 1);
    assert_true(us >= 0 && us < 600000000);
}

static void a_run_that_lost_its_lease_cannot_end_the_next_one(void **state)
{
    static const enum err outcomes[] = { OK, ERR_NOT_FOUND, ERR_UNAVAILABLE };

    (void)state;
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        clean(state);
        put(&plain, "x", "once");
        struct job_run slow = begin(pg, kinds, 1);
        run_sql("UPDATE job SET run_at = now()");
        assert_non_null(begin(other, kinds, 1).kind);

        slow.call = (struct call){ .arena = arena };
        slow.e = outcomes[i];
        assert_int_equal(job_settle(&slow, pg), OK);
        assert_int_equal(slow.end, JOB_LAPSED);
        assert_int_equal(count("SELECT count(*) AS version FROM job WHERE lease IS NOT NULL AND dead_at IS NULL"), 1);
    }
}

static void a_job_that_ends_its_process_each_time_is_given_up(void **state)
{
    (void)state;
    put(&plain, "x", "once");
    for (int i = 0; i < 3; i++) {
        assert_non_null(begin(pg, kinds, 1).kind);
        run_sql("UPDATE job SET run_at = now()");
    }
    assert_ptr_equal(run_next(), &plain);
    assert_int_equal(
        count("SELECT count(*) AS version FROM job WHERE dead_at IS NOT NULL AND last_error LIKE 'deadline%'"), 1);
    assert_int_equal(count("SELECT count(*) AS version FROM effect"), 0);
}

static void what_is_put_while_it_runs_runs_again(void **state)
{
    (void)state;
    put(&plain, "x", "once");
    struct job_run run = begin(pg, kinds, 1);
    assert_int_equal(put_by(other, &plain, "x", "once", "bo", 0), OK);
    assert_int_equal(pg_commit(other), OK);
    assert_null(begin(other, kinds, 1).kind); /* not at the same time */
    run.call = (struct call){ .arena = arena };
    assert_int_equal(job_settle(&run, pg), OK);
    assert_ptr_equal(run_next(), &plain);
    assert_null(run_next());
}

static void a_job_puts_itself_again(void **state)
{
    (void)state;
    put(&plain, "x", "again");
    assert_ptr_equal(run_next(), &plain);
    assert_null(run_next());
    assert_int_equal(
        count("SELECT count(*) AS version FROM job WHERE attempts = 0 AND lease IS NULL AND again_at IS NULL"
              " AND run_at - now() BETWEEN interval '59 minutes' AND interval '1 hour'"),
        1);
}

static void what_waits_is_bounded_by_kind_and_by_subject(void **state)
{
    static const char *const keys[] = { "1", "2", "3", "4", "5" }, *const who[] = { "ada", "ada", "bo", "bo", "cy" };

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_int_equal(put_by(pg, &rare, keys[i], "once", who[i], 0), OK);
        assert_int_equal(pg_commit(pg), OK);
        enum err e = put_by(pg, &rare, "another", "once", who[i], 0);
        assert_int_equal(e, i % 2 == 1 || i == 4 ? ERR_OVERLOADED : OK);
        pg_rollback(pg);
    }
    assert_int_equal(put_by(pg, &rare, "another", "once", "dee", 0), ERR_OVERLOADED);
    assert_int_equal(put_by(pg, &rare, "another", "once", "", 0), ERR_OVERLOADED);
    assert_int_equal(put_by(pg, &rare, "1", "once", "dee", 0), OK); /* it is there already */
    assert_int_equal(put_by(pg, &plain, "1", "once", "ada", 0), OK);
    pg_rollback(pg);
}

static void of_the_dead_the_newest_are_kept(void **state)
{
    (void)state;
    run_sql("INSERT INTO job (id, kind, key, subject, payload, put_at, run_at, dead_at) SELECT gen_random_uuid(),"
            " 'test.plain', 'old' || i, '', '\\x80', now(), now(), now() - i * interval '1 minute'"
            " FROM generate_series(1, 1000) i");
    put(&plain, "x", "refuse");
    run_next();
    assert_int_equal(count("SELECT count(*) AS version FROM job"), JOB_DEAD_MAX);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE key IN ('x', 'old999')"), 2);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE key = 'old1000'"), 0);
}

static void what_is_there_from_the_start_comes_again_after_its_end(void **state)
{
    const struct job_kind *const of[] = { &hourly };
    struct job_run run = { .kinds = of, .n_kinds = 1, .service = "auth", .arena = arena };

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(job_row_ensure(pg, arena, &hourly), OK);
        assert_int_equal(pg_commit(pg), OK);
    }
    assert_null(begin(pg, of, 1).kind);
    run_sql("UPDATE job SET run_at = now()");
    run = begin(pg, of, 1);
    assert_non_null(run.kind);
    run.call = (struct call){ .arena = arena };
    assert_int_equal(job_settle(&run, pg), OK);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE lease IS NULL AND attempts = 0"
                           " AND run_at - now() BETWEEN interval '59 minutes' AND interval '1 hour'"),
        1);
    run_sql("UPDATE job SET dead_at = now()");
    assert_int_equal(job_row_ensure(pg, arena, &hourly), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE dead_at IS NULL"), 1);
}

static enum err run_sweep(struct call *call, const struct job *job, const void *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows",
        "DELETE FROM effect WHERE n IN (SELECT n FROM effect WHERE kind = $2 ORDER BY n LIMIT $1)",
        PG_ARGS(pg_text(STR("old"))));
}

static void a_table_is_cleared_some_rows_at_a_time_until_nothing_is_left(void **state)
{
    static const struct job_kind sweep = { "test.sweep", nothing_shape, .run = run_sweep, .where = WORKER,
        .attempts = 1, .first_delay_ms = 1, .longest_delay_ms = 1, .timeout_ms = 20000, .every_s = 3600,
        .waiting_max = 1, .subject_max = 1 };
    const struct job_kind *const of[] = { &sweep };
    const int left[] = { 5002, 2, 2 }; /* two stay */

    (void)state;
    run_sql(
        "INSERT INTO effect (kind) SELECT CASE WHEN i <= 2 THEN 'new' ELSE 'old' END FROM generate_series(1, 10002) i");
    assert_int_equal(job_row_ensure(pg, arena, &sweep), OK);
    assert_int_equal(pg_commit(pg), OK);
    run_sql("UPDATE job SET run_at = now()");
    for (size_t i = 0; i < COUNT(left); i++) {
        struct job_run run = { .kinds = of, .n_kinds = 1, .service = "auth", .arena = arena };

        assert_int_equal(job_take_and_run(&run, pg), OK);
        assert_non_null(run.kind);
        assert_int_equal(run.e, OK);
        assert_int_equal(count("SELECT count(*) AS version FROM effect"), left[i]);
    }
    assert_null(begin(pg, of, 1).kind);
}

/* --- the runner --- */

static struct rpc_server *server;
static struct jobs *jobs;

static void runner_begin(unsigned workers)
{
    static const char *conninfo;

    conninfo = arena_cstr(party_arena, str_of(pg_cluster_conninfo("auth")));
    server = rpc_server_create(party_loop(), &(struct rpc_server_config){ .service = "auth",
                                                 .endpoints = arena_cstr(party_arena, str_of(socket_of("jobs"))),
                                                 .key_dir = arena_cstr(party_arena, str_of(party_path("keys"))),
                                                 .workers = workers,
                                                 .pg_conninfo = conninfo,
                                                 .queue_max = 100,
                                                 .later_max = 100,
                                                 .event_hwm = 100 });
    jobs = jobs_create(server, &(struct jobs_config){ .service = "auth",
                                   .conninfo = conninfo,
                                   .kinds = kinds,
                                   .n_kinds = COUNT(kinds),
                                   .workers_max = workers,
                                   .later_max = 2 });
    n_held = n_begun = 0;
}

static void on_drained(void *arg)
{
    *(bool *)arg = true;
}

static void runner_end(void)
{
    bool drained = false;

    rpc_server_drain(server, on_drained, &drained);
    TURN_UNTIL(drained, PATIENCE_MS);
    rpc_server_destroy(&server);
    jobs_destroy(&jobs);
}

static void what_is_put_is_run_at_once_and_what_is_for_later_then(void **state)
{
    (void)state;
    runner_begin(2);
    put(&plain, "now", "once");
    TURN_UNTIL(count("SELECT count(*) AS version FROM effect") == 1, PATIENCE_MS);
    assert_int_equal(put_by(pg, &plain, "soon", "once", "ada", clock_ms() + 700), OK);
    assert_int_equal(pg_commit(pg), OK);
    TURN_UNTIL(count("SELECT count(*) AS version FROM effect") == 2, PATIENCE_MS);
    assert_int_equal(count("SELECT count(*) AS version FROM job"), 0);
    runner_end();
}

static void many_are_done_once_each_and_no_kind_waits_for_all_of_another(void **state)
{
    char key[12];

    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_int_equal(put_by(pg, &plain, key, "once", "ada", 0), OK);
    }
    assert_int_equal(put_by(pg, &rare, "r", "once", "ada", 0), OK);
    assert_int_equal(pg_commit(pg), OK);
    runner_begin(4);
    TURN_UNTIL(count("SELECT count(*) AS version FROM job") == 0, 30000);
    assert_int_equal(count("SELECT count(*) AS version FROM effect"), 301);
    assert_int_equal(count("SELECT count(DISTINCT (kind, key)) AS version FROM effect"), 301);
    assert_true(
        count("SELECT count(*) AS version FROM effect WHERE n < (SELECT n FROM effect WHERE kind = 'rare')") < 50);
    runner_end();
}

static int64_t counter(const char *name)
{
    return metric_value(metric_counter(name, "kind=\"test.plain\"", ""));
}

static int64_t gauge(const char *name)
{
    return metric_value(metric_gauge(name, "kind=\"test.plain\"", ""));
}

static void what_waits_what_is_late_and_how_runs_ended_is_counted(void **state)
{
    (void)state;
    put(&plain, "dead", "refuse");
    assert_ptr_equal(run_next(), &plain);
    assert_int_equal(put_by(pg, &plain, "in an hour", "once", "ada", clock_ms() + 3600000), OK);
    assert_int_equal(pg_commit(pg), OK);
    run_sql("INSERT INTO job (id, kind, key, subject, payload, put_at, run_at, lease) SELECT gen_random_uuid(),"
            " 'test.plain', 'elsewhere', '', '\\x80', now(), now() + interval '1 minute', gen_random_uuid()");
    int64_t done = counter("madang_jobs_done_total"), retried = counter("madang_jobs_retried_total"),
            died = counter("madang_jobs_died_total");
    runner_begin(2);
    TURN_UNTIL(gauge("madang_jobs_dead") == 1 && gauge("madang_jobs_waiting") == 1, PATIENCE_MS);
    assert_int_equal(gauge("madang_jobs_running"), 1);
    assert_int_equal(gauge("madang_jobs_late_seconds"), 0);
    put(&plain, "a", "once");
    put(&plain, "b", "fail");
    put(&plain, "c", "refuse");
    TURN_UNTIL(counter("madang_jobs_done_total") == done + 1 && counter("madang_jobs_retried_total") == retried + 1 &&
                   counter("madang_jobs_died_total") == died + 1,
        15000);
    runner_end();

    run_sql("UPDATE job SET run_at = now() - interval '100 seconds' WHERE key = 'in an hour'");
    struct job_count_list counts;
    assert_int_equal(job_row_counts(pg, arena, &counts), OK);
    pg_rollback(pg);
    assert_int_equal(counts.len, 1);
    assert_true(counts.at[0].oldest_ms >= 100000);
}

static void a_job_is_answered_later_and_so_many_at_a_time(void **state)
{
    (void)state;
    put(&asked, "1", "once");
    put(&asked, "2", "once");
    put(&asked, "3", "once");
    runner_begin(2);
    TURN_UNTIL(n_held == 2, PATIENCE_MS);
    put(&plain, "x", "once"); /* is not held up by them */
    TURN_UNTIL(count("SELECT count(*) AS version FROM effect") == 1, PATIENCE_MS);
    assert_int_equal(n_begun, 2);

    struct job_run *first = held[0], *second = held[1];
    n_held = 0;
    job_done(first, OK);
    TURN_UNTIL(n_held == 1, PATIENCE_MS);
    job_done(second, ERR_UNAVAILABLE);
    TURN_UNTIL(n_held == 2, PATIENCE_MS); /* the failed one comes again */
    job_done(held[0], OK);
    job_done(held[1], ERR_NOT_FOUND);
    TURN_UNTIL(count("SELECT count(*) AS version FROM job WHERE dead_at IS NULL") == 0, PATIENCE_MS);
    assert_int_equal(count("SELECT count(*) AS version FROM job"), 1);
    runner_end();
}

/* Who looked meanwhile found a lease, and rests until that lapses. */
static void what_is_answered_later_comes_again_in_its_time_and_not_with_its_lease(void **state)
{
    (void)state;
    put(&asked, "1", "once");
    runner_begin(2);
    TURN_UNTIL(n_held == 1, PATIENCE_MS);
    for (int i = 0; i < 60; i++) party_turn();
    n_held = 0;
    job_done(held[0], ERR_UNAVAILABLE);
    TURN_UNTIL(n_held == 1, PATIENCE_MS);
    put(&asked, "1", "again"); /* while it runs */
    for (int i = 0; i < 60; i++) party_turn();
    n_held = 0;
    job_done(held[0], OK);
    TURN_UNTIL(n_held == 1, PATIENCE_MS);
    job_done(held[0], OK);
    TURN_UNTIL(count("SELECT count(*) AS version FROM job") == 0, PATIENCE_MS);
    runner_end();
}

static atomic_int n_passing;

static enum err pass_together(struct pg *by, struct arena *space, void *arg)
{
    (void)by, (void)space, (void)arg;
    atomic_fetch_add(&n_passing, 1);
    while (atomic_load(&n_passing) < 2) usleep(1000);
    return OK;
}

static void on_passed(void *arg, enum err e)
{
    assert_int_equal(e, OK);
    ++*(int *)arg;
}

/* Of two workers each is at this, and so at nothing that it was given before. */
static void await_both_workers(void)
{
    int n_passed = 0;

    atomic_store(&n_passing, 0);
    for (int i = 0; i < 2; i++) assert_true(rpc_server_work(server, STR_NONE, pass_together, on_passed, &n_passed));
    TURN_UNTIL(n_passed == 2, PATIENCE_MS);
}

static void a_drain_waits_for_what_runs_and_begins_nothing(void **state)
{
    bool drained = false;

    (void)state;
    put(&asked, "1", "once");
    runner_begin(2);
    TURN_UNTIL(n_held == 1, PATIENCE_MS);
    rpc_server_drain(server, on_drained, &drained);
    await_both_workers(); /* what was begun before looks for jobs and ends */
    put(&plain, "x", "once");
    for (int i = 0; i < 60; i++) party_turn();
    assert_false(drained);
    job_done(held[0], OK);
    TURN_UNTIL(drained, PATIENCE_MS);
    assert_int_equal(count("SELECT count(*) AS version FROM job WHERE kind = 'test.plain' AND attempts = 0"), 1);
    assert_int_equal(count("SELECT count(*) AS version FROM job"), 1);
    rpc_server_destroy(&server);
    jobs_destroy(&jobs);
}

static void an_end_in_the_middle_leaves_the_job_to_the_next(void **state)
{
    (void)state;
    put(&asked, "1", "once");
    runner_begin(2);
    TURN_UNTIL(n_held == 1, PATIENCE_MS);
    rpc_server_destroy(&server);
    jobs_destroy(&jobs);
    run_sql("UPDATE job SET run_at = now()");
    runner_begin(2);
    TURN_UNTIL(n_held == 1, PATIENCE_MS);
    job_done(held[0], OK);
    TURN_UNTIL(count("SELECT count(*) AS version FROM job") == 0, PATIENCE_MS);
    runner_end();
}

#define TEST(name) cmocka_unit_test_setup(name, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_there_with_the_transaction_that_put_it),
        TEST(one_key_is_one_job_with_the_last_payload_and_the_first_time),
        TEST(a_failed_job_leaves_nothing_and_comes_again_later_and_later_then_dies),
        TEST(the_delays_of_what_failed_together_differ),
        TEST(an_error_of_its_own_is_not_repeated_and_what_it_is_told_to_wait_for_is),
        TEST(a_failure_that_its_handler_overlooks_is_none_the_less_written_down),
        TEST(a_payload_that_is_not_understood_is_dead_and_not_in_the_way),
        TEST(a_dead_job_lives_again_when_it_is_put),
        TEST(what_outlives_its_lease_is_undone_and_another_run_does_it),
        TEST(a_lapsed_run_logs_the_time_since_it_was_taken),
        TEST(a_run_that_lost_its_lease_cannot_end_the_next_one),
        TEST(a_job_that_ends_its_process_each_time_is_given_up),
        TEST(what_is_put_while_it_runs_runs_again),
        TEST(a_job_puts_itself_again),
        TEST(what_waits_is_bounded_by_kind_and_by_subject),
        TEST(of_the_dead_the_newest_are_kept),
        TEST(what_is_there_from_the_start_comes_again_after_its_end),
        TEST(a_table_is_cleared_some_rows_at_a_time_until_nothing_is_left),
        TEST(what_is_put_is_run_at_once_and_what_is_for_later_then),
        TEST(many_are_done_once_each_and_no_kind_waits_for_all_of_another),
        TEST(what_waits_what_is_late_and_how_runs_ended_is_counted),
        TEST(a_job_is_answered_later_and_so_many_at_a_time),
        TEST(what_is_answered_later_comes_again_in_its_time_and_not_with_its_lease),
        TEST(a_drain_waits_for_what_runs_and_begins_nothing),
        TEST(an_end_in_the_middle_leaves_the_job_to_the_next),
    };
    return cmocka_run_group_tests_name("jobs", tests, start, stop);
}

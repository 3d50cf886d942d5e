/* test_auth_jobs.c - the token log is shortened by a real auth process, also by the next one after a kill in the middle. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/service/party.h"

#include "libshared/db/pg.h"

static struct arena *arena;
static struct pg *pg; /* as the service's own role */
static struct proc auth;
static struct pipe *operator;

/* clang-format off */
enum {
    N_JOBS = 0
#define JOB(noun, verb, rec, where, attempts, first_ms, longest_ms, timeout_ms, every_s, waiting, of_one, doc) + ((every_s) > 0)
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"
};
/* clang-format on */

static int64_t count(const char *sql)
{
    struct policy row = { .version = -1 };
    enum err e = pg_one(pg, arena, policy_shape(), &row, sql, PG_NO_ARGS);

    pg_rollback(pg);
    return e == OK ? row.version : -1;
}

static void run_sql(const char *sql)
{
    assert_int_equal(pg_run(pg, arena, sql, PG_NO_ARGS, NULL), OK);
}

static void begin_auth(void)
{
    auth = party_start("auth", "auth", "MADANG_AUTH_TOKEN_LOG_DAYS=100");
    operator= pipe_open("operator", "auth", "auth");
    TURN_UNTIL(count("SELECT count(*) AS version FROM job") == N_JOBS, PATIENCE_MS);
}

static int start(void **state)
{
    (void)state;
    party_begin();
    arena = arena_create("test", 64u << 20);
    pg = pg_create(pg_cluster_conninfo("auth"), "auth");
    begin_auth();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pipe_close(&operator);
    int status = party_stop(&auth);
    pg_destroy(&pg);
    arena_destroy(&arena);
    return status;
}

static struct job_entry job_of(struct str kind)
{
    struct job_query query = { .kind = kind, .limit = 10 };
    struct job_page page = { .jobs = { .len = 0 } };

    assert_int_equal(ask(operator, "job.list", "root", job_query_shape(), &query, job_page_shape(), &page), OK);
    assert_int_equal(page.jobs.len, 1);
    return page.jobs.at[0];
}

static struct job_entry the_job(void)
{
    return job_of(STR("token_log.expire"));
}

static enum err retry(struct id id)
{
    return ask(operator, "job.retry", "root", job_ref_shape(), &(struct job_ref){ id }, job_entry_shape(),
        &(struct job_entry){ .attempts = 0 });
}

static void fill_log(int rows, int days)
{
    assert_int_equal(pg_run(pg, arena,
                         "INSERT INTO token_log (at, key_id, subject, address, outcome) SELECT now() -"
                         " $1::bigint * interval '1 day', 'k', 's', '', 'ok' FROM generate_series(1, $2::bigint)",
                         PG_ARGS(pg_int(days), pg_int(rows)), NULL),
        OK);
    assert_int_equal(pg_commit(pg), OK);
}

static void what_is_older_than_the_setting_goes_in_one_go_and_the_rest_stays(void **state)
{
    (void)state;
    fill_log(12000, 101); /* more than one run removes */
    fill_log(10, 99);
    assert_true(str_is(the_job().state, "waiting"));
    assert_int_equal(retry(the_job().id), OK);
    TURN_UNTIL(count("SELECT count(*) AS version FROM token_log") == 10, PATIENCE_MS);
    TURN_UNTIL(count("SELECT count(*) AS version FROM job WHERE lease IS NULL AND kind = 'token_log.expire'"
                     " AND run_at > now() + interval '50 minutes'") == 1,
        PATIENCE_MS);
}

static void a_kill_in_the_middle_leaves_it_to_the_next_process(void **state)
{
    (void)state;
    fill_log(100, 101);
    run_sql("LOCK TABLE token_log IN SHARE MODE"); /* until our commit the job stands in its DELETE */
    struct id id = the_job().id;
    assert_int_equal(retry(id), OK);
    TURN_UNTIL(str_is(the_job().state, "running"), PATIENCE_MS);
    assert_int_equal(retry(id), ERR_CONFLICT);
    assert_int_equal(ask(operator, "job.drop", "root", job_ref_shape(), &(struct job_ref){ id }, nothing_shape(), NULL),
        ERR_CONFLICT);

    party_kill(&auth);
    pipe_close(&operator);
    assert_int_equal(pg_commit(pg), OK);
    begin_auth();
    assert_int_equal(the_job().attempts, 1);
    assert_true(str_is(the_job().state, "running"));                          /* as far as anybody can know */
    run_sql("UPDATE job SET run_at = now() WHERE kind = 'token_log.expire'"); /* its lease lapses */
    run_sql("SELECT pg_notify('auth_jobs', '')");
    assert_int_equal(pg_commit(pg), OK);
    TURN_UNTIL(
        count("SELECT count(*) AS version FROM token_log WHERE at < now() - interval '100 days'") == 0, PATIENCE_MS);
    TURN_UNTIL(the_job().attempts == 0, PATIENCE_MS);
}

static void a_job_that_fails_is_listed_with_its_error_and_dropped(void **state)
{
    (void)state;
    struct job_entry job = the_job();
    struct job_page page = { .jobs = { .len = 0 } };

    run_sql("ALTER TABLE token_log RENAME TO token_log_away");
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(retry(job.id), OK);
    /* With its error it may already be running again. */
    TURN_UNTIL((job = the_job()).last_error.len > 0 && str_is(job.state, "waiting"), PATIENCE_MS);
    assert_true(job.attempts >= 1);
    assert_true(str_starts(job.last_error, STR("internal")));
    run_sql("ALTER TABLE token_log_away RENAME TO token_log");
    assert_int_equal(pg_commit(pg), OK);

    assert_int_equal(ask(operator, "job.list", "root", job_query_shape(),
                         &(struct job_query){ .state = STR("dead"), .limit = 10 }, job_page_shape(), &page),
        OK);
    assert_int_equal(page.jobs.len, 0);
    assert_int_equal(ask(operator, "job.list", "root", job_query_shape(),
                         &(struct job_query){ .state = STR("lost"), .limit = 10 }, job_page_shape(), &page),
        ERR_INVALID_ARGUMENT);
    enum err e = ERR_CONFLICT; /* it may be running just then */
    TURN_UNTIL((e = ask(operator, "job.drop", "root", job_ref_shape(), &(struct job_ref){ job.id }, nothing_shape(),
                    NULL)) != ERR_CONFLICT,
        PATIENCE_MS);
    assert_int_equal(e, OK);
    assert_int_equal(retry(job.id), ERR_NOT_FOUND);
}

static void what_has_ended_is_forgotten_when_its_last_token_is_over(void **state)
{
    (void)state;
    run_sql("SELECT trust_note('session', 's' || i, now(), now() + i * interval '1 hour')"
            " FROM generate_series(-6000, 9) i");
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(retry(job_of(STR("trust.expire")).id), OK);
    TURN_UNTIL(count("SELECT count(*) AS version FROM trust_change WHERE kind = 'session'") == 9, PATIENCE_MS);
    assert_true(count("SELECT count(*) AS version FROM trust_change WHERE kind = 'policy'") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_older_than_the_setting_goes_in_one_go_and_the_rest_stays),
        cmocka_unit_test(a_kill_in_the_middle_leaves_it_to_the_next_process),
        cmocka_unit_test(what_has_ended_is_forgotten_when_its_last_token_is_over),
        cmocka_unit_test(a_job_that_fails_is_listed_with_its_error_and_dropped),
    };
    return cmocka_run_group_tests_name("auth's jobs", tests, start, stop);
}

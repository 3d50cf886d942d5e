/* test_auth_upgrade.c - a database of a former version comes along: what its token log has is on record by days afterwards, and stays
 * where it is. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/service/auth_calls.h"
#include "tests/service/former_schema.h"

#define FORMER 9 /* the last migration before attempts */

/* Lines at the beginning and the end of days, elsewhere than in UTC, too, and older than what is kept. */
static const char LINES[] =
    "INSERT INTO token_log (at, key_id, subject, address, outcome)"
    " SELECT at, 'thekey', 'subject ' || n, '192.0.2.' || n, CASE WHEN n % 2 = 0 THEN 'ok' ELSE 'key_revoked' END"
    " FROM unnest(ARRAY[now(), date_trunc('day', now(), 'UTC'), date_trunc('day', now(), 'UTC') - interval '1 us',"
    " date_trunc('day', now(), 'Asia/Seoul'), now() - interval '1 day', now() - interval '30 days',"
    " now() - interval '89 days', now() - interval '91 days', now() - interval '400 days'])"
    " WITH ORDINALITY line (at, n)";

#define SAME                                                                                                           \
    "FROM attempt a JOIN token_log t ON a.at = t.at AND a.key = t.key_id AND a.subject = t.subject"                    \
    " AND a.address = t.address AND a.result = t.outcome AND a.kind = 'token' AND a.times = 1"

static void what_the_token_log_has_is_on_record_by_days(void **state)
{
    (void)state;
    assert_int_equal(count("SELECT count(*) AS version FROM token_log", PG_NO_ARGS), 9);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt", PG_NO_ARGS), 7);
    assert_int_equal(count("SELECT count(*) AS version " SAME, PG_NO_ARGS), 7);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt a WHERE a.tableoid::regclass::text <>"
                           " 'attempt_' || to_char(a.at AT TIME ZONE 'UTC', 'YYYYMMDD')",
                         PG_NO_ARGS),
        0);
}

static void what_comes_after_is_beside_it(void **state)
{
    (void)state;
    struct attempt_query query = { .key = STR("thekey"), .limit = 100 };
    struct attempt_page page = { .meta = NULL };
    struct principal admin = { .sub = STR("an admin") };

    run("INSERT INTO attempt (at, id, kind, subject, key, address, device, result, trace)"
        " VALUES (clock_timestamp(), gen_random_uuid(), 'token', 'new', 'thekey', '', '', 'ok', '')",
        PG_NO_ARGS);
    assert_int_equal(
        auth_call("authctl", &admin, "attempt.list", attempt_query_shape(), &query, attempt_page_shape(), &page), OK);
    assert_int_equal(page.attempts.len, 8);
    assert_true(str_is(page.attempts.at[0].subject, "new"));
    assert_true(str_is(page.attempts.at[7].subject, "subject 7"));
}

static int start(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR + 1);
    pg_cluster_start();
    former_schema_make("auth", FORMER);
    auth_calls_open();
    run(LINES, PG_NO_ARGS);
    assert_int_equal(migrate_up(pg_cluster_conninfo("auth"), "auth", "migrations/auth"), OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    auth_calls_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_token_log_has_is_on_record_by_days),
        cmocka_unit_test(what_comes_after_is_beside_it),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

/* test_migrate.c - a schema's files: applied once, in order, whole or not at all, never changed afterwards. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "libshared/base/log.h"
#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "tests/service/pg_cluster.h"

static char dir[300];
static struct pg *pg;
static struct arena *arena;

static void file(const char *name, const char *sql)
{
    char path[400];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(sql, out);
    fclose(out);
}

static void remove_file(const char *name)
{
    char path[400];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(unlink(path), 0);
}

static enum err up(void)
{
    return migrate_up(pg_cluster_conninfo("share"), "share", dir);
}

static bool has(const char *sql)
{
    bool good = pg_run(pg, arena, sql, PG_NO_ARGS, NULL) == OK;

    pg_rollback(pg);
    return good;
}

static const char READ_A[] = "SELECT n FROM a", READ_B[] = "SELECT n FROM b", READ_C[] = "SELECT n FROM c";

static int start(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR + 1);
    pg_cluster_start();
    snprintf(dir, sizeof dir, "%s/migrations", pg_cluster_dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    pg = pg_create(pg_cluster_conninfo("share"), "share");
    arena = arena_create("test", 1u << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pg_destroy(&pg);
    arena_destroy(&arena);
    pg_cluster_run("stop");
    return 0;
}

static void files_are_applied_once(void **state)
{
    (void)state;
    file("0001_a.sql", "CREATE TABLE a (n int); INSERT INTO a VALUES (1);");
    file("README", "not a migration");
    assert_int_equal(up(), OK);
    assert_int_equal(up(), OK);
    assert_true(has(READ_A));
    assert_true(has("SELECT 1 / (CASE count(*) WHEN 1 THEN 1 ELSE 0 END) FROM a"));
}

static void processes_that_start_at_once_take_turns(void **state)
{
    (void)state;
    pid_t child[4];

    file("0002_b.sql", "CREATE TABLE b (n int); SELECT pg_sleep(0.2);");
    for (int i = 0; i < 4; i++) {
        child[i] = fork();
        if (child[i] == 0) _exit((int)up());
    }
    for (int i = 0; i < 4; i++) {
        int status = -1;
        waitpid(child[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_true(has(READ_B));
}

static void a_file_that_fails_leaves_nothing(void **state)
{
    (void)state;
    file("0003_c.sql", "CREATE TABLE c (n int); SELECT nonsense;");
    assert_int_equal(up(), ERR_INTERNAL);
    assert_false(has(READ_C));
    file("0003_c.sql", "CREATE TABLE c (n int);"); /* it was never applied, so it may change */
    assert_int_equal(up(), OK);
    assert_true(has(READ_C));
}

static void an_applied_file_may_not_change_or_go(void **state)
{
    (void)state;
    file("0003_c.sql", "CREATE TABLE c (n bigint);");
    assert_int_equal(up(), ERR_CONFLICT);
    remove_file("0003_c.sql");
    assert_int_equal(up(), ERR_CONFLICT);
    file("0003_c.sql", "CREATE TABLE c (n int);");
    assert_int_equal(up(), OK);
}

static void numbers_have_no_gap(void **state)
{
    (void)state;
    file("0005_e.sql", "CREATE TABLE e (n int);");
    assert_int_equal(up(), ERR_CONFLICT);
    remove_file("0005_e.sql");
}

static void no_database_is_unavailable(void **state)
{
    (void)state;
    assert_int_equal(migrate_up("host=/nonexistent user=x dbname=y", "share", dir), ERR_UNAVAILABLE);
    assert_int_equal(migrate_up(pg_cluster_conninfo("share"), "share", "/nonexistent"), ERR_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_applied_once),
        cmocka_unit_test(processes_that_start_at_once_take_turns),
        cmocka_unit_test(a_file_that_fails_leaves_nothing),
        cmocka_unit_test(an_applied_file_may_not_change_or_go),
        cmocka_unit_test(numbers_have_no_gap),
        cmocka_unit_test(no_database_is_unavailable),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

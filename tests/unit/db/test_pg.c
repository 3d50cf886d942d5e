/* test_pg.c - statements, rows, transactions and lost connections, against a real PostgreSQL. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/db/pg.h"
#include "tests/service/pg_cluster.h"

/* A record with a field of every kind that a column can become. */
struct sample {
    int64_t n;
    bool yes;
    struct str text, bytes;
    struct id id;
    int64_t at;
    struct str any;
    struct str_list texts;
    struct id_list ids;
    struct policy_rule_list rules;
    struct policy_rule *rule;
};
struct sample_list {
    struct sample *at;
    size_t len;
};

#define ROW(name_, kind_, ...)                                                                                         \
    {                                                                                                                  \
        WIRE_NAME(#name_), .at = offsetof(struct sample, name_), .kind = WIRE_##kind_, __VA_ARGS__                     \
    }
static const struct wire_field fields[] = {
    ROW(n, INT, .min = INT64_MIN, .max = INT64_MAX, .fallback = 7),
    ROW(yes, BOOL, .fallback = 1),
    ROW(text, TEXT, .max = 100),
    ROW(bytes, BYTES, .max = 100),
    ROW(id, ID),
    ROW(at, TIME),
    ROW(any, ANY, .max = 1000),
    ROW(texts, TEXTS, .max = 9, .item_max = 9),
    ROW(ids, IDS, .max = 9),
    ROW(rules, LIST, .max = 9, .of = policy_rule_shape),
    ROW(rule, ONE, .of = policy_rule_shape),
    { .name = NULL },
};
static const struct wire_shape sample_shape = { "sample", "", sizeof(struct sample), fields };

static struct pg *pg;
static struct arena *arena;

static enum err one(struct sample *out, const char *sql, const struct pg_args *args)
{
    return pg_one(pg, arena, &sample_shape, out, sql, args);
}

static enum err run(const char *sql)
{
    return pg_run(pg, arena, sql, PG_NO_ARGS, NULL);
}

static int start(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR + 1);
    pg_cluster_start();
    arena = arena_create("test", 64u << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_destroy(&arena);
    pg_cluster_run("stop");
    return 0;
}

static int connect_chat(void **state)
{
    (void)state;
    pg = pg_create(pg_cluster_conninfo("chat"), "chat");
    assert_int_equal(run("CREATE TABLE IF NOT EXISTS t (n bigint UNIQUE, at timestamptz)"), OK);
    assert_int_equal(run("TRUNCATE t"), OK);
    assert_int_equal(pg_commit(pg), OK);
    return 0;
}

static int disconnect(void **state)
{
    (void)state;
    pg_destroy(&pg);
    arena_reset(arena);
    return 0;
}

static void every_kind_goes_in_and_comes_out(void **state)
{
    (void)state;
    struct id ids[2] = { id_new(), id_new() };
    struct str texts[3] = { STR("a"), STR(""), STR("{\"x,") };
    struct sample out = { 0 };

    assert_int_equal(
        one(&out,
            "SELECT $1 AS n, $2 AS yes, $3 AS text, $4 AS bytes, $5 AS id, $6 AS at, $7 AS any, $8 AS texts, $9 AS ids",
            PG_ARGS(pg_int(-5), pg_bool(true), pg_text(STR("caf\xc3\xa9")), pg_bytes(STR("\0\xff")), pg_id(ids[0]),
                pg_time(1700000000123), pg_json(arena, STR("\x81\xa1k\xc0")),
                pg_texts(arena, (struct str_list){ texts, 3 }), pg_ids(arena, (struct id_list){ ids, 2 }))),
        OK);
    assert_int_equal(out.n, -5);
    assert_true(out.yes);
    assert_true(str_is(out.text, "caf\xc3\xa9"));
    assert_true(str_eq(out.bytes, STR("\0\xff")));
    assert_true(id_eq(out.id, ids[0]));
    assert_int_equal(out.at, 1700000000123);
    assert_true(str_eq(out.any, STR("\x81\xa1k\xc0")));
    assert_int_equal(out.texts.len, 3);
    assert_true(str_is(out.texts.at[2], "{\"x,"));
    assert_int_equal(out.texts.at[1].len, 0);
    assert_int_equal(out.ids.len, 2);
    assert_true(id_eq(out.ids.at[1], ids[1]));
}

/* Each takes less than its compilation would. */
static void no_statement_is_compiled(void **state)
{
    (void)state;
    struct sample got = { .text = STR_NONE };

    assert_int_equal(one(&got, "SELECT current_setting('jit') AS text", PG_NO_ARGS), OK);
    assert_true(str_is(got.text, "off"));
    pg_rollback(pg);
}

static void nothing_is_null_and_null_is_nothing(void **state)
{
    (void)state;
    struct sample out = { .n = 1, .text = STR("x"), .at = 5 };
    struct id nil = { { 0 } };

    assert_int_equal(
        one(&out, "SELECT $1 AS text, $2 AS id, $3 AS at, $4 AS any, NULL::bigint AS n, NULL::bool AS yes, $5 AS texts",
            PG_ARGS(pg_text(STR_NONE), pg_id(nil), pg_time(0), pg_json(arena, STR_NONE),
                pg_texts(arena, (struct str_list){ NULL, 0 }))),
        OK);
    assert_null(out.text.at);
    assert_true(id_is_nil(out.id));
    assert_int_equal(out.at, 0);
    assert_null(out.any.at);
    assert_int_equal(out.n, 7);
    assert_true(out.yes);
    assert_int_equal(out.texts.len, 0);
}

static void json_becomes_checked_records(void **state)
{
    (void)state;
    struct sample out = { 0 };

    assert_int_equal(
        one(&out, "SELECT '[{\"effect\":\"allow\",\"rooms\":[\"a\",\"b\"]}]'::jsonb AS rules", PG_NO_ARGS), OK);
    assert_int_equal(out.rules.len, 1);
    assert_true(str_is(out.rules.at[0].effect, "allow"));
    assert_int_equal(out.rules.at[0].rooms.len, 2);
    assert_int_equal(one(&out, "SELECT '[{\"rooms\":[\"a\"]}]'::jsonb AS rules", PG_NO_ARGS), ERR_INTERNAL);

    assert_int_equal(
        one(&out, "SELECT row_to_json(r) AS rule FROM (SELECT 'deny' AS effect, ARRAY['a'] AS rooms) r", PG_NO_ARGS),
        OK);
    assert_true(str_is(out.rule->effect, "deny") && out.rule->rooms.len == 1);
    assert_int_equal(one(&out, "SELECT '{\"rooms\":[]}'::json AS rule", PG_NO_ARGS), ERR_INTERNAL);
    assert_int_equal(one(&out, "SELECT NULL::json AS rule, 3 AS n", PG_NO_ARGS), OK);
    assert_true(out.rule == NULL && out.n == 3);
}

static void arrays_of_numbers_times_and_json_unnest(void **state)
{
    (void)state;
    int64_t n[] = { 1, 2 }, at[] = { 1000, 1700000000001 };
    struct str anys[] = { STR("\x01"), STR_NONE };
    struct sample_list out;

    assert_int_equal(
        pg_all(pg, arena, &sample_shape, &out, 9,
            "SELECT n, at, any_ AS any FROM unnest($1, $2, $3) AS u(n, at, any_) ORDER BY n",
            PG_ARGS(pg_ints(arena, n, 2), pg_times(arena, at, 2), pg_jsons(arena, (struct str_list){ anys, 2 }))),
        OK);
    assert_int_equal(out.len, 2);
    assert_int_equal(out.at[1].n, 2);
    assert_int_equal(out.at[1].at, 1700000000001);
    assert_true(str_is(wire_any_text(out.at[0].any), "1")); /* json stays text */
    assert_null(out.at[1].any.at);
}

static void rows_have_bounds(void **state)
{
    (void)state;
    struct sample out;
    struct sample_list list;

    assert_int_equal(one(&out, "SELECT 1 AS n WHERE false", PG_NO_ARGS), ERR_NOT_FOUND);
    assert_int_equal(one(&out, "SELECT generate_series(1, 2) AS n", PG_NO_ARGS), ERR_INTERNAL);
    assert_int_equal(
        pg_all(pg, arena, &sample_shape, &list, 2, "SELECT generate_series(1, 3) AS n", PG_NO_ARGS), ERR_INTERNAL);
    assert_int_equal(pg_all(pg, arena, &sample_shape, &list, 2, "SELECT 1 AS n WHERE false", PG_NO_ARGS), OK);
    assert_int_equal(list.len, 0);
}

static void a_column_must_fit_a_field(void **state)
{
    (void)state;
    struct sample out;

    assert_int_equal(one(&out, "SELECT 1 AS nobody", PG_NO_ARGS), ERR_INTERNAL);
    assert_int_equal(one(&out, "SELECT 'x'::text AS n", PG_NO_ARGS), ERR_INTERNAL);
    assert_int_equal(one(&out, "SELECT 1 AS yes", PG_NO_ARGS), ERR_INTERNAL);
}

static int64_t rows_in_t(void)
{
    struct sample out = { 0 };

    assert_int_equal(one(&out, "SELECT count(*) AS n FROM t", PG_NO_ARGS), OK);
    return out.n;
}

static enum err insert(int64_t n)
{
    int64_t rows = 0;
    enum err e = pg_run(pg, arena, "INSERT INTO t (n) VALUES ($1)", PG_ARGS(pg_int(n)), &rows);

    assert_int_equal(rows, e == OK);
    return e;
}

static void a_transaction_is_kept_or_undone_as_a_whole(void **state)
{
    (void)state;
    assert_int_equal(insert(1), OK);
    assert_int_equal(insert(2), OK);
    pg_rollback(pg);
    assert_int_equal(rows_in_t(), 0);
    assert_int_equal(insert(3), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(pg_commit(pg), OK);
    pg_rollback(pg);
    assert_int_equal(rows_in_t(), 1);
}

static void a_unique_key_is_a_conflict_and_dooms_the_transaction(void **state)
{
    (void)state;
    assert_int_equal(insert(1), OK);
    assert_int_equal(insert(1), ERR_CONFLICT);
    assert_int_equal(pg_commit(pg), ERR_INTERNAL);
    assert_int_equal(rows_in_t(), 0);
}

static void a_deadline_ends_a_slow_statement(void **state)
{
    (void)state;
    int64_t begin = clock_mono_us();

    pg_set_deadline(pg, begin + 150000);
    assert_int_equal(run("SELECT pg_sleep(20)"), ERR_DEADLINE);
    assert_true(clock_mono_us() - begin < 3000000);
    pg_rollback(pg);
    assert_int_equal(run("SELECT pg_sleep(0.2)"), OK);

    pg_rollback(pg);
    pg_set_deadline(pg, begin);
    assert_int_equal(run("SELECT 1"), ERR_DEADLINE);
}

static void mistakes_are_internal(void **state)
{
    (void)state;
    assert_int_equal(run("SELECT nonsense"), ERR_INTERNAL);
    pg_rollback(pg);
    assert_int_equal(run("SELECT 1/0"), ERR_INTERNAL);
    pg_rollback(pg);
    assert_int_equal(run("SELECT 1"), OK);
}

static enum err try_insert(int64_t n)
{
    return pg_run(pg, arena, "INSERT INTO t (n) VALUES ($1)", PG_ARGS(pg_int(n)), NULL);
}

static void a_restart_between_calls_goes_unnoticed(void **state)
{
    (void)state;
    assert_int_equal(try_insert(1), OK);
    assert_int_equal(pg_commit(pg), OK);
    pg_cluster_run("restart");
    assert_int_equal(try_insert(2), OK);
    assert_int_equal(pg_commit(pg), OK);
}

static void a_restart_within_a_call_fails_that_call_only(void **state)
{
    (void)state;
    assert_int_equal(try_insert(11), OK);
    pg_cluster_run("restart");
    assert_int_equal(try_insert(12), ERR_UNAVAILABLE);
    assert_int_equal(try_insert(13), ERR_UNAVAILABLE); /* half a transaction must not begin another */
    assert_int_equal(pg_commit(pg), ERR_UNAVAILABLE);
    assert_int_equal(try_insert(14), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(rows_in_t(), 1);
}

static void no_server_is_unavailable_at_once(void **state)
{
    (void)state;
    struct pg *none = pg_create("host=/nonexistent dbname=madang user=x", "chat");

    assert_false(pg_is_up(none));
    assert_int_equal(pg_run(none, arena, "SELECT 1", PG_NO_ARGS, NULL), ERR_UNAVAILABLE);
    assert_non_null(strstr(pg_last_error(none), "nonexistent"));
    assert_null(pg_raw(none));
    pg_destroy(&none);
    assert_null(none);
}

static void a_connection_string_that_cannot_be_read_is_not_repeated(void **state)
{
    static const char *const mistyped[] = { "postgresql://bob:hunter2@[::1/x", "postgres://bob:%hunter2@h/x",
        "host=/nonexistent password=no hunter2 x" };

    (void)state;
    for (size_t i = 0; i < sizeof mistyped / sizeof *mistyped; i++) {
        struct pg *none = pg_create(mistyped[i], "chat");
        assert_false(pg_is_up(none));
        if (strstr(pg_last_error(none), "unter2") != NULL) fail_msg("told: %s", pg_last_error(none));
        assert_non_null(strstr(pg_last_error(none), "cannot be read"));
        pg_destroy(&none);
    }
}

static void a_role_sees_its_own_schema_and_no_other(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const names[] = {
#define SERVICE(name, place, parts, doc) #name,
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    };
    static const char *const reads[] = {
#define SERVICE(name, place, parts, doc) "SELECT n FROM " #name ".own",
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    };
    /* clang-format on */
    enum { N = COUNT(names) };
    struct pg *role[N];

    for (int i = 0; i < N; i++) {
        role[i] = pg_create(pg_cluster_conninfo(names[i]), names[i]);
        assert_int_equal(pg_run(role[i], arena, "CREATE TABLE own (n int)", PG_NO_ARGS, NULL), OK);
        assert_int_equal(pg_commit(role[i]), OK);
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            assert_int_equal(pg_run(role[i], arena, reads[j], PG_NO_ARGS, NULL), i == j ? OK : ERR_INTERNAL);
            assert_true(i == j || strstr(pg_last_error(role[i]), "42501") != NULL);
            pg_rollback(role[i]);
        }
    for (int i = 0; i < N; i++) {
        assert_int_equal(pg_run(role[i], arena, "CREATE TABLE public.x (n int)", PG_NO_ARGS, NULL), ERR_INTERNAL);
        pg_destroy(&role[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, connect_chat, disconnect)
        T(every_kind_goes_in_and_comes_out),
        T(no_statement_is_compiled),
        T(nothing_is_null_and_null_is_nothing),
        T(json_becomes_checked_records),
        T(arrays_of_numbers_times_and_json_unnest),
        T(rows_have_bounds),
        T(a_column_must_fit_a_field),
        T(a_transaction_is_kept_or_undone_as_a_whole),
        T(a_unique_key_is_a_conflict_and_dooms_the_transaction),
        T(a_deadline_ends_a_slow_statement),
        T(mistakes_are_internal),
        T(a_restart_between_calls_goes_unnoticed),
        T(a_restart_within_a_call_fails_that_call_only),
        T(no_server_is_unavailable_at_once),
        T(a_connection_string_that_cannot_be_read_is_not_repeated),
        T(a_role_sees_its_own_schema_and_no_other),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

/* test_log_upgrade.c - logs of a version that had each of its two tables in one piece: what was in them is in their parts, and nothing else. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "tests/service/party.h"

#include "tests/service/former_schema.h"

#define FORMER 13 /* the last migration before that */

struct content {
    struct str messages, changes;
};

struct spread {
    int64_t parts, least;
};

static struct arena *arena;
static struct pg *pg;

static enum err try(const char *sql)
{
    enum err e = pg_run(pg, arena, sql, PG_NO_ARGS, NULL);

    return e == OK ? pg_commit(pg) : (pg_rollback(pg), e);
}

static void run(const char *sql)
{
    assert_int_equal(try(sql), OK);
}

/* All columns of all rows. */
static struct content content_now(void)
{
    static const struct wire_field fields[] = { ROW_FIELD(struct content, messages, TEXT),
        ROW_FIELD(struct content, changes, TEXT), ROW_END };
    static const struct wire_shape shape = { "content", "", sizeof(struct content), fields };
    struct content content;

    assert_int_equal(
        pg_one(pg, arena, &shape, &content,
            "SELECT (SELECT md5(string_agg(m::text, '\n' ORDER BY room_id, seq)) FROM message m) AS messages,"
            " (SELECT md5(string_agg(c::text, '\n' ORDER BY room_id, seq)) FROM change c) AS changes",
            PG_NO_ARGS),
        OK);
    assert_int_equal(pg_commit(pg), OK);
    return content;
}

static void every_part_has_some(const char *sql)
{
    static const struct wire_field fields[] = { ROW_FIELD(struct spread, parts, INT),
        ROW_FIELD(struct spread, least, INT), ROW_END };
    static const struct wire_shape shape = { "spread", "", sizeof(struct spread), fields };
    struct spread spread;

    assert_int_equal(pg_one(pg, arena, &shape, &spread, sql, PG_NO_ARGS), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(spread.parts, 4);
    assert_true(spread.least > 0);
}

static void what_was_there_is_in_parts(void **state)
{
    (void)state;
    run("INSERT INTO message (room_id, seq, id, sender, body, meta, at, meta_as_sent, kind, thread, attachments)"
        " SELECT md5('room ' || n % 100)::uuid, n / 100 + 1, 'message ' || n, 'ada', 'says ' || n, '{\"a\": 1}',"
        " to_timestamp(n), CASE n % 3 WHEN 0 THEN '{\"a\":1e2}'::json END, CASE n % 5 WHEN 0 THEN 'room:joined' END,"
        " CASE n % 7 WHEN 0 THEN 1 END, CASE n % 11 WHEN 0 THEN ARRAY[md5('file')::uuid] END"
        " FROM generate_series(0, 9999) n");
    run("INSERT INTO change (room_id, seq, id, sender, kind, target, body, at)"
        " SELECT md5('room ' || n % 100)::uuid, n / 100 + 101, 'change ' || n, 'bo', 'message:edit', 1, 'x',"
        " to_timestamp(n) FROM generate_series(0, 4999) n");
    struct content before = content_now();

    assert_int_equal(migrate_up(pg_cluster_conninfo("store"), "store", "migrations/store"), OK);
    struct content after = content_now();
    assert_true(str_eq(before.messages, after.messages) && str_eq(before.changes, after.changes));
    every_part_has_some("SELECT count(*) AS parts, min(n)::bigint AS least FROM (SELECT tableoid, count(*) AS n FROM"
                        " message GROUP BY 1) p");
    every_part_has_some("SELECT count(*) AS parts, min(n)::bigint AS least FROM (SELECT tableoid, count(*) AS n FROM"
                        " change GROUP BY 1) p");
}

/* What the log's promises stand on: a number once in a room, and an id once of its sender there. */
static void what_was_once_is_once(void **state)
{
    (void)state;
    assert_int_equal(try("INSERT INTO message SELECT room_id, 5000, id, sender, body, meta, at FROM message WHERE id ="
                         " 'message 77'"),
        ERR_CONFLICT);
    assert_int_equal(try("INSERT INTO message SELECT room_id, seq, 'another', sender, body, meta, at FROM message WHERE"
                         " id = 'message 77'"),
        ERR_CONFLICT);
    assert_int_equal(try("INSERT INTO change SELECT room_id, 5000, id, sender, kind, target, body, at FROM change WHERE"
                         " id = 'change 77'"),
        ERR_CONFLICT);
    run("INSERT INTO message SELECT room_id, 5000, 'another', sender, body, meta, at FROM message WHERE id = 'message "
        "77'");
    assert_int_not_equal(try("INSERT INTO message SELECT room_id, 0, 'yet another', sender, body, meta, at FROM message"
                             " WHERE id = 'message 77'"),
        OK);
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    former_schema_make("store", FORMER);
    pg = pg_create(pg_cluster_conninfo("store"), "store");
    arena = arena_create("test", 1u << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    pg_destroy(&pg);
    arena_destroy(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_there_is_in_parts),
        cmocka_unit_test(what_was_once_is_once),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

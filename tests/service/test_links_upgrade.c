/* test_links_upgrade.c - links of a version that showed no files: what those show which are as they were is used from then on. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "tests/service/party.h"

#include "tests/service/former_schema.h"

#define FORMER 12 /* the last migration before that */

static struct arena *arena;
static struct pg *pg;

static void run(const char *sql, const struct pg_args *args)
{
    assert_int_equal(pg_run(pg, arena, sql, args, NULL), OK);
    assert_int_equal(pg_commit(pg), OK);
}

static struct id put_medium(const char *owner)
{
    struct id id = id_new();

    run("INSERT INTO media (id, owner, name, type, size, hash, created_at)"
        " SELECT $1, $2, 'a file', 'text/plain', size, hash, now() FROM blob",
        PG_ARGS(pg_id(id), pg_text(str_of(owner))));
    return id;
}

/* Links of ada's to a conversation that names these, one of them twice: as it was, and as it is. */
static void put_links(struct id own, struct id other, struct id *then)
{
    struct id conversation = id_new();

    *then = id_new();
    run("INSERT INTO conversation (id, owner, name, data, created_at, bytes)"
        " SELECT $1, 'ada', 'a talk', jsonb_build_array('/media/' || $2, 'x/media/' || $2 || '/y', '/media/' || $3), "
        "now(), 1",
        PG_ARGS(pg_id(conversation), pg_id(own), pg_id(other)));
    run("INSERT INTO share_link (id, owner, conversation, code_hash, code, created_at, download, noindex, bytes, "
        "snap_name, snap_data,"
        " snap_changed_at) SELECT $1, 'ada', id, sha256('then'), '', now(), true, true, 1, name, data, now() FROM "
        "conversation WHERE id = $2",
        PG_ARGS(pg_id(*then), pg_id(conversation)));
    run("INSERT INTO share_link (id, owner, conversation, code_hash, code, created_at, download, noindex, bytes)"
        " SELECT gen_random_uuid(), 'ada', id, sha256('now'), '', now(), true, true, 0 FROM conversation WHERE id = $1",
        PG_ARGS(pg_id(conversation)));
}

static int64_t count(const char *sql, const struct pg_args *args)
{
    int64_t rows = -1;

    assert_int_equal(pg_run(pg, arena, sql, args, &rows), OK);
    return rows;
}

static void what_a_link_showed_is_used(void **state)
{
    struct id own = put_medium("ada"), other = put_medium("bo"), then;

    (void)state;
    put_links(own, other, &then);
    assert_int_equal(migrate_up(pg_cluster_conninfo("share"), "share", "migrations/share"), OK);
    assert_int_equal(count("SELECT FROM share_link_media", PG_NO_ARGS), 1);
    assert_int_equal(
        count("SELECT FROM share_link_media WHERE link = $1 AND media = $2", PG_ARGS(pg_id(then), pg_id(own))), 1);
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    former_schema_make("share", FORMER);
    pg = pg_create(pg_cluster_conninfo("share"), "share");
    arena = arena_create("test", 1u << 20);
    run("INSERT INTO blob (hash, file, size, refs) VALUES (sha256('x'), gen_random_uuid(), 1, 2)", PG_NO_ARGS);
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
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_a_link_showed_is_used) };

    return cmocka_run_group_tests(tests, begin, end);
}

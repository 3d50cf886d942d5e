/* test_media_upgrade.c - files of a version that did not read images: the images among them are read, all else stays as it is. */
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "tests/service/party.h"

#include "tests/service/former_schema.h"

#define FORMER 6 /* the last migration before images were read */

/* Two by three pixels. */
static const char PNG[] = "\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x02\x00\x00\x00"
                          "\x03\x08\x00\x00\x00\x00\x9c"
                          "\x81\x81\x5d\x00\x00\x00\x0d\x49\x44\x41\x54\x78\x9c\x63\x60\x64\x62\x00\x23\x00\x00\x30\x00"
                          "\x0a\x05\xc3\xd6\xbf\x00\x00"
                          "\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82";

static struct proc share_process;
static struct pipe *share;
static struct arena *arena;
static struct pg *pg;

static void run(const char *sql, const struct pg_args *args)
{
    assert_int_equal(pg_run(pg, arena, sql, args, NULL), OK);
    assert_int_equal(pg_commit(pg), OK);
}

static void put_file(struct id id, struct str bytes)
{
    char name[ID_TEXT_BYTES + 7];

    memcpy(name, "media/", 6);
    id_format(id, name + 6);
    int fd = open(party_path(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.at, bytes.len), bytes.len);
    close(fd);
}

/* A content as a former share kept it; its hash is its first byte many times. */
static void put_content(char first, struct str bytes, int64_t refs, bool has_file)
{
    char hash[32];
    struct id file = id_new();

    memset(hash, first, sizeof hash);
    run("INSERT INTO blob (hash, file, size, refs) VALUES ($1, $2, $3, $4)",
        PG_ARGS(pg_bytes((struct str){ hash, sizeof hash }), pg_id(file), pg_int((int64_t)bytes.len), pg_int(refs)));
    if (has_file) put_file(file, bytes);
}

static struct id put_medium(const char *owner, const char *type, char content)
{
    char hash[32];
    struct id id = id_new();

    memset(hash, content, sizeof hash);
    run("INSERT INTO media (id, owner, name, type, size, hash, created_at)"
        " SELECT $1, $2, 'a file', $3, size, hash, now() FROM blob WHERE hash = $4",
        PG_ARGS(pg_id(id), pg_text(str_of(owner)), pg_text(str_of(type)), pg_bytes((struct str){ hash, sizeof hash })));
    run("INSERT INTO usage (quota, subject, used) SELECT 'media_bytes', owner, size FROM media WHERE id = $1"
        " ON CONFLICT (quota, subject) DO UPDATE SET used = usage.used + excluded.used",
        PG_ARGS(pg_id(id)));
    return id;
}

static struct media get(const char *owner, struct id id)
{
    struct media media = { .size = -1 };
    int64_t until_us = clock_mono_us() + 60000000;

    do
        assert_int_equal(
            ask(share, "media.get", owner, media_ref_shape(), &(struct media_ref){ id }, media_shape(), &media), OK);
    while (str_is(media.state, "pending") && clock_mono_us() < until_us);
    return media;
}

#define MANY 20 /* images of ada's, before bo's one */

static struct id whole, again, text, cut, gone, other;

struct sums {
    int64_t refs, used;
};
static const struct wire_field sums_fields[] = { ROW_FIELD(struct sums, refs, INT), ROW_FIELD(struct sums, used, INT),
    ROW_END };
static const struct wire_shape sums_shape = { "sums", "", sizeof(struct sums), sums_fields };

static struct sums sums_of(const char *sql)
{
    struct sums sums;

    assert_int_equal(pg_one(pg, arena, &sums_shape, &sums, sql, PG_NO_ARGS), OK);
    return sums;
}

static void owners_take_turns(void **state)
{
    (void)state;
    assert_true(str_is(get("bo", other).state, "ready"));
    struct sums before = sums_of("SELECT count(*) AS refs, 0::bigint AS used FROM in_turn"
                                 " WHERE n < (SELECT min(n) FROM in_turn WHERE owner = 'bo')");
    assert_in_range(before.refs, 0, 2);
}

static void images_are_read(void **state)
{
    const struct id kept[] = { whole, again };

    (void)state;
    for (size_t i = 0; i < COUNT(kept); i++) {
        struct media media = get("ada", kept[i]);
        assert_true(str_is(media.state, "ready"));
        assert_int_equal(media.width, 2);
        assert_int_equal(media.height, 3);
        assert_true(media.placeholder.len > 0);
    }
}

/* Nor does it keep the others from being read. */
static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    assert_true(str_is(get("ada", cut).state, "refused"));
    assert_true(str_is(get("ada", gone).state, "refused"));
}

static void all_else_stays(void **state)
{
    (void)state;
    struct media media = get("ada", text);
    assert_true(str_is(media.state, "ready"));
    assert_int_equal(media.size, 4);
    assert_int_equal(media.width, 0);
}

/* What refers to a content is as much as is said of it, and what is counted to its owners is what they keep. */
static void contents_and_quotas_agree(void **state)
{
    (void)state;
    struct sums off = sums_of(
        "WITH kept AS (SELECT hash, size, owner FROM media UNION ALL SELECT f.hash, f.size, m.owner FROM media_form f"
        " JOIN media m ON m.id = f.media), counts AS (SELECT hash, count(*) AS n FROM kept GROUP BY hash),"
        " sizes AS (SELECT owner, sum(size) AS n FROM kept GROUP BY owner)"
        " SELECT (SELECT count(*) FROM blob LEFT JOIN counts USING (hash) WHERE n IS DISTINCT FROM refs) AS refs,"
        " (SELECT count(*) FROM sizes LEFT JOIN usage ON subject = owner AND quota = 'media_bytes'"
        "   WHERE n IS DISTINCT FROM used) AS used");
    assert_int_equal(off.refs, 0);
    assert_int_equal(off.used, 0);
}

/* Whose image was read when, for whoever asks later. */
static void note_turns(void)
{
    assert_int_equal(migrate_up(pg_cluster_conninfo("share"), "share", "migrations/share"), OK);
    run("CREATE TABLE in_turn (n bigint GENERATED ALWAYS AS IDENTITY, owner text)", PG_NO_ARGS);
    run("CREATE FUNCTION note_turn() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO in_turn (owner) VALUES (NEW.owner); RETURN NULL; END $$",
        PG_NO_ARGS);
    run("CREATE TRIGGER note_turn AFTER UPDATE OF state ON media FOR EACH ROW EXECUTE FUNCTION note_turn()",
        PG_NO_ARGS);
}

static int begin(void **state)
{
    const struct str png = { PNG, sizeof PNG - 1 };

    (void)state;
    party_begin();
    former_schema_make("share", FORMER);
    pg = pg_create(pg_cluster_conninfo("share"), "share");
    arena = arena_create("test", 16u << 20);
    put_content('w', png, MANY + 2, true);
    put_content('t', STR("text"), 1, true);
    put_content('c', (struct str){ PNG, 50 }, 1, true);
    put_content('g', png, 1, false);
    put_content('o', png, 1, true);
    gone = put_medium("ada", "image/png", 'g');
    cut = put_medium("ada", "image/png", 'c');
    for (int i = 0; i < MANY; i++) (void)put_medium("ada", "image/png", 'w');
    whole = put_medium("ada", "image/png", 'w');
    again = put_medium("ada", "image/png", 'w');
    text = put_medium("ada", "text/plain", 't');
    other = put_medium("bo", "image/png", 'o');
    note_turns();
    share_process = party_start("share", "share", NULL);
    share = pipe_open("gateway", "share", "share");
    return 0;
}

static int end(void **state)
{
    (void)state;
    pipe_close(&share);
    pg_destroy(&pg);
    arena_destroy(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners_take_turns),
        cmocka_unit_test(images_are_read),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(all_else_stays),
        cmocka_unit_test(contents_and_quotas_agree),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

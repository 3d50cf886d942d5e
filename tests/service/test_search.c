/* test_search.c - the index of what messages say: what it costs to look for something, and that all of it is found. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/store/feeds/own.h"
#include "services/store/search/search.h"
#include "services/store/store.h"
#include "tests/service/party.h"

/* Messages of a minute each, room after room in turn.  Each has its number, which nobody else has; each tenth says `often`, each third
 * has what `abcd` is made of, and does not say it. */
enum { ROOMS = 300, MESSAGES = 30000, OFTEN = 10, ALMOST = 3, LIMIT = 50 };
#define FIRST_AT INT64_C(1700000000000)

static struct pg *pg;
static struct id_list rooms;

static void run(const char *sql, const struct pg_args *args)
{
    assert_int_equal(pg_run(pg, party_arena, sql, args, NULL), OK);
}

static void fill_log(void)
{
    const struct pg_args *args = PG_ARGS(pg_ids(party_arena, rooms), pg_int(MESSAGES), pg_int(FIRST_AT));

    run("INSERT INTO room_head (room_id, seq) SELECT room, $2::bigint / cardinality($1::uuid[]) FROM"
        " unnest($1::uuid[]) AS r (room) WHERE $3::bigint > 0",
        args);
    run("INSERT INTO message (room_id, seq, id, sender, body, at) SELECT ($1::uuid[])[n % cardinality($1::uuid[]) + 1],"
        " n / cardinality($1::uuid[]) + 1, 'message ' || n, 'ann', regexp_replace(to_char(n, 'FM00000'),"
        " '(.)(.)(.)(.)(.)', 'v\\1w\\2x\\3y\\4z\\5') ||"
        " CASE WHEN n % 10 = 0 THEN ' often' ELSE '' END || CASE WHEN n % 3 = 0 THEN ' abc bcd' ELSE '' END,"
        " to_timestamp(($3::bigint + n * 60000) / 1000.0) FROM generate_series(0, $2::bigint - 1) n",
        args);
    assert_int_equal(pg_commit(pg), OK);
}

/* As the loop has it done: so many rooms at a time, until there is nothing more. */
static int64_t index_all(void)
{
    int64_t n = 0, before;

    do {
        before = n;
        for (size_t i = 0; i < rooms.len; i += FEED_ROOMS_AT_ONCE) {
            struct feed_news news;
            size_t left = rooms.len - i;
            struct id_list some = { rooms.at + i, left < FEED_ROOMS_AT_ONCE ? left : FEED_ROOMS_AT_ONCE };
            assert_int_equal(search_take(pg, party_arena, "search", some, &news), OK);
            assert_int_equal(pg_commit(pg), OK);
            for (size_t k = 0; k < news.batch.spans.len; k++)
                n += news.batch.spans.at[k].seq - news.batch.spans.at[k].after;
        }
    } while (n > before);
    return n;
}

/* --- looking --- */

struct cost {
    int64_t scans, read;
};

static struct cost cost_of_this(void)
{
    static const struct wire_field fields[] = { ROW_FIELD(struct cost, scans, INT), ROW_FIELD(struct cost, read, INT),
        ROW_END };
    static const struct wire_shape shape = { "cost", "", sizeof(struct cost), fields };
    struct cost cost;

    assert_int_equal(pg_one(pg, party_arena, &shape, &cost,
                         "SELECT sum(seq_scan)::bigint AS scans, sum(COALESCE(idx_tup_fetch, 0))::bigint AS read"
                         " FROM pg_stat_xact_user_tables WHERE relname ~ '^(search_entry|message_[0-9]|message_now)$'",
                         PG_NO_ARGS),
        OK);
    return cost;
}

static struct search_asking asking_for(const char *q, size_t in_rooms)
{
    struct search_text text = search_fold(party_arena, str_of(q));
    struct search_asking asking = {
        .behind = { .at = INT64_MAX }, .limit = LIMIT, .reader = STR("ann"), .until_us = INT64_MAX
    };
    struct readable_room *at = arena_zero(party_arena, (in_rooms + 1) * sizeof *at);

    assert_true(search_cut_words(&text, &asking.words));
    for (size_t i = 0; i < in_rooms; i++) at[i].room = rooms.at[i];
    asking.rooms = (struct readable_room_list){ at, in_rooms };
    return asking;
}

static struct search_answer page_of(const struct search_asking *asking, int64_t read_at_most)
{
    struct search_answer answer;

    run("SELECT pg_stat_force_next_flush()", PG_NO_ARGS); /* what was read before is no part of what this costs */
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(search_read(pg, party_arena, asking, &answer), OK);
    struct cost cost = cost_of_this();
    if (cost.scans > 0 || cost.read > read_at_most)
        fail_msg("%lld sequential scans, %lld read for %zu messages", (long long)cost.scans, (long long)cost.read,
            answer.found.len);
    assert_int_equal(pg_commit(pg), OK);
    return answer;
}

static size_t find_all(struct search_asking asking, int64_t read_at_most, size_t *pages)
{
    struct search_answer page;
    struct search_place last = { .at = INT64_MAX };
    size_t n = 0;

    *pages = 0;
    do {
        page = page_of(&asking, read_at_most);
        for (size_t i = 0; i < page.found.len; i++) {
            const struct message_view *view = page.found.at[i].message;
            assert_true(view->at < last.at); /* no two are of one moment */
            last.at = view->at;
        }
        n += page.found.len;
        asking.behind = page.next;
        ++*pages;
    } while (!page.is_done);
    return n;
}

/* A page reads what it shows, and of each span what the index has there: here there is one. */
static void what_few_have_costs_what_there_is(void **state)
{
    size_t pages;

    (void)state;
    for (size_t n = 1; n <= ROOMS; n = n < 20 ? 20 : n < 200 ? 200 : n < ROOMS ? ROOMS : ROOMS + 1) {
        struct search_asking asking = asking_for("v0w0x0y0z0", n); /* in the first room */
        assert_int_equal(find_all(asking, 40, &pages), 1);
        assert_int_equal(pages, 1);
    }
    assert_int_equal(find_all(asking_for("v2w9x9y9z9", 1), 40, &pages), 0);
    assert_int_equal(find_all(asking_for("nowhere", ROOMS), 40, &pages), 0);
}

static void what_many_have_is_read_page_by_page(void **state)
{
    size_t pages;
    int64_t most = MESSAGES / OFTEN + LIMIT * 20;

    (void)state;
    assert_int_equal(find_all(asking_for("often", ROOMS), most, &pages), MESSAGES / OFTEN);
    assert_int_equal(pages, MESSAGES / OFTEN / LIMIT + 1);
    /* In few rooms the index is asked for those: a room has a hundred. */
    assert_int_equal(find_all(asking_for("often", 20), 20 * 100 + LIMIT * 20, &pages), 2 * MESSAGES / ROOMS);
    struct search_asking narrow = asking_for("often", ROOMS);
    narrow.from = FIRST_AT + 60000 * 1000;
    narrow.behind.at = FIRST_AT + 60000 * 2000;
    assert_int_equal(find_all(narrow, most, &pages), 1000 / OFTEN);
    narrow.sender = STR("bob");
    assert_int_equal(find_all(narrow, 10, &pages), 0);
}

/* What the index has and the text does not say ends a page that has nothing on it, and the next one goes on. */
static void a_page_reads_so_many_texts_and_no_more(void **state)
{
    size_t pages;

    (void)state;
    assert_int_equal(find_all(asking_for("abcd", ROOMS), MESSAGES / ALMOST * 2 + 2200 * 2, &pages), 0);
    assert_in_range(pages, MESSAGES / ALMOST / 2200, MESSAGES / ALMOST / 2000 + 1);
    struct search_asking hurried = asking_for("often", ROOMS);
    hurried.until_us = 0; /* one step is made nevertheless, so that a page is never in vain */
    assert_int_equal(find_all(hurried, MESSAGES, &pages), MESSAGES / OFTEN);
}

static void who_reads_from_a_time_on_finds_from_there_on(void **state)
{
    size_t pages;
    struct search_asking asking = asking_for("often", ROOMS);

    (void)state;
    for (size_t i = 0; i < ROOMS; i++) asking.rooms.at[i].reads_after = FIRST_AT + 60000 * (MESSAGES - 1000);
    asking.rooms.at[0].reads_after = 0;
    assert_int_equal(find_all(asking, MESSAGES / OFTEN + LIMIT * 20, &pages), 99 + MESSAGES / ROOMS - 3);
}

static int begin(void **state)
{
    size_t pages;

    (void)state;
    party_begin();
    assert_int_equal(migrate_up(pg_cluster_conninfo("store"), "store", "migrations/store"), OK);
    pg = pg_create(pg_cluster_conninfo("store"), "store");
    rooms = (struct id_list){ arena_alloc(party_arena, ROOMS * sizeof *rooms.at), ROOMS };
    for (size_t i = 0; i < ROOMS; i++) rooms.at[i] = id_new();
    /* Plans are made while there is nothing, too often for PostgreSQL to make another, and nobody has told it how much there is now. */
    for (int i = 0; i < 10; i++) {
        assert_int_equal(find_all(asking_for("x", 1), 0, &pages), 0);
        assert_int_equal(find_all(asking_for("x", ROOMS), 0, &pages), 0);
        assert_int_equal(index_all(), 0);
    }
    fill_log();
    assert_int_equal(index_all(), MESSAGES);
    assert_int_equal(index_all(), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    pg_destroy(&pg);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_few_have_costs_what_there_is),
        cmocka_unit_test(what_many_have_is_read_page_by_page),
        cmocka_unit_test(a_page_reads_so_many_texts_and_no_more),
        cmocka_unit_test(who_reads_from_a_time_on_finds_from_there_on),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

/* test_history.c - pages of a long log: each costs the same wherever it is, and holds what it should. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/store/store.h"
#include "tests/service/party.h"

/* A room of so many seqs: each fifth is a message, stored a second later than the one before, two of them at a time; all else was done to
 * messages.  Behind it lies a desert of reactions, and then a few messages more. */
enum { SEQS = 100000, EVERY = 5, DESERT = 100000, HEAD = SEQS + DESERT + 5 * EVERY, LIMIT = 50, PIN_EVERY = 100 };
#define FIRST_AT 1700000000000

static struct pg *pg;
static struct id room;
static int64_t floor_seq; /* of who reads */

static void run(const char *sql, const struct pg_args *args)
{
    assert_int_equal(pg_run(pg, party_arena, sql, args, NULL), OK);
}

static void fill_log(void)
{
    run("INSERT INTO room_head (room_id, seq) VALUES ($1, $2)", PG_ARGS(pg_id(room), pg_int(HEAD)));
    run("INSERT INTO message (room_id, seq, id, sender, body, at, thread) SELECT $1, n, 'm' || n, 'ann', 'number ' || "
        "n,"
        " to_timestamp($5::bigint / 1000 + n / ($3::bigint * 2)), CASE WHEN n % 50 = 0 THEN 5 END"
        " FROM generate_series($3::bigint, $2::bigint, $3::bigint) n WHERE n <= $4::bigint OR n > $6::bigint",
        PG_ARGS(pg_id(room), pg_int(HEAD), pg_int(EVERY), pg_int(SEQS), pg_int(FIRST_AT), pg_int(SEQS + DESERT)));
    run("INSERT INTO change (room_id, seq, id, sender, kind, target, body, at) SELECT $1, n, 'c' || n, 'bob', "
        "'reaction:add', $3, '+', now() FROM generate_series(1, $2::bigint) n WHERE n % 5 > 0 OR n > $4",
        PG_ARGS(pg_id(room), pg_int(SEQS + DESERT), pg_int(EVERY), pg_int(SEQS)));
    run("INSERT INTO reply (room_id, thread, seq) SELECT room_id, thread, seq FROM message WHERE thread IS NOT NULL",
        PG_NO_ARGS);
    run("INSERT INTO message_now (room_id, seq, pinned, body) SELECT room_id, seq, seq % $1 = 0, 'edited' FROM message"
        " WHERE seq % 10 = 0",
        PG_ARGS(pg_int(PIN_EVERY)));
    run("INSERT INTO reaction (room_id, seq, emoji, subject, entry, present) SELECT room_id, seq, '+', 'bob', 1, true"
        " FROM message",
        PG_NO_ARGS);
    run("INSERT INTO reaction_count (room_id, seq, emoji, n, first) SELECT room_id, seq, '+', 1, 1 FROM message",
        PG_NO_ARGS);
    assert_int_equal(pg_commit(pg), OK);
}

/* --- what is read --- */

struct cost {
    int64_t scans, read;
};

static struct cost cost_so_far(void)
{
    static const struct wire_field fields[] = { ROW_FIELD(struct cost, scans, INT), ROW_FIELD(struct cost, read, INT),
        ROW_END };
    static const struct wire_shape shape = { "cost", "", sizeof(struct cost), fields };
    struct cost cost;

    assert_int_equal(
        pg_one(pg, party_arena, &shape, &cost,
            "SELECT sum(seq_scan)::bigint AS scans, sum(COALESCE(idx_scan, 0) + COALESCE(idx_tup_fetch, 0))"
            "::bigint AS read FROM pg_stat_xact_user_tables",
            PG_NO_ARGS),
        OK);
    return cost;
}

static struct message_view_list page_of(enum history_of of, enum history_way way, int64_t seq, int64_t limit)
{
    const struct history_slice slice = {
        .room = room, .of = of, .way = way, .seq = seq, .limit = limit, .thread = EVERY, .floor = floor_seq
    };
    struct message_view_list page = { 0 };

    assert_int_equal(history_read(pg, party_arena, &slice, STR("ann"), &page), OK);
    return page;
}

static int64_t place_of(int64_t from)
{
    int64_t seq = -1;

    assert_int_equal(history_place(pg, party_arena, room, from, &seq), OK);
    return seq;
}

/* A row and the way to it, of each table that a message of a page is looked up in. */
#define READ_AT_MOST (LIMIT * 12)

static void assert_cheap(enum history_of of, enum history_way way, int64_t seq)
{
    struct cost before = cost_so_far(), now;
    struct message_view_list page = page_of(of, way, seq, LIMIT);

    now = cost_so_far();
    if (now.scans != before.scans || now.read - before.read > READ_AT_MOST)
        fail_msg("of %d way %d at %lld: %lld sequential scans, %lld read for %zu messages", of, way, (long long)seq,
            (long long)(now.scans - before.scans), (long long)(now.read - before.read), page.len);
    assert_true(page.len > 0);
}

static void every_page_costs_the_same(void **state)
{
    static const int64_t places[] = { 1, EVERY + 1, 777, SEQS / 2, SEQS - 1, SEQS + 1, SEQS + DESERT, HEAD - 1 };

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        assert_cheap(HISTORY_ALL, HISTORY_AFTER, places[i]);
        assert_cheap(HISTORY_ALL, HISTORY_BEFORE, places[i] + EVERY);
        assert_cheap(HISTORY_ALL, HISTORY_AROUND, places[i]);
        assert_cheap(HISTORY_THREAD, HISTORY_BEFORE, places[i] + 50);
        assert_cheap(HISTORY_PINS, HISTORY_BEFORE, places[i] + PIN_EVERY);
        if (places[i] > SEQS) continue; /* no reply and no pin is behind it */
        assert_cheap(HISTORY_THREAD, HISTORY_AFTER, places[i] - 50);
        assert_cheap(HISTORY_PINS, HISTORY_AFTER, places[i] - PIN_EVERY);
    }
    assert_int_equal(pg_commit(pg), OK);
}

static void the_place_of_a_time_is_found_in_few_steps(void **state)
{
    static const int64_t places[] = { EVERY, 777, SEQS / 2, SEQS - 1, HEAD };
    struct cost before = cost_so_far(), now;

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        int64_t at = FIRST_AT + places[i] / (EVERY * 2) * 1000;
        struct message_view_list next = page_of(HISTORY_ALL, HISTORY_AFTER, place_of(at), 1);
        struct message_view_list last = page_of(HISTORY_ALL, HISTORY_BEFORE, place_of(at) + 1, 1);
        assert_true(next.len == 1 && next.at[0].at >= at);
        assert_true(last.len == 0 || last.at[0].at < at);
    }
    assert_int_equal(place_of(1), 0);
    assert_int_equal(page_of(HISTORY_ALL, HISTORY_AFTER, place_of(FIRST_AT * 2), LIMIT).len, 0);
    now = cost_so_far();
    assert_int_equal(now.scans, before.scans);
    assert_in_range(now.read - before.read, 1, COUNT(places) * 250);
    assert_int_equal(pg_commit(pg), OK);
}

/* --- what a page holds --- */

static size_t walk_all(enum history_of of, int64_t every, enum history_way way)
{
    int64_t seq = way == HISTORY_AFTER ? 0 : INT64_MAX;
    size_t n = 0;

    for (struct message_view_list page; (page = page_of(of, way, seq, 200)).len > 0; n += page.len) {
        for (size_t i = 0; i < page.len; i++) {
            assert_int_equal(page.at[i].seq % every, 0);
            if (i > 0) assert_true(page.at[i].seq > page.at[i - 1].seq);
        }
        seq = way == HISTORY_AFTER ? page.at[page.len - 1].seq : page.at[0].seq;
    }
    return n;
}

static void pages_one_after_the_other_hold_all_in_both_directions(void **state)
{
    (void)state;
    for (enum history_way way = HISTORY_AFTER; way <= HISTORY_BEFORE; way++) {
        assert_int_equal(walk_all(HISTORY_ALL, EVERY, way), SEQS / EVERY + 5);
        assert_int_equal(walk_all(HISTORY_THREAD, 50, way), SEQS / 50);
        assert_int_equal(walk_all(HISTORY_PINS, PIN_EVERY, way), SEQS / PIN_EVERY);
    }
    assert_int_equal(pg_commit(pg), OK);
}

static void a_page_around_a_seq_has_it_and_its_neighbours(void **state)
{
    struct message_view_list page = page_of(HISTORY_ALL, HISTORY_AROUND, 1000, 11);

    (void)state;
    assert_int_equal(page.len, 11);
    for (size_t i = 0; i < page.len; i++) assert_int_equal(page.at[i].seq, 1000 + ((int64_t)i - 5) * EVERY);
    assert_true(str_is(page.at[5].body, "edited"));
    page = page_of(HISTORY_ALL, HISTORY_AROUND, 1000, 1);
    assert_int_equal(page.len, 1);
    assert_int_equal(page.at[0].seq, 1000);
    assert_int_equal(page.at[0].reactions.len, 1);
    page = page_of(HISTORY_ALL, HISTORY_AROUND, SEQS + 10, 4); /* in the desert */
    assert_int_equal(page.len, 4);
    assert_int_equal(page.at[2].seq, SEQS);
    assert_int_equal(page.at[3].seq, SEQS + DESERT + EVERY);
    page = page_of(HISTORY_ALL, HISTORY_AROUND, INT64_MAX, 4);
    assert_int_equal(page.at[page.len - 1].seq, HEAD);
    assert_int_equal(pg_commit(pg), OK);
}

/* What is cut off is what is farthest away. */
static void a_page_around_a_long_message_ends_early_on_both_sides(void **state)
{
    (void)state;
    run("UPDATE message SET body = repeat('x', 200000) WHERE seq BETWEEN 500 AND 600", PG_NO_ARGS);
    run("UPDATE message_now SET body = NULL WHERE seq BETWEEN 500 AND 600", PG_NO_ARGS);
    struct message_view_list page = page_of(HISTORY_ALL, HISTORY_AROUND, 550, 20);
    assert_int_equal(page.len, 5); /* of 200 kB each, in a MiB */
    for (size_t i = 0; i < page.len; i++) assert_int_equal(page.at[i].seq, 540 + (int64_t)i * EVERY);
    pg_rollback(pg);
}

/* --- what one sender said, in all rooms --- */

/* Two of ann's messages in each fifth of these rooms, bob's in all, and one of cid's in the last. */
enum { ROOMS = 3 * OWN_ROOMS_AT_ONCE, ANN_EVERY = 5 };

static void fill_rooms(void)
{
    run("INSERT INTO room_head (room_id, seq) SELECT gen_random_uuid(), 0 FROM generate_series(1, $1::bigint)",
        PG_ARGS(pg_int(ROOMS)));
    run("INSERT INTO message (room_id, seq, id, sender, body, at) SELECT room_id, s, 'said-' || (9 - s), CASE WHEN s = "
        "1 OR"
        " n % $1::bigint > 0 THEN 'bob' ELSE 'ann' END, 'hello', now() FROM (SELECT room_id, row_number() OVER () AS n"
        " FROM room_head WHERE room_id <> $2) r, generate_series(1, 3) s",
        PG_ARGS(pg_int(ANN_EVERY), pg_id(room)));
    run("INSERT INTO message (room_id, seq, id, sender, body, at) SELECT room_id, 4, 'said-once', 'cid', 'hello', now()"
        " FROM room_head WHERE room_id <> $1 ORDER BY room_id DESC LIMIT 1",
        PG_ARGS(pg_id(room)));
    assert_int_equal(pg_commit(pg), OK);
}

/* As many rooms as are looked through, and the way to a message in each. */
#define OWN_READ_AT_MOST (OWN_ROOMS_AT_ONCE * 6)

static struct message_view_list own_page(struct str sender, struct own_place *place)
{
    struct own_place from = *place;
    struct cost before = cost_so_far(), now;
    struct message_view_list page;

    assert_int_equal(history_own(pg, party_arena, &from, 200, sender, &page, place), OK);
    now = cost_so_far();
    if (now.scans != before.scans || now.read - before.read > OWN_READ_AT_MOST)
        fail_msg("%lld sequential scans, %lld read for %zu messages", (long long)(now.scans - before.scans),
            (long long)(now.read - before.read), page.len);
    return page;
}

static size_t walk_own(struct str sender)
{
    struct own_place place = { .seq = 0 };
    struct id last = { { 0 } };
    size_t n = 0;

    do {
        struct message_view_list page = own_page(sender, &place);
        for (size_t i = 0; i < page.len; i++) {
            assert_true(str_eq(page.at[i].sender, sender));
            assert_true(memcmp(&page.at[i].room, &last, sizeof last) >= 0);
            last = page.at[i].room;
        }
        n += page.len;
    } while (!id_is_nil(place.room));
    return n;
}

static void what_somebody_said_is_read_in_pages_of_a_bounded_cost(void **state)
{
    (void)state;
    fill_rooms();
    assert_int_equal(walk_own(STR("ann")), SEQS / EVERY + 5 + ROOMS / ANN_EVERY * 2);
    assert_int_equal(walk_own(STR("bob")), ROOMS * 3 - ROOMS / ANN_EVERY * 2);
    assert_int_equal(walk_own(STR("cid")), 1);
    assert_int_equal(walk_own(STR("nobody")), 0);
    assert_int_equal(pg_commit(pg), OK);
}

/* --- what one may read --- */

#define CAME_AT   (FIRST_AT + 1000 * INT64_C(1000))
#define CAME_SEQ  (1000 * 2 * EVERY + EVERY) /* the newest message of that second */
#define LOG_LIMIT 1000

static void assert_begins(enum history_of of, enum history_way way, int64_t seq, int64_t first)
{
    struct message_view_list page = page_of(of, way, seq, LIMIT);

    assert_int_equal(page.at[0].seq, first);
}

static void pages_begin_behind_what_one_may_not_read_and_cost_the_same(void **state)
{
    (void)state;
    assert_int_equal(history_floor(pg, party_arena, room, 0, &floor_seq), OK);
    assert_int_equal(floor_seq, 0);
    assert_int_equal(history_floor(pg, party_arena, room, CAME_AT, &floor_seq), OK);
    assert_int_equal(floor_seq, CAME_SEQ);
    assert_begins(HISTORY_ALL, HISTORY_AFTER, 1, CAME_SEQ + EVERY);
    assert_begins(HISTORY_ALL, HISTORY_BEFORE, CAME_SEQ + 3 * EVERY, CAME_SEQ + EVERY);
    assert_begins(HISTORY_ALL, HISTORY_AROUND, CAME_SEQ + 3 * EVERY, CAME_SEQ + EVERY);
    assert_begins(HISTORY_THREAD, HISTORY_AFTER, 1, CAME_SEQ + 50 - CAME_SEQ % 50);
    assert_begins(HISTORY_PINS, HISTORY_BEFORE, CAME_SEQ + 2 * PIN_EVERY, CAME_SEQ + PIN_EVERY - CAME_SEQ % PIN_EVERY);
    assert_int_equal(page_of(HISTORY_ALL, HISTORY_BEFORE, CAME_SEQ, LIMIT).len, 0);
    assert_cheap(HISTORY_ALL, HISTORY_AFTER, 1);
    assert_cheap(HISTORY_ALL, HISTORY_AROUND, CAME_SEQ);
    assert_cheap(HISTORY_THREAD, HISTORY_AFTER, 1);
    assert_cheap(HISTORY_PINS, HISTORY_AFTER, 1);
    floor_seq = 0;
}

static void what_is_caught_up_with_begins_there_too(void **state)
{
    const struct principal somebody = { .sub = STR("ann") };
    struct call call = { .pg = pg, .arena = party_arena, .who = &somebody };
    struct log_query query = { .room = room, .after = 3, .limit = LOG_LIMIT, .reads_after = CAME_AT };
    struct message_page page = { .after = 0 };

    (void)state;
    assert_int_equal(log_since(&call, &query, &page), OK);
    assert_int_equal(page.after, CAME_SEQ);
    assert_int_equal(page.messages.at[0].seq, CAME_SEQ + 1);
    query.after = CAME_SEQ + 10;
    assert_int_equal(log_since(&call, &query, &page), OK);
    assert_int_equal(page.after, query.after);
    for (size_t i = 0; i < page.messages.len; i++) /* all is done to the first message */
        assert_int_equal(page.messages.at[i].target_at, page.messages.at[i].target > 0 ? FIRST_AT : 0);
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    assert_int_equal(migrate_up(pg_cluster_conninfo("store"), "store", "migrations/store"), OK);
    pg = pg_create(pg_cluster_conninfo("store"), "store");
    room = id_new();
    /* Plans are made while the log is short, too often for PostgreSQL to make another, and nobody has told it how long it is now. */
    for (int i = 0; i < 10; i++) {
        for (enum history_way way = HISTORY_AFTER; way <= HISTORY_AROUND; way++) page_of(HISTORY_ALL, way, 1, LIMIT);
        for (enum history_way way = HISTORY_AFTER; way <= HISTORY_BEFORE; way++) {
            page_of(HISTORY_THREAD, way, 1, LIMIT);
            page_of(HISTORY_PINS, way, 1, LIMIT);
        }
        assert_int_equal(walk_own(STR("ann")), 0);
    }
    fill_log();
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
        cmocka_unit_test(every_page_costs_the_same),
        cmocka_unit_test(the_place_of_a_time_is_found_in_few_steps),
        cmocka_unit_test(pages_one_after_the_other_hold_all_in_both_directions),
        cmocka_unit_test(a_page_around_a_seq_has_it_and_its_neighbours),
        cmocka_unit_test(a_page_around_a_long_message_ends_early_on_both_sides),
        cmocka_unit_test(pages_begin_behind_what_one_may_not_read_and_cost_the_same),
        cmocka_unit_test(what_is_caught_up_with_begins_there_too),
        cmocka_unit_test(what_somebody_said_is_read_in_pages_of_a_bounded_cost),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

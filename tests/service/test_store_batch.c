/* test_store_batch.c - one batch into a real log: only the culprit fails, repeats are found wherever they are. */
// SPDX-License-Identifier: Apache-2.0
#include <libpq-fe.h>
#include <signal.h>

#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "libshared/base/metrics.h"
#include "services/store/messages/committer.h"
#include "services/store/store.h"
#include "tests/service/party.h"

/* No statement's time is over before that of whoever waits for it to hang. */
enum { OPEN_MAX = 8, BATCH_MAX = 20, STATEMENT_MS = 8 * PATIENCE_MS };

static struct committer *committer;
static size_t n_done;
static struct append *asked; /* by put_all */
static size_t n_asked;
static char bodies[8][16]; /* of the first of them, as they came back: they live no longer than the call */

static void on_done(void *arg, struct append *first)
{
    (void)arg;
    for (; first != NULL; first = first->next, n_done++)
        for (size_t i = 0; i < n_asked && i < COUNT(bodies); i++)
            if (&asked[i] == first) snprintf(bodies[i], sizeof *bodies, "%.*s", STR_ARG(first->message.body));
}

static struct append append_of(struct id room, const char *id, const char *body)
{
    return (struct append){ .deadline_us = INT64_MAX,
        .message = { .room = room, .id = str_of(id), .sender = STR("ann"), .body = str_of(body) } };
}

/* Behind a commit that takes long, as on a busy machine each may, there is little room in our tests. */
static void put(struct append *append)
{
    while (!committer_put(committer, append)) party_turn();
}

static void put_all(struct append *appends, size_t n)
{
    n_done = 0;
    asked = appends;
    n_asked = n;
    for (size_t i = 0; i < n; i++) put(&appends[i]);
    TURN_UNTIL(n_done == n, PATIENCE_MS);
}

static void only_the_culprit_fails(void **state)
{
    struct id room = id_new();
    struct append a[] = { append_of(room, "one", "1"), append_of(room, "bad", "\xff"), append_of(room, "two", "2") };

    (void)state;
    put_all(a, 3);
    assert_int_equal(a[0].e, OK);
    assert_int_equal(a[1].e, ERR_INVALID_ARGUMENT);
    assert_int_equal(a[2].e, OK);
    assert_int_equal(a[0].message.seq, 1);
    assert_int_equal(a[2].message.seq, 2);
}

static void a_repeat_brings_what_was_stored(void **state)
{
    struct id room = id_new();
    struct append a[] = { append_of(room, "one", "first"), append_of(room, "one", "second"),
        append_of(room, "two", "2") };
    struct append again[] = { append_of(room, "one", "third"), append_of(room, "new", "3") };

    (void)state;
    put_all(a, 3);
    assert_int_equal(a[1].message.seq, 1);
    assert_int_equal(a[2].message.seq, 2);
    assert_string_equal(bodies[1], "first");
    put_all(again, 2);
    assert_string_equal(bodies[0], "first");
    assert_int_equal(again[0].message.seq, 1);
    assert_int_equal(again[0].message.at, a[0].message.at);
    assert_int_equal(again[1].message.seq, 3);
}

static void what_nobody_waits_for_is_not_stored(void **state)
{
    struct id room = id_new();
    struct append a[] = { append_of(room, "late", "1"), append_of(room, "good", "2") };

    (void)state;
    a[0].deadline_us = 1;
    put_all(a, 2);
    assert_int_equal(a[0].e, ERR_DEADLINE);
    assert_int_equal(a[1].message.seq, 1);
}

/* --- the short way, of rooms that are known --- */

static void make_known(struct id room)
{
    struct append a[] = { append_of(room, "known", "0") };
    put_all(a, 1);
    assert_int_equal(a[0].message.seq, 1);
}

static int64_t long_ways(void)
{
    return metric_value(metric_counter("madang_store_long_way_total", NULL, ""));
}

/* What lies in the log, as its readers find it. */
static void assert_whole(struct id room, int64_t messages)
{
    struct message_page page = { .head = -1 };
    struct arena *arena = arena_create("test", 8u << 20);
    struct pg *pg = pg_create(pg_cluster_conninfo("store"), "store");
    struct slice slice = { .room = room, .limit = 200 };

    assert_int_equal(log_page(pg, arena, &slice, &page), OK);
    assert_int_equal(page.head, messages);
    assert_int_equal(page.messages.len, messages);
    for (size_t i = 0; i < page.messages.len; i++) assert_int_equal(page.messages.at[i].seq, i + 1);
    pg_destroy(&pg);
    arena_destroy(&arena);
}

static void messages_of_several_known_rooms_are_numbered_in_their_order(void **state)
{
    struct id one = id_new(), two = id_new();

    (void)state;
    make_known(one);
    make_known(two);
    int64_t before = long_ways();
    struct append a[] = { append_of(two, "a", "1"), append_of(one, "b", "2"), append_of(two, "c", "3"),
        append_of(two, "d", "4"), append_of(one, "e", "5") };
    put_all(a, COUNT(a));
    assert_int_equal(a[0].message.seq, 2);
    assert_int_equal(a[1].message.seq, 2);
    assert_int_equal(a[2].message.seq, 3);
    assert_int_equal(a[3].message.seq, 4);
    assert_int_equal(a[4].message.seq, 3);
    for (size_t i = 0; i < COUNT(a); i++) assert_true(a[i].e == OK && a[i].message.at > 0);
    assert_int_equal(long_ways(), before);
    assert_whole(one, 3);
    assert_whole(two, 4);
}

static void a_repeat_in_a_known_room_leaves_no_gap_and_harms_no_neighbour(void **state)
{
    struct id one = id_new(), two = id_new();

    (void)state;
    make_known(one);
    make_known(two);
    int64_t before = long_ways();
    struct append a[] = { append_of(one, "new", "1"), append_of(one, "known", "other"), append_of(two, "new", "2"),
        append_of(one, "last", "3") };
    put_all(a, COUNT(a));
    for (size_t i = 0; i < COUNT(a); i++) assert_int_equal(a[i].e, OK);
    assert_int_equal(a[0].message.seq, 2);
    assert_int_equal(a[1].message.seq, 1);
    assert_string_equal(bodies[1], "0");
    assert_int_equal(a[2].message.seq, 2);
    assert_int_equal(a[3].message.seq, 3);
    assert_in_range(long_ways(), before + 1, before + 4); /* they may be several batches */
    assert_whole(one, 3);
    assert_whole(two, 2);
}

static void a_bad_one_in_a_known_room_leaves_no_gap(void **state)
{
    struct id room = id_new();

    (void)state;
    make_known(room);
    struct append a[] = { append_of(room, "one", "1"), append_of(room, "bad", "\xff"), append_of(room, "two", "2") };
    put_all(a, COUNT(a));
    assert_int_equal(a[1].e, ERR_INVALID_ARGUMENT);
    assert_int_equal(a[0].message.seq, 2);
    assert_int_equal(a[2].message.seq, 3);
    assert_whole(room, 3);
}

static void run_on(PGconn *conn, const char *text)
{
    PGresult *result = PQexec(conn, text);

    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
}

static void run_sql(const char *text)
{
    PGconn *conn = PQconnectdb(pg_cluster_conninfo("store"));

    run_on(conn, text);
    PQfinish(conn);
}

/* --- several commits at a time --- */

/* The last messages of a room come while its first are being committed. */
static void a_room_keeps_its_order_from_batch_to_batch(void **state)
{
    enum { ROOMS = 5, EACH = 90 };
    static struct append a[ROOMS * EACH];
    static char ids[ROOMS * EACH][16];
    struct id rooms[ROOMS];

    (void)state;
    for (size_t i = 0; i < ROOMS; i++) rooms[i] = id_new();
    n_done = 0;
    for (size_t i = 0; i < COUNT(a); i++) {
        snprintf(ids[i], sizeof ids[i], "id-%zu", i);
        a[i] = append_of(rooms[i % ROOMS], ids[i], "x");
        put(&a[i]);
        if (i % 7 == 0) party_turn();
    }
    TURN_UNTIL(n_done == COUNT(a), PATIENCE_MS);
    for (size_t i = 0; i < COUNT(a); i++) {
        assert_int_equal(a[i].e, OK);
        assert_int_equal(a[i].message.seq, i / ROOMS + 1);
    }
}

static PGconn *lock_head(struct id room)
{
    PGconn *conn = PQconnectdb(pg_cluster_conninfo("store"));
    char text[ID_TEXT_BYTES + 1], sql[200];

    id_format(room, text);
    snprintf(sql, sizeof sql, "UPDATE store.room_head SET seq = seq WHERE room_id = '%s'", text);
    run_on(conn, "BEGIN");
    run_on(conn, sql);
    return conn;
}

static void unlock_head(PGconn *lock)
{
    run_on(lock, "COMMIT");
    PQfinish(lock);
}

/* So many committers wait for a lock that somebody else has. */
static int count_hung(void)
{
    PGconn *conn = PQconnectdb(pg_cluster_conninfo("store"));
    PGresult *result = PQexec(conn, "SELECT FROM pg_stat_activity WHERE application_name = 'store.committer'"
                                    " AND usename = current_user AND wait_event_type = 'Lock'");
    int n = PQntuples(result);

    PQclear(result);
    PQfinish(conn);
    return n;
}

/* A message of each of the rooms, each in a batch of its own, which hangs. */
static void hang(const struct id *rooms, struct append *appends, PGconn **locks, int n)
{
    for (int i = 0; i < n; i++) {
        make_known(rooms[i]);
        locks[i] = lock_head(rooms[i]);
    }
    n_done = 0;
    for (int i = 0; i < n; i++) {
        appends[i] = append_of(rooms[i], "hung", "x");
        put(&appends[i]);
        TURN_UNTIL(count_hung() == i + 1, PATIENCE_MS);
    }
}

static void statements_that_hang_hold_up_their_own_rooms(void **state)
{
    enum { HUNG = 3, OTHERS = 32 };
    static struct append others[2 * OTHERS];
    struct id rooms[HUNG];
    struct append hung[HUNG];
    PGconn *locks[HUNG];

    (void)state;
    for (size_t i = 0; i < HUNG; i++) rooms[i] = id_new();
    hang(rooms, hung, locks, HUNG);
    for (size_t i = 0; i < COUNT(others); i++) {
        others[i] = append_of(i < OTHERS ? id_new() : others[i - OTHERS].message.room, i < OTHERS ? "one" : "two", "1");
        put(&others[i]);
    }
    TURN_UNTIL(n_done == COUNT(others), PATIENCE_MS); /* before the statements' time is over */
    assert_int_equal(count_hung(), HUNG);

    for (size_t i = 0; i < HUNG; i++) unlock_head(locks[i]);
    TURN_UNTIL(n_done == COUNT(others) + HUNG, PATIENCE_MS);
    for (size_t i = 0; i < HUNG; i++) assert_true(hung[i].e == OK && hung[i].message.seq == 2);
    for (size_t i = 0; i < COUNT(others); i++)
        assert_true(others[i].e == OK && others[i].message.seq == (i < OTHERS ? 1 : 2));
}

static void what_waits_behind_a_hung_statement_is_bounded_and_keeps_its_order(void **state)
{
    struct append first, behind[OPEN_MAX], other = append_of(id_new(), "one", "1");
    static const char *const ids[OPEN_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    struct id room = id_new();
    size_t n = 0;
    PGconn *lock;

    (void)state;
    hang(&room, &first, &lock, 1);
    put(&other);
    TURN_UNTIL(n_done == 1, PATIENCE_MS); /* so the one that hangs is known to be slow */
    for (bool takes = true; takes && n < COUNT(behind); n += takes) {
        behind[n] = append_of(room, ids[n], "x");
        takes = committer_put(committer, &behind[n]);
    }
    assert_in_range(n, OPEN_MAX / 2 - 2, OPEN_MAX / 2 - 1); /* with `first`, and perhaps with `other` yet */

    unlock_head(lock);
    TURN_UNTIL(n_done == n + 2, PATIENCE_MS);
    assert_int_equal(first.message.seq, 2);
    for (size_t i = 0; i < n; i++) assert_true(behind[i].e == OK && behind[i].message.seq == (int64_t)i + 3);
    put(&behind[n]);
    TURN_UNTIL(n_done == n + 3, PATIENCE_MS);
}

/* The processes of PostgreSQL that serve committers. */
static void signal_committers(int signal)
{
    PGconn *conn = PQconnectdb(pg_cluster_conninfo("store"));
    PGresult *result = PQexec(
        conn, "SELECT pid FROM pg_stat_activity WHERE application_name = 'store.committer' AND usename = current_user");

    assert_true(PQntuples(result) > 0);
    for (int i = 0; i < PQntuples(result); i++)
        assert_int_equal(kill((pid_t)strtol(PQgetvalue(result, i, 0), NULL, 10), signal), 0);
    PQclear(result);
    PQfinish(conn);
}

static void a_server_that_neither_answers_nor_dies_is_given_up(void **state)
{
    struct committer_config config = { .conninfo = pg_cluster_conninfo("store"),
        .committers = 1,
        .open_max = OPEN_MAX,
        .batch_max = BATCH_MAX,
        .limits = { .statement_ms = 1000 } };
    struct id room = id_new();
    struct append a[] = { append_of(room, "one", "1"), append_of(room, "two", "2") };

    (void)state;
    committer_destroy(&committer);
    committer = committer_create(party_loop(), &config, on_done, NULL);
    make_known(room);
    signal_committers(SIGSTOP);
    put_all(a, COUNT(a)); /* on a second connection */
    signal_committers(SIGCONT);
    for (size_t i = 0; i < COUNT(a); i++) assert_int_equal(a[i].e, OK);
    assert_whole(room, 3);
}

/* A backup was put back under a store that runs. */
static void a_known_room_whose_head_is_gone_begins_again(void **state)
{
    struct id room = id_new(), other = id_new();

    (void)state;
    make_known(room);
    make_known(other);
    run_sql("TRUNCATE store.message, store.room_head");
    struct append a[] = { append_of(room, "one", "1"), append_of(other, "one", "1"), append_of(room, "two", "2") };
    put_all(a, COUNT(a));
    for (size_t i = 0; i < COUNT(a); i++) assert_int_equal(a[i].e, OK);
    assert_whole(room, 2);
    assert_whole(other, 1);
}

/* Of two stores, each in batches of its own, in rooms of both orders. */
static void two_committers_number_the_same_rooms_without_gaps(void **state)
{
    enum { ROOMS = 6, EACH = 90 };
    struct id rooms[ROOMS];
    struct committer *ours = committer, *theirs = committer_create(party_loop(),
                                            &(struct committer_config){ .conninfo = pg_cluster_conninfo("store"),
                                                .committers = 2,
                                                .open_max = 1000,
                                                .batch_max = 7,
                                                .gather_us = 100,
                                                .limits = { .statement_ms = STATEMENT_MS } },
                                            on_done, NULL);
    static struct append a[2 * EACH];
    static char ids[2 * EACH][16];

    (void)state;
    for (size_t i = 0; i < ROOMS; i++) make_known(rooms[i] = id_new());
    committer = theirs; /* which learns the rooms too */
    for (size_t i = 0; i < ROOMS; i++) {
        struct append first[] = { append_of(rooms[i], "theirs", "0") };
        put_all(first, 1);
        assert_int_equal(first[0].message.seq, 2);
    }
    n_done = 0;
    for (size_t i = 0; i < 2 * EACH; i++) {
        snprintf(ids[i], sizeof ids[i], "id-%zu", i);
        a[i] = append_of(rooms[i % 2 == 0 ? (i / 2) % ROOMS : ROOMS - 1 - (i / 2) % ROOMS], ids[i], "x");
        while (!committer_put(i % 2 == 0 ? ours : theirs, &a[i])) party_turn();
    }
    TURN_UNTIL(n_done == 2 * EACH, PATIENCE_MS);
    committer_destroy(&theirs);
    committer = ours;
    for (size_t i = 0; i < 2 * EACH; i++) assert_int_equal(a[i].e, OK);
    for (size_t i = 0; i < ROOMS; i++) assert_whole(rooms[i], 2 + 2 * EACH / ROOMS);
}

static void without_a_database_it_says_unavailable(void **state)
{
    struct append a[] = { append_of(id_new(), "one", "1") };

    (void)state;
    pg_cluster_run("stop");
    put_all(a, 1);
    assert_int_equal(a[0].e, ERR_UNAVAILABLE);
    assert_false(committer_is_up(committer));
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    assert_int_equal(migrate_up(pg_cluster_conninfo("store"), "store", "migrations/store"), OK);
    return 0;
}

/* Each test has a committer that remembers nothing. */
static int begin_one(void **state)
{
    (void)state;
    committer = committer_create(party_loop(),
        &(struct committer_config){ .conninfo = pg_cluster_conninfo("store"),
            .committers = 4,
            .open_max = OPEN_MAX,
            .batch_max = BATCH_MAX,
            .gather_us = 1000,
            .limits = { .statement_ms = STATEMENT_MS } },
        on_done, NULL);
    return 0;
}

static int end_one(void **state)
{
    (void)state;
    committer_destroy(&committer);
    return 0;
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, begin_one, end_one)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(only_the_culprit_fails),
        ONE(a_repeat_brings_what_was_stored),
        ONE(what_nobody_waits_for_is_not_stored),
        ONE(messages_of_several_known_rooms_are_numbered_in_their_order),
        ONE(a_bad_one_in_a_known_room_leaves_no_gap),
        ONE(two_committers_number_the_same_rooms_without_gaps),
        ONE(a_repeat_in_a_known_room_leaves_no_gap_and_harms_no_neighbour),
        ONE(a_known_room_whose_head_is_gone_begins_again),
        ONE(a_room_keeps_its_order_from_batch_to_batch),
        ONE(statements_that_hang_hold_up_their_own_rooms),
        ONE(what_waits_behind_a_hung_statement_is_bounded_and_keeps_its_order),
        ONE(a_server_that_neither_answers_nor_dies_is_given_up),
        ONE(without_a_database_it_says_unavailable),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}

/* test_store_batch.c - one batch into a real log: only the culprit fails, repeats are found wherever they are. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/migrate.h"
#include "services/store/messages/committer.h"
#include "tests/service/party.h"

static struct committer *committer;
static size_t n_done;
static char bodies[8][16]; /* as they came back: they live no longer than the call */

static void on_done(void *arg, struct append *first)
{
    (void)arg;
    for (; first != NULL; first = first->next)
        snprintf(bodies[n_done++ % COUNT(bodies)], sizeof *bodies, "%.*s", STR_ARG(first->message.body));
}

static struct append append_of(struct id room, const char *id, const char *body)
{
    return (struct append){ .deadline_us = INT64_MAX,
        .message = { .room = room, .id = str_of(id), .sender = STR("ann"), .body = str_of(body) } };
}

static void put_all(struct append *appends, size_t n)
{
    n_done = 0;
    for (size_t i = 0; i < n; i++) committer_put(committer, &appends[i]);
    TURN_UNTIL(n_done == n, 10000);
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
    committer = committer_create(party_loop(),
        &(struct committer_config){
            .conninfo = pg_cluster_conninfo("store"), .batch_max = 100, .gather_us = 1000, .statement_ms = 5000 },
        on_done, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    committer_destroy(&committer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_culprit_fails),
        cmocka_unit_test(a_repeat_brings_what_was_stored),
        cmocka_unit_test(what_nobody_waits_for_is_not_stored),
        cmocka_unit_test(without_a_database_it_says_unavailable),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

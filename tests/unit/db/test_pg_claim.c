/* test_pg_claim.c - numbers that one process has at a time: the second waits, and of two after a loss one ends. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/db/pg.h"
#include "libshared/db/pg_claim.h"
#include "tests/service/pg_cluster.h"

#define TICK_S   0.02
#define PATIENCE 1500 /* ticks */
#define SURE_MS  1000
#define LONG_MS  (30 * SURE_MS) /* where nobody is to become unsure while the test, and its loop with it, waits */

static struct ev_loop *loop;
static struct pg *pg;
static struct arena *arena;

/* A process, as far as it claims something. */
struct claimant {
    const char *name;
    size_t first, n;
    int64_t sure_ms; /* 0: SURE_MS */
    struct pg_claim *claim;
    pthread_t thread;
    char conninfo[600];
    atomic_bool has_it;
    int lost;
};

static void *take(void *arg)
{
    struct claimant *who = arg;
    struct pg_claim_config config = { who->conninfo, who->name, 7, who->first, who->n,
        who->sure_ms > 0 ? who->sure_ms : SURE_MS };

    who->claim = pg_claim_take(&config);
    assert_non_null(who->claim);
    atomic_store(&who->has_it, true);
    return NULL;
}

static void begin(struct claimant *who)
{
    snprintf(who->conninfo, sizeof who->conninfo, "%s", pg_cluster_conninfo("chat"));
    assert_int_equal(pthread_create(&who->thread, NULL, take, who), 0);
}

static void on_lost(void *arg)
{
    ((struct claimant *)arg)->lost++;
}

static void serve(struct claimant *who)
{
    pthread_join(who->thread, NULL);
    pg_claim_watch(who->claim, loop, on_lost, who);
}

static void end(struct claimant *who)
{
    pg_claim_destroy(&who->claim);
}

static void on_tick(struct ev_loop *l, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    ev_break(l, EVBREAK_ONE);
}

static void turn(void)
{
    ev_timer tick;

    ev_timer_init(&tick, on_tick, TICK_S, 0.);
    ev_timer_start(loop, &tick);
    ev_run(loop, 0);
}

/* PostgreSQL's own word: how many numbers are given out, and how many connections of a name there are. */
static int64_t count(const char *sql, const char *name)
{
    static const struct wire_field fields[] = {
        { WIRE_NAME("n"), .at = 0, .kind = WIRE_INT, .min = 0, .max = INT64_MAX }, { .name = NULL }
    };
    static const struct wire_shape shape = { "count", "", sizeof(int64_t), fields };
    int64_t n = 0;

    enum err e = pg_one(pg, arena, &shape, &n, sql, name != NULL ? PG_ARGS(pg_text(str_of(name))) : PG_NO_ARGS);
    assert_int_equal(e, OK);
    assert_int_equal(pg_commit(pg), OK);
    return n;
}

static int64_t numbers_held(void)
{
    return count("SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND classid = 7 AND granted", NULL);
}

static void cut_off(const char *name)
{
    count("SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE application_name = $1", name);
}

static void await_numbers(int64_t n)
{
    for (int i = 0; numbers_held() != n; i++) {
        assert_true(i < PATIENCE);
        turn();
    }
}

static bool is_there(const char *name)
{
    return count("SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = $1", name) > 0;
}

static void await_connection(const char *name)
{
    for (int i = 0; !is_there(name); i++) {
        assert_true(i < PATIENCE);
        turn();
    }
}

static void of_two_that_want_one_number_the_second_waits_until_the_first_has_ended(void **state)
{
    struct claimant first = { .name = "first", .first = 0, .n = 128, .sure_ms = LONG_MS },
                    second = { .name = "second", .first = 127, .n = 129, .sure_ms = SURE_MS };

    (void)state;
    begin(&first);
    serve(&first);
    begin(&second);
    await_connection("second");
    for (int i = 0; i < 30; i++) {
        turn();
        assert_false(atomic_load(&second.has_it));
    }
    end(&first);
    serve(&second);
    assert_int_equal(numbers_held(), 129);
    assert_int_equal(first.lost + second.lost, 0);
    end(&second);
    await_numbers(0);
}

static void who_wants_others_waits_for_nobody(void **state)
{
    struct claimant first = { .name = "first", .first = 0, .n = 128, .sure_ms = LONG_MS },
                    second = { .name = "second", .first = 128, .n = 128, .sure_ms = LONG_MS };

    (void)state;
    begin(&first);
    serve(&first);
    begin(&second);
    serve(&second);
    assert_int_equal(numbers_held(), 256);
    end(&first);
    end(&second);
    await_numbers(0);
}

static void who_loses_its_connection_and_nothing_else_has_its_numbers_again(void **state)
{
    struct claimant only = { .name = "only", .first = 0, .n = 16, .sure_ms = LONG_MS };

    (void)state;
    begin(&only);
    serve(&only);
    for (int i = 0; i < 3; i++) {
        cut_off("only");
        await_connection("only");
        await_numbers(16);
    }
    assert_int_equal(only.lost, 0);
    end(&only);
    await_numbers(0);
}

static void *take_number_when_it_is_free(void *arg)
{
    struct pg *other = arg;
    struct arena *own = arena_create("test", 1u << 20);

    enum err e = pg_run(other, own, "SELECT pg_advisory_lock(7, 3)", PG_NO_ARGS, NULL);
    assert_int_equal(e, OK);
    arena_destroy(&own);
    return NULL;
}

/* Whoever waits for a lock in PostgreSQL itself has it before anybody can connect. */
static void who_finds_a_number_taken_after_a_loss_is_told_so(void **state)
{
    struct claimant first = { .name = "first", .first = 0, .n = 16 },
                    second = { .name = "second", .first = 0, .n = 16 };
    struct pg *other = pg_create(pg_cluster_conninfo("chat"), "chat");
    pthread_t thread;

    (void)state;
    begin(&first);
    serve(&first);
    begin(&second);
    await_connection("second");
    assert_int_equal(pthread_create(&thread, NULL, take_number_when_it_is_free, other), 0);
    for (int i = 0; count("SELECT count(*) AS n FROM pg_locks WHERE classid = 7 AND NOT granted", NULL) == 0; i++) {
        assert_true(i < PATIENCE);
        turn();
    }
    cut_off("first");
    for (int i = 0; first.lost == 0; i++) {
        assert_true(i < PATIENCE);
        turn();
    }
    pthread_join(thread, NULL);
    assert_false(atomic_load(&second.has_it)); /* all or none */
    pg_destroy(&other);
    serve(&second);
    assert_int_equal(numbers_held(), 16);
    assert_int_equal(first.lost, 1);
    end(&first);
    end(&second);
    await_numbers(0);
}

/* Its own way to the database: a link, which can be cut. */
static char way[300];

static void lay_way(void)
{
    snprintf(way, sizeof way, "%s/way", pg_cluster_dir);
    assert_int_equal(symlink(pg_cluster_dir, way), 0);
}

static void begin_over_way(struct claimant *who)
{
    const char *rest = strstr(pg_cluster_conninfo("chat"), " dbname=");

    assert_non_null(rest);
    snprintf(who->conninfo, sizeof who->conninfo, "host=%s%s", way, rest);
    assert_int_equal(pthread_create(&who->thread, NULL, take, who), 0);
    serve(who);
}

static void cut_way(const struct claimant *who)
{
    assert_int_equal(unlink(way), 0);
    cut_off(who->name);
}

static void await_unsure(const struct claimant *who)
{
    for (int i = 0; pg_claim_is_sure(who->claim); i++) {
        assert_true(i < PATIENCE);
        turn();
    }
}

static void await_lost(const struct claimant *who)
{
    for (int i = 0; who->lost == 0; i++) {
        assert_true(i < PATIENCE);
        turn();
    }
}

/* It has found them taken: who finds them free begins at once. */
static void await_waiting(const char *name)
{
    const char *sql =
        "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = $1 AND query LIKE '%unlock%'";

    for (int i = 0; count(sql, name) == 0; i++) {
        assert_true(i < PATIENCE);
        turn();
    }
}

static void who_is_cut_off_is_unsure_before_another_has_its_numbers_and_ends_when_it_is_back(void **state)
{
    struct claimant first = { .name = "first", .first = 0, .n = 16 },
                    second = { .name = "second", .first = 0, .n = 16 };

    (void)state;
    lay_way();
    begin_over_way(&first);
    begin(&second);
    await_waiting("second");
    cut_way(&first);
    while (!atomic_load(&second.has_it)) turn();
    assert_false(pg_claim_is_sure(first.claim));
    serve(&second);
    assert_int_equal(first.lost, 0); /* it knows of nothing */
    lay_way();
    await_lost(&first);
    assert_int_equal(first.lost, 1);
    end(&first);
    end(&second);
    await_numbers(0);
    assert_int_equal(unlink(way), 0);
}

static void who_was_cut_off_for_so_long_that_another_may_have_had_its_numbers_ends(void **state)
{
    struct claimant only = { .name = "only", .first = 0, .n = 16 };
    int64_t cut_us;

    (void)state;
    lay_way();
    begin_over_way(&only);
    cut_us = clock_mono_us();
    cut_way(&only);
    await_unsure(&only);
    while (clock_mono_us() - cut_us < (SURE_MS + PG_CLAIM_GRACE_MS + 100) * 1000) turn();
    lay_way();
    await_lost(&only);
    end(&only);
    await_numbers(0);
    assert_int_equal(unlink(way), 0);
}

static void stop_backend(const char *name, int signal)
{
    int64_t pid = count("SELECT pid AS n FROM pg_stat_activity WHERE application_name = $1", name);

    assert_true(pid > 1);
    assert_int_equal(kill((pid_t)pid, signal), 0);
}

/* It is given less time to be silent than PostgreSQL gives it. */
static void who_hears_of_its_own_connection_again_is_sure_again(void **state)
{
    struct claimant only = { .name = "only", .first = 0, .n = 16, .sure_ms = 4 * SURE_MS };

    (void)state;
    begin(&only);
    serve(&only);
    stop_backend("only", SIGSTOP);
    await_unsure(&only);
    stop_backend("only", SIGCONT);
    for (int i = 0; !pg_claim_is_sure(only.claim); i++) {
        assert_true(i < PATIENCE);
        turn();
    }
    assert_int_equal(only.lost, 0);
    assert_int_equal(numbers_held(), 16);
    end(&only);
    await_numbers(0);
}

static void without_a_database_nothing_is_claimed(void **state)
{
    struct pg_claim_config config = { "host=/nonexistent dbname=madang", "nobody", 7, 0, 1, SURE_MS };

    (void)state;
    assert_null(pg_claim_take(&config));
}

static int start(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR + 1);
    pg_cluster_start();
    loop = ev_default_loop(EVFLAG_AUTO);
    arena = arena_create("test", 1u << 20);
    pg = pg_create(pg_cluster_conninfo("chat"), "chat");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pg_destroy(&pg);
    arena_destroy(&arena);
    ev_loop_destroy(loop);
    pg_cluster_run("stop");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_that_want_one_number_the_second_waits_until_the_first_has_ended),
        cmocka_unit_test(who_wants_others_waits_for_nobody),
        cmocka_unit_test(who_loses_its_connection_and_nothing_else_has_its_numbers_again),
        cmocka_unit_test(who_finds_a_number_taken_after_a_loss_is_told_so),
        cmocka_unit_test(who_is_cut_off_is_unsure_before_another_has_its_numbers_and_ends_when_it_is_back),
        cmocka_unit_test(who_was_cut_off_for_so_long_that_another_may_have_had_its_numbers_ends),
        cmocka_unit_test(who_hears_of_its_own_connection_again_is_sure_again),
        cmocka_unit_test(without_a_database_nothing_is_claimed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

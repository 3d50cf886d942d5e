/* test_abuse.c - attempts by the day, and budgets of wrong proofs, against a real PostgreSQL. */
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/metrics.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/abuse/budget.h"
#include "tests/service/auth_calls.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static int start(void **state)
{
    (void)state;
    auth_calls_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    auth_calls_stop();
    return 0;
}

static enum err ask(const char *method, struct str subject, const struct wire_shape *in, const void *req,
    const struct wire_shape *out, void *rep)
{
    return auth_call("gateway", &(struct principal){ .sub = subject }, method, in, req, out, rep);
}

/* --- attempts --- */

static void note(struct attempt attempt)
{
    assert_int_equal(attempt_note(pg, arena, &attempt), OK);
    assert_int_equal(pg_commit(pg), OK);
}

static enum err turn(struct pg *by, struct arena *space)
{
    struct job job = { .key = STR("") };
    struct wire_error why = { 0 };
    struct nothing nothing;
    struct call call = { .arena = space, .pg = by, .now = clock_ms(), .context = &auth, .why = &why };
    enum err e = attempt_turn(&call, &job, &nothing);

    if (e == OK) e = pg_commit(by);
    pg_rollback(by);
    return e;
}

#define TABLES "SELECT count(*) AS version FROM attempt_table WHERE attached"

static void there_are_tables_for_today_and_the_week_to_come(void **state)
{
    (void)state;
    assert_int_equal(count(TABLES " AND day BETWEEN (now() AT TIME ZONE 'UTC')::date"
                                  " AND (now() AT TIME ZONE 'UTC')::date + 7",
                         PG_NO_ARGS),
        8);
    run("SELECT attempt_drop((SELECT max(name) FROM attempt_table))", PG_NO_ARGS);
    assert_int_equal(turn(pg, arena), OK);
    assert_int_equal(turn(pg, arena), OK);
    assert_int_equal(count(TABLES, PG_NO_ARGS), 9); /* and yesterday */
}

static void add_old_day(int64_t days_ago)
{
    run("SELECT attempt_day((now() AT TIME ZONE 'UTC')::date - $1::bigint::int)", PG_ARGS(pg_int(days_ago)));
    run("INSERT INTO attempt (at, id, kind, subject, key, address, device, result, trace) VALUES"
        " ((((now() AT TIME ZONE 'UTC')::date - $1::bigint::int)::timestamp + interval '12 hours') AT TIME ZONE 'UTC',"
        " gen_random_uuid(), 'login', 'old', '', '', '', 'ok', '')",
        PG_ARGS(pg_int(days_ago)));
}

static void *turn_aside(void *arg)
{
    struct pg *own = auth_calls_connect();
    struct arena *space = arena_create("turn", 1u << 20);

    *(enum err *)arg = turn(own, space);
    pg_destroy(&own);
    arena_destroy(&space);
    return NULL;
}

static void await_a_wait(void)
{
    while (count("SELECT count(*) AS version FROM pg_locks WHERE NOT granted", PG_NO_ARGS) == 0) usleep(1000);
}

/* A day leaves when those who began before are done; nobody who writes waits for that. */
static void days_are_dropped_while_somebody_writes(void **state)
{
    (void)state;
    struct pg *writer = auth_calls_connect();
    pthread_t thread;
    enum err e;

    add_old_day(90);
    add_old_day(91);
    add_old_day(92);
    assert_int_equal(attempt_note(writer, arena, &(struct attempt){ .kind = ATTEMPT_login, .subject = STR("w") }), OK);
    assert_int_equal(pthread_create(&thread, NULL, turn_aside, &e), 0);
    await_a_wait();
    pg_set_deadline(pg, clock_mono_us() + 30000000); /* it would wait for our own writer, below */
    note((struct attempt){ .kind = ATTEMPT_login, .subject = STR("w") });
    assert_int_equal(attempt_note(writer, arena, &(struct attempt){ .kind = ATTEMPT_login, .subject = STR("w") }), OK);
    assert_int_equal(pg_commit(writer), OK);
    pthread_join(thread, NULL);
    pg_destroy(&writer);

    assert_int_equal(e, OK);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt WHERE subject = 'old'", PG_NO_ARGS), 1);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt WHERE subject = 'w'", PG_NO_ARGS), 3);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt_table WHERE day <"
                           " (now() AT TIME ZONE 'UTC')::date - 90",
                         PG_NO_ARGS),
        0);
}

/* As a job that was cut in the middle leaves it. */
static void a_day_that_was_half_detached_is_dropped(void **state)
{
    (void)state;
    struct pg *reader = auth_calls_connect();
    pthread_t thread;
    enum err e;

    add_old_day(95);
    assert_int_equal(pg_run(reader, arena, "SELECT count(*) FROM attempt", PG_NO_ARGS, NULL), OK);
    assert_int_equal(pthread_create(&thread, NULL, turn_aside, &e), 0);
    await_a_wait();
    run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted", PG_NO_ARGS);
    pthread_join(thread, NULL);
    assert_int_equal(e, ERR_UNAVAILABLE);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt_table WHERE leaving", PG_NO_ARGS), 1);
    pg_rollback(reader);
    pg_destroy(&reader);
    assert_int_equal(turn(pg, arena), OK);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt WHERE subject = 'old'", PG_NO_ARGS), 1);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt_table WHERE leaving", PG_NO_ARGS), 0);
}

static void no_row_is_changed_or_taken_out_of_its_day(void **state)
{
    (void)state;
    static const char *const changes[] = { "UPDATE attempt SET result = 'ok'", "DELETE FROM attempt",
        "TRUNCATE attempt" };
    note((struct attempt){ .kind = ATTEMPT_login, .subject = STR("ada"), .result = ERR_FORBIDDEN });

    for (size_t i = 0; i < COUNT(changes); i++) {
        assert_int_equal(pg_run(pg, arena, changes[i], PG_NO_ARGS, NULL), ERR_INTERNAL);
        assert_non_null(strstr(pg_last_error(pg), "42501"));
        pg_rollback(pg);
    }
}

static struct attempt_page own(struct str subject, struct str after)
{
    struct attempt_own_query query = { .after = after, .limit = 3 };
    struct attempt_page page = { .meta = NULL };

    assert_int_equal(ask("attempt.mine", subject, attempt_own_query_shape(), &query, attempt_page_shape(), &page), OK);
    return page;
}

static void ones_own_attempts_are_read_page_by_page_and_nobody_elses(void **state)
{
    (void)state;
    struct str after = STR_NONE;
    int seen = 0;

    for (int i = 0; i < 7; i++) {
        note((struct attempt){ .kind = ATTEMPT_login, .subject = STR("pia"), .address = STR("192.0.2.1") });
        note((struct attempt){ .kind = ATTEMPT_login, .subject = STR("quin"), .address = STR("192.0.2.1") });
    }
    note((struct attempt){ .kind = ATTEMPT_login, .address = STR("192.0.2.1") });
    for (int pages = 0; pages < 3; pages++) {
        struct attempt_page page = own(STR("pia"), after);
        for (size_t i = 0; i < page.attempts.len; i++) assert_true(str_is(page.attempts.at[i].subject, "pia"));
        seen += (int)page.attempts.len;
        after = page.meta->next;
    }
    assert_int_equal(seen, 7);
    assert_int_equal(after.len, 0);
    assert_int_equal(ask("attempt.mine", STR_NONE, attempt_own_query_shape(), &(struct attempt_own_query){ .limit = 3 },
                         attempt_page_shape(), &(struct attempt_page){ 0 }),
        ERR_UNAUTHENTICATED);
    assert_int_equal(ask("attempt.mine", STR("pia"), attempt_own_query_shape(),
                         &(struct attempt_own_query){ .limit = 3, .after = STR("1.x") }, attempt_page_shape(),
                         &(struct attempt_page){ 0 }),
        ERR_INVALID_ARGUMENT);
}

static size_t found(struct attempt_query query)
{
    struct attempt_page page = { .meta = NULL };

    query.limit = 1000;
    assert_int_equal(ask("attempt.list", STR("admin"), attempt_query_shape(), &query, attempt_page_shape(), &page), OK);
    return page.attempts.len;
}

static void all_attempts_are_found_by_what_is_said_of_them(void **state)
{
    (void)state;
    int64_t before = clock_ms();

    note((struct attempt){ .kind = ATTEMPT_token,
        .subject = STR("rob"),
        .key = STR("k9"),
        .address = STR("203.0.113.9"),
        .result = ERR_KEY_EXPIRED });
    note((struct attempt){ .kind = ATTEMPT_login, .subject = STR("rob"), .address = STR("203.0.113.9") });
    assert_int_equal(found((struct attempt_query){ .subject = STR("rob") }), 2);
    assert_int_equal(found((struct attempt_query){ .key = STR("k9") }), 1);
    assert_int_equal(found((struct attempt_query){ .address = STR("203.0.113.9") }), 2);
    assert_int_equal(found((struct attempt_query){ .subject = STR("rob"), .kind = STR("login") }), 1);
    assert_int_equal(found((struct attempt_query){ .subject = STR("rob"), .result = STR("refused") }), 1);
    assert_int_equal(found((struct attempt_query){ .subject = STR("rob"), .result = STR("key_expired") }), 1);
    assert_int_equal(found((struct attempt_query){ .since = before }), 2);
    assert_int_equal(found((struct attempt_query){ .subject = STR("rob"), .until = before - 1 }), 0);
    assert_int_equal(found((struct attempt_query){ .subject = STR("rob"), .until = clock_ms() }), 2);
}

static void handshakes_of_gateways_are_there_once_whatever_their_clocks_say(void **state)
{
    (void)state;
    struct handshake rows[] = {
        { .id = id_new(), .at = clock_ms(), .subject = STR("sam"), .result = STR("ok"), .times = 3 },
        { .id = id_new(), .at = 1000, .subject = STR("sam"), .key = STR("k1"), .result = STR("forbidden"), .times = 1 },
        { .id = id_new(),
            .at = clock_ms() + 900 * DAY,
            .address = STR("192.0.2.9"),
            .result = STR("token_invalid"),
            .times = 1 }
    };
    struct handshake_batch batch = { .handshakes = { rows, 1 }, .left_out = 7 };
    struct nothing nothing;

    assert_int_equal(ask("handshake.note", STR_NONE, handshake_batch_shape(), &batch, nothing_shape(), &nothing), OK);
    batch.left_out = 0;
    batch.handshakes.len = 3;
    assert_int_equal(ask("handshake.note", STR_NONE, handshake_batch_shape(), &batch, nothing_shape(), &nothing), OK);
    assert_int_equal(found((struct attempt_query){ .subject = STR("sam"), .kind = STR("handshake") }), 2);
    assert_int_equal(found((struct attempt_query){ .address = STR("192.0.2.9"), .kind = STR("handshake") }), 1);
    assert_int_equal(count("SELECT sum(times)::bigint AS version FROM attempt WHERE subject = 'sam'", PG_NO_ARGS), 4);
    assert_int_equal(count("SELECT times AS version FROM attempt WHERE result = 'left_out'", PG_NO_ARGS), 7);
}

/* --- budgets --- */

static int64_t now = INT64_C(1795000000000);

static enum err guess(const char *account, struct str address, struct str device, struct budget_try *who)
{
    *who = (struct budget_try){ .account = str_of(account), .address = address, .device = device, .now = now };
    enum err e = budget_ask(pg, arena, who);
    pg_rollback(pg); /* as of a caller that fails: what was taken stays taken */
    return e;
}

static struct str log_in(const char *account, struct str address, struct str device)
{
    struct budget_try who;
    struct str given;

    assert_int_equal(guess(account, address, device, &who), OK);
    assert_int_equal(budget_clear(pg, arena, &who, &given), OK);
    assert_int_equal(pg_commit(pg), OK);
    return given;
}

static void failures_slow_down_then_ban_for_longer_and_longer_and_are_forgotten(void **state)
{
    (void)state;
    struct budget_try who;
    int64_t waits[12];

    log_in("slow", STR("192.0.2.1"), STR_NONE); /* the network is known: its own budget alone is what counts */
    for (int i = 0; i < 12; i++) {
        assert_int_equal(guess("slow", STR("192.0.2.77"), STR_NONE, &who), OK);
        if (i >= BUDGET_FREE) assert_int_equal(guess("slow", STR("192.0.2.78"), STR_NONE, &who), ERR_RATE_LIMITED);
        waits[i] = who.retry_after_ms;
        now += waits[i];
    }
    assert_int_equal(waits[5], 1000);
    assert_int_equal(waits[6], 2000);
    assert_int_equal(waits[8], 8000);
    assert_int_equal(waits[9], 15 * MINUTE);
    assert_int_equal(waits[10], 30 * MINUTE);
    assert_int_equal(waits[11], 60 * MINUTE);
    assert_int_equal(guess("slow", STR("198.51.100.1"), STR_NONE, &who), OK); /* elsewhere it is not known at all */
    now += DAY;
    for (int i = 0; i < 5; i++) assert_int_equal(guess("slow", STR("192.0.2.1"), STR_NONE, &who), OK);
}

static void a_success_ends_the_row_and_what_was_not_compared_is_given_back(void **state)
{
    (void)state;
    struct budget_try who;

    for (int i = 0; i < 5; i++) assert_int_equal(guess("once", STR("192.0.2.1"), STR_NONE, &who), OK);
    log_in("once", STR("192.0.2.1"), STR_NONE);
    for (int i = 0; i < 5; i++) assert_int_equal(guess("once", STR("192.0.2.1"), STR_NONE, &who), OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(guess("once", STR("192.0.2.1"), STR_NONE, &who), OK);
        assert_int_equal(who.failures, 6);
        assert_int_equal(budget_return(pg, arena, &who), OK);
        assert_int_equal(pg_commit(pg), OK);
    }
}

/* 100,000 guesses in an hour from 10,000 networks, and some from the owner's own; the owner logs in all the time. */
static void strangers_neither_guess_much_nor_lock_anybody_out(void **state)
{
    (void)state;
    struct str device = log_in("victim", STR("192.0.2.1"), STR_NONE);
    struct budget_try who;
    int64_t compared = 0;

    now += DAY;
    for (int i = 0; i < 100000; i++, now += HOUR / 100000) {
        struct str address = arena_printf(arena, "10.%d.%d.9", i % 250, i / 250 % 40);
        compared += guess("victim", address, STR_NONE, &who) == OK;
        if (i % 1000 == 0) compared += guess("victim", STR("192.0.2.99"), arena_printf(arena, "%043d", i), &who) == OK;
        if (i % 5000 == 0) assert_int_equal(log_in("victim", STR("192.0.2.1"), device).len, 0);
        if (i % 5000 == 2500) assert_int_equal(log_in("victim", STR("203.0.113.5"), device).len, 0);
    }
    assert_in_range(compared, 20, 100);
}

static void budgets_are_of_one_account_each(void **state)
{
    (void)state;
    struct str device = log_in("anna", STR("192.0.2.1"), STR_NONE);
    struct budget_try who;

    for (int i = 0; i < 20; i++)
        assert_int_equal(guess("ben", arena_printf(arena, "10.1.%d.9", i), device, &who), OK); /* not ben's device */
    assert_int_equal(guess("ben", STR("10.2.0.1"), device, &who), ERR_RATE_LIMITED);
    assert_int_equal(guess("anna", STR("10.1.1.9"), device, &who), OK);
}

static void a_device_that_is_forgotten_is_a_stranger(void **state)
{
    (void)state;
    struct str device = log_in("carl", STR("192.0.2.1"), STR_NONE);
    struct budget_try who;

    assert_int_equal(budget_forget_devices(pg, arena, STR("carl")), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(guess("carl", STR("192.0.2.1"), device, &who), OK);
    assert_true(who.is_unknown);
}

#define GUESSERS 8
#define RACES    20 /* one may be over before another has begun */

struct guesser {
    pthread_t thread;
    pthread_barrier_t *start;
    struct pg *pg;
    struct arena *arena;
    int n_compared[RACES];
};

static void *guess_at_once(void *arg)
{
    struct guesser *guesser = arg;

    for (int race = 0; race < RACES; race++) {
        char account[20];
        snprintf(account, sizeof account, "raced %d", race);
        pthread_barrier_wait(guesser->start);
        for (int i = 0; i < 10; i++) {
            struct budget_try who = { .account = str_of(account), .address = STR("192.0.2.1"), .now = now };
            guesser->n_compared[race] += budget_ask(guesser->pg, guesser->arena, &who) == OK;
            pg_rollback(guesser->pg);
        }
    }
    return NULL;
}

static void as_many_at_once_are_counted_one_by_one(void **state)
{
    (void)state;
    struct guesser guessers[GUESSERS];
    pthread_barrier_t start;
    int compared[RACES] = { 0 };

    pthread_barrier_init(&start, NULL, GUESSERS);
    for (size_t i = 0; i < GUESSERS; i++) {
        guessers[i] = (struct guesser){
            .start = &start, .pg = auth_calls_connect(), .arena = arena_create("guesser", 16u << 20)
        };
        assert_int_equal(pthread_create(&guessers[i].thread, NULL, guess_at_once, &guessers[i]), 0);
    }
    for (size_t i = 0; i < GUESSERS; i++) {
        pthread_join(guessers[i].thread, NULL);
        for (int race = 0; race < RACES; race++) compared[race] += guessers[i].n_compared[race];
        pg_destroy(&guessers[i].pg);
        arena_destroy(&guessers[i].arena);
    }
    pthread_barrier_destroy(&start);
    for (int race = 0; race < RACES; race++) assert_int_equal(compared[race], BUDGET_FREE + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_tables_for_today_and_the_week_to_come),
        cmocka_unit_test(days_are_dropped_while_somebody_writes),
        cmocka_unit_test(a_day_that_was_half_detached_is_dropped),
        cmocka_unit_test(no_row_is_changed_or_taken_out_of_its_day),
        cmocka_unit_test(ones_own_attempts_are_read_page_by_page_and_nobody_elses),
        cmocka_unit_test(all_attempts_are_found_by_what_is_said_of_them),
        cmocka_unit_test(handshakes_of_gateways_are_there_once_whatever_their_clocks_say),
        cmocka_unit_test(failures_slow_down_then_ban_for_longer_and_longer_and_are_forgotten),
        cmocka_unit_test(a_success_ends_the_row_and_what_was_not_compared_is_given_back),
        cmocka_unit_test(strangers_neither_guess_much_nor_lock_anybody_out),
        cmocka_unit_test(budgets_are_of_one_account_each),
        cmocka_unit_test(a_device_that_is_forgotten_is_a_stranger),
        cmocka_unit_test(as_many_at_once_are_counted_one_by_one),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

/* test_guesses.c - whose turn it is to present a credential, and what a refusal costs. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/guesses.h"

#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/clock.h"

#define HERE    STR("192.0.2.1")
#define THERE   STR("192.0.2.2")
#define WAIT_MS 1500
#define TURN_MS 1000

static struct ev_loop *loop;
static struct rates *rates;
static struct guesses *guesses;

struct guess_waiter {
    int turns;
    enum err e;
    int64_t retry_after_ms;
    struct guess *guess;
};

static int begin(void **state)
{
    (void)state;
    loop = ev_default_loop(0);
    rates = rates_create(100);
    guesses = guesses_create(loop, rates, WAIT_MS);
    return 0;
}

static int end(void **state)
{
    (void)state;
    guesses_close(guesses);
    guesses_destroy(&guesses);
    rates_destroy(&rates);
    return 0;
}

static void on_turn(void *arg, enum err e, int64_t retry_after_ms, struct guess *guess)
{
    struct guess_waiter *asker = arg;

    asker->turns++;
    asker->e = e;
    asker->retry_after_ms = retry_after_ms;
    asker->guess = guess;
    assert_true((e == OK) == (guess != NULL));
}

static void ask(struct guess_waiter *asker, int credential, struct str address)
{
    unsigned char digest[GUESS_DIGEST_BYTES] = { (unsigned char)credential, (unsigned char)(credential >> 8) };

    memset(asker, 0, sizeof *asker);
    guess_begin(guesses, digest, address, on_turn, asker);
}

static void answer(struct guess_waiter *asker, enum err e)
{
    assert_int_equal(asker->turns, 1);
    assert_non_null(asker->guess);
    guess_end(asker->guess, e);
    asker->guess = NULL;
}

/* For the second after the last turn; a machine that stood still for that long says nothing. */
static void assert_waits(const struct guess_waiter *asker, int64_t last_turn_at)
{
    if (clock_ms() - last_turn_at < TURN_MS) assert_int_equal(asker->turns, 0);
}

static void turn_until(const int *turns)
{
    for (int64_t until = clock_ms() + 60000; *turns == 0; ev_run(loop, EVRUN_ONCE)) assert_true(clock_ms() < until);
}

/* Wrong ones, one after the other, until there is none left. */
static void use_up(struct str address)
{
    struct guess_waiter asker;

    for (int i = 0; i < 10; i++) {
        ask(&asker, 1000 + i, address);
        assert_int_equal(guess_end(asker.guess, ERR_KEY_INVALID), 0);
    }
}

static void as_many_go_at_once_as_may_be_refused(void **state)
{
    static struct guess_waiter askers[12];

    (void)state;
    for (int i = 0; i < 12; i++) ask(&askers[i], i, HERE);
    for (int i = 0; i < 12; i++) assert_int_equal(askers[i].turns, i < 10);
    answer(&askers[0], OK);
    assert_int_equal(askers[10].turns, 1);
    assert_int_equal(askers[11].turns, 0);
    answer(&askers[1], ERR_KEY_INVALID); /* nine may still be refused, and nine are under way */
    assert_int_equal(askers[11].turns, 0);
    answer(&askers[2], ERR_UNAVAILABLE);
    assert_int_equal(askers[11].turns, 1);
    for (int i = 3; i < 12; i++) answer(&askers[i], OK);
}

static void one_verdict_is_for_all_who_bring_the_same(void **state)
{
    static struct guess_waiter askers[40];

    (void)state;
    for (int i = 0; i < 40; i++) ask(&askers[i], 7, HERE);
    for (int i = 1; i < 40; i++) assert_int_equal(askers[i].turns, 0);
    answer(&askers[0], OK);
    for (int i = 1; i < 40; i++) answer(&askers[i], OK);

    for (int i = 0; i < 40; i++) ask(&askers[i], 8, HERE);
    answer(&askers[0], ERR_KEY_REVOKED);
    for (int i = 1; i < 40; i++) assert_int_equal(askers[i].e, ERR_KEY_REVOKED);
    assert_int_equal(rates_left(rates, RATE_auth, HERE, clock_mono_us()), 9);
}

static void over_the_rate_the_known_go_and_others_take_turns(void **state)
{
    static struct guess_waiter known, first, second, elsewhere;

    (void)state;
    ask(&known, 1, HERE);
    answer(&known, OK);
    use_up(HERE);
    ask(&first, 2, HERE); /* its turn has come already: there was none in this second */
    int64_t turn_at = clock_ms();
    assert_in_range(guess_end(first.guess, ERR_KEY_INVALID), 1, 6000);
    ask(&second, 3, HERE);
    assert_waits(&second, turn_at);
    for (int i = 0; i < 20; i++) {
        ask(&known, 1, HERE);
        answer(&known, OK);
    }
    ask(&elsewhere, 3, THERE);
    turn_until(&second.turns);
    answer(&second, OK);
    answer(&elsewhere, ERR_UNAVAILABLE);
    ask(&second, 3, HERE);
    answer(&second, OK);
}

static void a_credential_that_is_good_no_more_is_unknown(void **state)
{
    static struct guess_waiter asker;

    (void)state;
    ask(&asker, 1, HERE);
    answer(&asker, OK);
    use_up(HERE);
    ask(&asker, 1, HERE);
    answer(&asker, ERR_KEY_REVOKED);
    ask(&asker, 2, HERE); /* the turn of this second */
    int64_t turn_at = clock_ms();
    answer(&asker, ERR_UNAVAILABLE);
    ask(&asker, 1, HERE);
    assert_waits(&asker, turn_at);
}

static void who_waits_too_long_is_told_when_to_try_again(void **state)
{
    static struct guess_waiter askers[100];

    (void)state;
    use_up(HERE);
    for (int i = 0; i < 100; i++) ask(&askers[i], i, HERE);
    assert_int_equal(askers[0].turns, 1); /* under way, so that no other goes */
    for (int i = 1; i < 65; i++) assert_int_equal(askers[i].turns, 0);
    for (int i = 65; i < 100; i++) assert_int_equal(askers[i].e, ERR_RATE_LIMITED);
    turn_until(&askers[64].turns);
    for (int i = 1; i < 100; i++) {
        assert_int_equal(askers[i].turns, 1);
        assert_int_equal(askers[i].e, ERR_RATE_LIMITED);
        assert_true(askers[i].retry_after_ms >= 1000);
    }
    answer(&askers[0], ERR_UNAVAILABLE);
}

static void the_end_answers_all_who_wait(void **state)
{
    static struct guess_waiter askers[14];

    (void)state;
    for (int i = 0; i < 14; i++) ask(&askers[i], i < 12 ? i : 11, HERE);
    guesses_close(guesses);
    for (int i = 10; i < 14; i++) assert_int_equal(askers[i].e, ERR_SHUTTING_DOWN);
    for (int i = 0; i < 10; i++) answer(&askers[i], ERR_SHUTTING_DOWN);
    ask(&askers[0], 50, HERE);
    assert_int_equal(askers[0].e, ERR_SHUTTING_DOWN);
}

/* Who is answered asks again at once, also for what was not there before. */
static void on_turn_and_again(void *arg, enum err e, int64_t retry_after_ms, struct guess *guess)
{
    struct guess_waiter *asker = arg;
    int again = ++asker->turns;

    (void)retry_after_ms;
    if (guess != NULL) guess_end(guess, ERR_KEY_INVALID);
    if (e == OK && again < 30) {
        unsigned char digest[GUESS_DIGEST_BYTES] = { 2, (unsigned char)again };
        guess_begin(guesses, digest, again % 2 ? HERE : THERE, on_turn_and_again, asker);
    }
}

static void a_turn_may_begin_and_end_others(void **state)
{
    static struct guess_waiter asker;
    unsigned char digest[GUESS_DIGEST_BYTES] = { 2 };

    (void)state;
    guess_begin(guesses, digest, HERE, on_turn_and_again, &asker);
    assert_in_range(asker.turns, 20, 23);
    for (int64_t until = clock_ms() + 500; clock_ms() < until;) ev_run(loop, EVRUN_ONCE);
}

static void without_rates_nobody_waits(void **state)
{
    static struct guess_waiter askers[1000];

    (void)state;
    guesses_destroy(&guesses);
    rates_destroy(&rates);
    rates = rates_create(0);
    guesses = guesses_create(loop, rates, WAIT_MS);
    for (int i = 0; i < 1000; i++) ask(&askers[i], i, HERE);
    for (int i = 0; i < 1000; i++) answer(&askers[i], ERR_KEY_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        T(as_many_go_at_once_as_may_be_refused),
        T(one_verdict_is_for_all_who_bring_the_same),
        T(over_the_rate_the_known_go_and_others_take_turns),
        T(a_credential_that_is_good_no_more_is_unknown),
        T(who_waits_too_long_is_told_when_to_try_again),
        T(the_end_answers_all_who_wait),
        T(a_turn_may_begin_and_end_others),
        T(without_rates_nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

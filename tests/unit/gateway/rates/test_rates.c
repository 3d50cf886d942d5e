/* test_rates.c - rates of two gateways with one Redis, which is real, and at times away. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/cache/redis.h"
#include "libshared/base/metrics.h"
#include "services/gateway/rates/rates_private.h"
#include "tests/lib/heap.h"
#include "tests/unit/cache/redis_server.h"

#define WHO  STR("192.0.2.1")
#define COST 60000000 /* of one of `mails`, 10 in 600 s: none is over while a test waits on a busy machine */

static struct rates *here, *there;
static int64_t began_us; /* the present test */

static int begin(void **state)
{
    (void)state;
    redis_server_start("");
    here = rates_create(100);
    there = rates_create(100);
    rates_share(here, redis_server_loop, redis_server_url);
    rates_share(there, redis_server_loop, redis_server_url);
    began_us = clock_mono_us();
    return 0;
}

static int end(void **state)
{
    (void)state;
    rates_destroy(&here);
    rates_destroy(&there);
    redis_server_stop();
    return 0;
}

static int take(struct rates *rates, int n)
{
    int taken = 0;

    while (n-- > 0) taken += rates_take(rates, RATE_mails, WHO, clock_mono_us()) == 0;
    return taken;
}

static int64_t exchanged(const char *result)
{
    return metric_value(metric_counter("madang_rates_shared_total", result, "Buckets of rates exchanged with Redis"));
}

static int64_t want;

static bool are_answered(void)
{
    return exchanged("result=\"answered\"") >= want;
}

static bool are_failed(void)
{
    return exchanged("result=\"failed\"") >= want;
}

static bool is_sent(void)
{
    return !here->table->is_waiting;
}

/* What they took, so many buckets of it, is exchanged. */
static bool exchange(int64_t n)
{
    want = exchanged("result=\"answered\"") + n;
    return redis_server_until(are_answered);
}

/* What has passed since the test began may be missing, and a millisecond, for Redis counts in them. */
static int64_t passed_us(void)
{
    return clock_mono_us() - began_us + 1000;
}

static void is_ahead(const struct rates *rates, int64_t us)
{
    assert_in_range(rates->table->all_us - clock_mono_us(), us - passed_us(), us);
}

static void what_is_taken_here_counts_there(void **state)
{
    (void)state;
    assert_int_equal(take(here, 20), 10);
    assert_true(exchange(1));
    assert_int_equal(take(there, 1), 1); /* it has not heard yet */
    assert_true(exchange(1));
    is_ahead(there, 11 * COST);
    int64_t wait_ms = rates_take(there, RATE_mails, WHO, clock_mono_us());
    assert_in_range(wait_ms, (2 * COST - passed_us()) / 1000, 2 * COST / 1000);
    assert_int_equal(rates_take(there, RATE_mails, STR("192.0.2.2"), clock_mono_us()), 0);
}

static bool is_welcome_there(void)
{
    return take(there, 1) == 1;
}

static void what_is_given_back_here_is_given_back_there(void **state)
{
    (void)state;
    assert_int_equal(take(here, 10), 10);
    assert_true(exchange(1));
    assert_int_equal(take(there, 1), 1);
    assert_true(exchange(1));
    assert_int_equal(take(there, 1), 0);
    for (int i = 0; i < 10; i++) rates_give_back(here, RATE_mails, WHO);
    assert_true(redis_server_until(is_welcome_there));
    is_ahead(there, 2 * COST);
}

static void what_is_given_back_is_told_before_it_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(take(here, 1), 1);
    assert_true(exchange(1));
    rates_give_back(here, RATE_mails, WHO);
    rates_take(here, RATE_mails, STR("192.0.2.2"), clock_mono_us()); /* for whom an empty one would have to go */
    assert_true(exchange(2));
    assert_int_equal(take(there, 1), 1);
    assert_true(exchange(1));
    is_ahead(there, COST);
}

static void what_is_taken_before_the_answer_is_counted_once(void **state)
{
    (void)state;
    assert_int_equal(take(here, 1), 1);
    assert_true(exchange(1));
    redis_server_freeze();
    assert_int_equal(take(here, 2), 2);
    assert_true(redis_server_until(is_sent));
    assert_int_equal(take(here, 3), 3);
    rates_give_back(here, RATE_mails, WHO);
    for (int64_t end_us = clock_mono_us() + 300000; clock_mono_us() < end_us; ev_sleep(0.02))
        ev_run(redis_server_loop, EVRUN_NOWAIT);
    assert_true(here->table->is_waiting); /* for that answer first */
    kill(redis_server_pid, SIGCONT);
    assert_true(exchange(1));
    is_ahead(here, 5 * COST);
    assert_true(exchange(1));
    is_ahead(here, 5 * COST);
    assert_int_equal(take(there, 1), 1);
    assert_true(exchange(1));
    is_ahead(there, 6 * COST);
}

static void without_redis_the_limit_is_ones_own_and_told_later(void **state)
{
    (void)state;
    assert_int_equal(take(here, 1), 1);
    assert_true(exchange(1));
    redis_server_freeze();
    assert_int_equal(take(here, 4), 4);
    assert_true(redis_server_until(is_sent));
    want = exchanged("result=\"failed\"") + 1;
    redis_server_stop(); /* which has forgotten the first one, and the four are under way */
    assert_true(redis_server_until(are_failed));
    assert_int_equal(take(here, 20), 5);
    assert_int_equal(take(there, 20), 10);
    redis_server_start("");
    assert_true(exchange(2));
    is_ahead(
        here->table->all_us > there->table->all_us ? here : there, 19 * COST); /* who came second has heard of both */
}

static void what_has_run_out_meanwhile_is_not_told(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) rates_take(here, RATE_mails, WHO, clock_mono_us() - 3600 * INT64_C(1000000));
    assert_true(exchange(1));
    is_ahead(here, COST); /* of ten, a tenth of the window */
}

static void only_what_matters_is_told(void **state)
{
    (void)state;
    int64_t now = clock_mono_us();

    for (int i = 0; i < 1000; i++) rates_take(here, RATE_connect, STR("socket"), now);
    assert_false(here->table->is_waiting);
    for (int i = 0; i < 14; i++) rates_take(there, RATE_write, STR("ada"), now);
    assert_false(there->table->is_waiting);
    rates_take(there, RATE_write, STR("ada"), now);
    rates_take(there, RATE_write, STR("ada"), now);
    assert_true(there->table->is_waiting);
}

static void of_ipv6_a_network_is_one_sender(void **state)
{
    struct rates *rates = rates_create(100);
    char who[50];

    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(who, sizeof who, "2001:db8:0:7:%x::%x", i, i);
        assert_int_equal(rates_take(rates, RATE_auth, str_of(who), 1), 0);
    }
    assert_true(rates_take(rates, RATE_auth, STR("2001:db8:0:7::1"), 1) > 0);
    assert_int_equal(rates_take(rates, RATE_auth, STR("2001:db8:0:8::1"), 1), 0);
    assert_int_equal(rates_take(rates, RATE_auth, STR("192.0.2.1"), 1), 0);
    for (int i = 0; i < 300; i++) rates_take(rates, RATE_write, STR("a::1"), 1);
    assert_int_equal(rates_take(rates, RATE_write, STR("a::2"), 1), 0); /* subjects, whatever they look like */
    rates_destroy(&rates);
}

static void more_than_a_batch_goes_in_several(void **state)
{
    (void)state;
    char who[16];

    for (int i = 0; i < 2500; i++) {
        snprintf(who, sizeof who, "%d", i);
        rates_take(here, RATE_mails, str_of(who), clock_mono_us());
    }
    assert_true(exchange(2500));
}

/* For others there has to be room: while it waits, and while it is under way. */
static void a_bucket_may_be_forgotten_at_any_time(void **state)
{
    (void)state;
    int64_t long_ago = clock_mono_us() - 3600 * INT64_C(1000000);

    rates_take(here, RATE_mails, STR("waits"), long_ago);
    rates_take(here, RATE_mails, STR("new"), clock_mono_us());
    assert_int_equal(HASH_COUNT(here->table), 1);
    assert_true(exchange(1));

    redis_server_freeze();
    rates_take(there, RATE_mails, STR("under way"), long_ago);
    rates_take(here, RATE_mails, STR("new"), clock_mono_us());
    assert_true(redis_server_until(is_sent));
    rates_take(there, RATE_mails, STR("new"), clock_mono_us());
    assert_int_equal(HASH_COUNT(there->table), 1);
    want = exchanged("result=\"failed\"") + 2;
    redis_server_stop();
    assert_true(redis_server_until(are_failed));
    rates_destroy(&here); /* as well */
}

static struct redis *other;
static const struct str *words;
static bool is_told;

static void on_told(void *arg, const struct redisReply *reply)
{
    (void)arg;
    is_told = reply != NULL;
}

static bool tell(void)
{
    if (!is_told) redis_command(other, on_told, NULL, words, 3);
    return is_told;
}

/* Redis, by somebody else. */
static bool is_done(const struct str *command)
{
    other = redis_create(redis_server_loop, redis_server_url);
    words = command;
    is_told = false;
    bool done = redis_server_until(tell);
    redis_destroy(&other);
    return done;
}

static bool are_others_forgotten(void)
{
    assert_int_equal(take(here, 1), 0);
    return here->table->all_us < here->table->here_us;
}

static void what_redis_loses_still_counts_where_it_was_taken(void **state)
{
    (void)state;
    assert_int_equal(take(here, 10), 10);
    assert_true(exchange(1));
    assert_true(is_done((struct str[]){ STR("DEL"), STR("madang:rate:mails:192.0.2.1"), STR("x") }));
    assert_true(redis_server_until(are_others_forgotten));
    assert_int_equal(take(here, 1), 0);
    assert_int_equal(take(there, 20), 10);
}

static void a_redis_that_refuses_is_none(void **state)
{
    (void)state;
    assert_true(is_done((struct str[]){ STR("RPUSH"), STR("madang:rate:mails:192.0.2.1"), STR("no number") }));
    for (int i = 0; i < 2; i++) {
        want = exchanged("result=\"failed\"") + 1;
        assert_int_equal(take(here, 5), 5);
        assert_true(redis_server_until(are_failed));
    }
    assert_int_equal(take(here, 1), 0);
    assert_int_equal(rates_take(here, RATE_mails, STR("192.0.2.2"), clock_mono_us()), 0);
    assert_true(exchange(1));
}

/* Redis' Lua reads it as a number: who is refused and asks again is told a distance that is none. */
static void what_redis_says_loosens_nothing(void **state)
{
    (void)state;
    assert_int_equal(take(here, 10), 10);
    assert_true(exchange(1));
    assert_true(is_done((struct str[]){ STR("SET"), STR("madang:rate:mails:192.0.2.1"), STR("nan") }));
    want = exchanged("result=\"failed\"") + 1;
    assert_int_equal(take(here, 1), 0);
    assert_true(redis_server_until(are_failed));
    is_ahead(here, 10 * COST);
}

static void what_belongs_to_one_connection_is_not_told(void **state)
{
    (void)state;
    int taken = 0;

    while (rates_take(here, RATE_connect, STR("AAAAbbbb"), clock_mono_us()) == 0) taken++;
    assert_in_range(taken, 100, 120);
    assert_int_equal(rates_take(here, RATE_connect, STR("AAAAcccc"), clock_mono_us()), 0);
    assert_null(here->waiting);
}

static bool is_a_day_full_there(void)
{
    return rates_left(there, RATE_day_bytes, STR("ada"), clock_mono_us()) < 100000000;
}

static struct rate_payer payer_of(const char *subject, const char *key, int64_t bytes, int64_t items)
{
    return (struct rate_payer){
        .who = { [BY_SUBJECT] = str_of(subject), [BY_KEY] = str_of(key), [BY_ADDRESS] = WHO },
        .amount = { [UNIT_CALLS] = 1, [UNIT_BYTES] = bytes, [UNIT_ITEMS] = items },
    };
}

static void a_class_takes_from_all_its_rates_or_from_none(void **state)
{
    struct rates *rates = rates_create(100);
    struct rate_payer ada = payer_of("ada", "k1", 100, 0), many = payer_of("ada", "k1", 100, 990);
    struct rate_state said;

    (void)state;
    assert_true(rates_charge(rates, CLASS_room, &many, 1, &said));
    assert_string_equal(said.name, "new_members"); /* of which the smallest part is left */
    assert_int_equal(said.limit, 1000);
    assert_in_range(said.left, 9, 10);
    assert_false(rates_charge(rates, CLASS_room, &many, 1, &said));
    assert_string_equal(said.name, "new_members");
    assert_in_range(said.retry_after_ms, 58000, 60000);
    for (int i = 0; i < 58; i++)
        assert_true(rates_charge(rates, CLASS_room, &ada, 1, &said)); /* the refused one took nothing */
    int taken = 0;
    while (rates_charge(rates, CLASS_room, &ada, 1, &said)) taken++;
    assert_int_equal(taken, 1);
    assert_string_equal(said.name, "new_rooms");
    struct rate_payer bo = payer_of("bo", "k1", 100, 0);
    assert_true(rates_charge(rates, CLASS_room, &bo, 1, &said));
    rates_destroy(&rates);
}

static void what_is_done_already_counts_over_the_rate_up_to_two_windows(void **state)
{
    struct rates *rates = rates_create(100);
    struct rate_payer page = payer_of("ada", "k1", 0, 5000), bo = payer_of("bo", "k1", 0, 5000);
    struct rate_state said;

    (void)state;
    page.amount[UNIT_CALLS] = 0;
    for (int i = 0; i < 4; i++) assert_true(rates_charge_done(rates, CLASS_catch_up, &page, 1, &said));
    for (int i = 0; i < 20; i++) assert_false(rates_charge_done(rates, CLASS_catch_up, &page, 1, &said));
    assert_string_equal(said.name, "read_rows");
    assert_int_equal(rates_left(rates, RATE_read_rows, STR("ada"), 1), 0);
    assert_int_equal(rates_left(rates, RATE_read_rows, STR("ada"), 9999999), 0); /* a window later */
    assert_in_range(rates_wait_ms(rates, RATE_read_rows, STR("ada"), 1), 9999, 10002);
    assert_false(rates_charge(rates, CLASS_history, &page, 1, &said));
    assert_true(rates_charge(rates, CLASS_history, &page, 20000001, &said)); /* two windows later */
    assert_true(rates_charge(rates, CLASS_history, &bo, 1, &said));
    rates_destroy(&rates);
}

static void bytes_are_counted_and_one_that_is_too_large_needs_an_empty_bucket(void **state)
{
    struct rates *rates = rates_create(100);
    struct rate_payer half = payer_of("ada", "k1", 5000000, 0), large = payer_of("bo", "k1", 50000000, 0);
    struct rate_state said;

    (void)state;
    assert_true(rates_charge(rates, CLASS_message, &half, 1, &said));
    assert_true(rates_charge(rates, CLASS_message, &half, 1, &said));
    assert_false(rates_charge(rates, CLASS_message, &half, 1, &said));
    assert_string_equal(said.name, "write_bytes");
    assert_in_range(said.retry_after_ms, 29000, 30001);
    int64_t later = said.retry_after_ms * 1000 + 1;
    assert_true(rates_charge(rates, CLASS_message, &half, later, &said));
    assert_true(rates_charge(rates, CLASS_message, &large, later, &said));
    assert_false(rates_charge(rates, CLASS_message, &large, later, &said));
    rates_destroy(&rates);
}

static void all_tokens_of_a_key_have_one_rate(void **state)
{
    struct rates *rates = rates_create(1); /* 1,000 in 10 s */
    struct rate_state said;
    char subject[24];
    int taken = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        snprintf(subject, sizeof subject, "user-%d", i);
        struct rate_payer one = payer_of(subject, "k1", 10, 0), elsewhere = payer_of(subject, "k2", 10, 0);
        taken += rates_charge(rates, CLASS_message, &one, 1, &said);
        if (i < 1000) assert_true(rates_charge(rates, CLASS_message, &elsewhere, 1, &said));
    }
    assert_int_equal(taken, 1000);
    assert_string_equal(said.name, "key_write");
    rates_destroy(&rates);
}

static void a_day_is_shared_as_a_second_is(void **state)
{
    struct rate_payer ada = payer_of("ada", "k1", 9000000, 0);
    struct rate_state said;

    (void)state;
    int64_t now = clock_mono_us();
    for (int i = 0; i < 50; i++) assert_true(rates_charge(here, CLASS_message, &ada, now += 60000000, &said));
    want = exchanged("result=\"answered\"") + 1;
    assert_true(redis_server_until(are_answered));
    ev_sleep(0.3);
    ada.amount[UNIT_BYTES] = 1;
    assert_true(rates_charge(there, CLASS_message, &ada, clock_mono_us(), &said));
    rates_take(there, RATE_day_bytes, STR("ada"), clock_mono_us());
    rates_give_back(there, RATE_day_bytes, STR("ada")); /* which asks */
    assert_true(redis_server_until(is_a_day_full_there));
}

/* docs/security.md has the number of MiB.  All senders matter still, and have names as long as may be. */
static void all_senders_that_are_remembered_take_what_the_table_of_memory_says(void **state)
{
    char who[RATES_WHO_MAX + 1];
    size_t before = heap_bytes();
    struct rates *rates = rates_create(100);

    (void)state;
    for (int i = 0; i < 220000; i++) {
        snprintf(who, sizeof who, "%0*d", RATES_WHO_MAX, i);
        assert_int_equal(rates_take(rates, RATE_write, str_of(who), 1), 0);
    }
    size_t taken = heap_bytes() - before;
    printf("# %zu KiB\n", taken >> 10);
    assert_in_range(taken, 0, (size_t)52 << 20);
    assert_int_equal(HASH_COUNT(rates->table), 200000);
    rates_destroy(&rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        T(of_ipv6_a_network_is_one_sender),
        T(what_is_taken_here_counts_there),
        T(what_is_given_back_here_is_given_back_there),
        T(what_is_given_back_is_told_before_it_is_forgotten),
        T(what_is_taken_before_the_answer_is_counted_once),
        T(without_redis_the_limit_is_ones_own_and_told_later),
        T(what_has_run_out_meanwhile_is_not_told),
        T(only_what_matters_is_told),
        T(more_than_a_batch_goes_in_several),
        T(a_bucket_may_be_forgotten_at_any_time),
        T(what_redis_loses_still_counts_where_it_was_taken),
        T(a_redis_that_refuses_is_none),
        T(what_redis_says_loosens_nothing),
        T(what_belongs_to_one_connection_is_not_told),
        T(a_class_takes_from_all_its_rates_or_from_none),
        T(what_is_done_already_counts_over_the_rate_up_to_two_windows),
        T(bytes_are_counted_and_one_that_is_too_large_needs_an_empty_bucket),
        T(all_tokens_of_a_key_have_one_rate),
        T(a_day_is_shared_as_a_second_is),
        T(all_senders_that_are_remembered_take_what_the_table_of_memory_says),
    };
    return cmocka_run_group_tests(tests, redis_server_begin, redis_server_end);
}

/* test_limits.c - which change of a rate or quota holds for whom. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rates/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "services/gateway/rates/rates.h"

static struct limits *limits;

static int begin(void **state)
{
    static const struct limit_state list[] = {
        { .name = { "rooms", 5 }, .limit = 7, .is_set = true },
        { .name = { "rooms", 5 }, .key = { "k1", 2 }, .limit = 8, .is_set = true },
        { .name = { "rooms", 5 }, .subject = { "ada", 3 }, .limit = 9, .is_set = true },
        { .name = { "write", 5 }, .subject = { "k1", 2 }, .limit = 0, .is_set = true },
        { .name = { "members", 7 }, .key = { "k2", 2 }, .limit = 5, .is_set = true },
    };

    (void)state;
    limits = limits_create();
    for (size_t i = 0; i < COUNT(list); i++) limits_set(limits, &list[i]);
    return 0;
}

static int end(void **state)
{
    (void)state;
    limits_destroy(&limits);
    return 0;
}

static void a_subject_comes_before_its_key_and_that_before_all(void **state)
{
    (void)state;
    assert_int_equal(limits_find(limits, "rooms", STR("ada"), STR("k1")), 9);
    assert_int_equal(limits_find(limits, "rooms", STR("bo"), STR("k1")), 8);
    assert_int_equal(limits_find(limits, "rooms", STR("bo"), STR("k9")), 7);
    assert_int_equal(limits_find(limits, "rooms", STR_NONE, STR_NONE), 7);
    assert_int_equal(limits_find(limits, "write", STR("ada"), STR("k1")), -1); /* a subject of that name, no key */
    assert_int_equal(limits_find(limits, "write", STR("k1"), STR("ada")), 0);
    assert_int_equal(limits_find(limits, "members", STR("k2"), STR_NONE), -1);
    assert_int_equal(limits_find(NULL, "rooms", STR("ada"), STR("k1")), -1);
}

static void a_principal_gets_the_quotas_among_them(void **state)
{
    struct quota_limit_list quotas = limits_quotas(limits, STR("bo"), STR("k2"));

    (void)state;
    assert_int_equal(quotas.len, 2);
    assert_true(str_is(quotas.at[0].quota, "rooms"));
    assert_int_equal(quotas.at[0].limit, 7);
    assert_true(str_is(quotas.at[1].quota, "members"));
    assert_int_equal(quotas.at[1].limit, 5);
    assert_int_equal(limits_quotas(NULL, STR("bo"), STR("k2")).len, 0);
}

static void the_longest_name_is_its_own(void **state)
{
    char name[2][513];
    struct limit_state limit = { .name = { "rooms", 5 }, .limit = 3, .is_set = true };

    (void)state;
    for (int i = 0; i < 2; i++) {
        memset(name[i], 'x', 512);
        name[i][511] = (char)('a' + i);
        name[i][512] = '\0';
    }
    limit.subject = str_of(name[0]);
    struct limits *one = limits_create();
    limits_set(one, &limit);
    assert_int_equal(limits_find(one, "rooms", str_of(name[0]), STR_NONE), 3);
    assert_int_equal(limits_find(one, "rooms", str_of(name[1]), STR_NONE), -1);
    limits_destroy(&one);
}

static void one_that_is_set_again_is_as_the_last_time_and_unset_its_row_holds(void **state)
{
    struct limit_state limit = { .name = STR("rooms"), .subject = STR("ada"), .limit = 4, .is_set = true };

    (void)state;
    limits_set(limits, &limit);
    assert_int_equal(limits_find(limits, "rooms", STR("ada"), STR("k1")), 4);
    limit.is_set = false;
    limits_set(limits, &limit);
    limits_set(limits, &limit);
    assert_int_equal(limits_find(limits, "rooms", STR("ada"), STR("k1")), 8);
}

static void a_rate_that_is_none_at_all_refuses_everything(void **state)
{
    struct rates *rates = rates_create(100);
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1 } };
    struct rate_state said;

    (void)state;
    payer.who[BY_SUBJECT] = STR("k1");
    assert_true(rates_charge(rates, CLASS_message, &payer, 1, &said));
    rates_change(rates, limits);
    assert_false(rates_charge(rates, CLASS_message, &payer, 1, &said));
    assert_string_equal(said.name, "write");
    assert_int_equal(said.limit, 0);
    assert_true(said.retry_after_ms > 9000);
    rates_change(rates, NULL);
    assert_true(rates_charge(rates, CLASS_message, &payer, 1, &said));
    rates_destroy(&rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        T(a_subject_comes_before_its_key_and_that_before_all),
        T(a_principal_gets_the_quotas_among_them),
        T(the_longest_name_is_its_own),
        T(one_that_is_set_again_is_as_the_last_time_and_unset_its_row_holds),
        T(a_rate_that_is_none_at_all_refuses_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

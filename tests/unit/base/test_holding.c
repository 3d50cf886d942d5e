/* test_holding.c - bytes are counted for whom they are held, and whoever holds most goes first. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libshared/base/holding.h"
#include "libshared/base/network.h"

#define K         100
#define ALL       (8000 * K)
#define STRANGERS (4000 * K)
#define ADDRESS   (1600 * K)
#define SUBJECT   (2400 * K)
#define EACH      (800 * K)
#define SOME      (HOLDING_SMALL + 1) /* the least that a full holder refuses */

#define MANY 64
static struct holding holdings[MANY];
static struct holding *gone[MANY];
static size_t n_gone;

static void evict(struct holding *holding)
{
    gone[n_gone++] = holding;
    holding_give(holding, holding->held); /* now; the rest later */
}

static struct in6_addr address(const char *text)
{
    struct in6_addr out;

    assert_true(address_parse(str_of(text), &out));
    return out;
}

static struct holding *open_from(int i, const char *text, size_t base)
{
    struct in6_addr from = address(text);

    assert_true(holdings_have_room(base));
    holding_open(&holdings[i], &from, base, evict);
    return &holdings[i];
}

static int begin(void **state)
{
    (void)state;
    holdings_bound(&(struct holding_bounds){ ALL, STRANGERS, ADDRESS, SUBJECT, EACH });
    n_gone = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++) {
        if (!holding_is_open(&holdings[i])) continue;
        holding_give(&holdings[i], holdings[i].held);
        holding_unshare(&holdings[i], holdings[i].shared);
        holding_close(&holdings[i]);
    }
    assert_int_equal(holdings_totals().all, 0);
    assert_int_equal(holdings_totals().strangers, 0);
    return 0;
}

static void each_bound_refuses_with_its_own_code_and_takes_nothing(void **state)
{
    struct holding *a = open_from(0, "192.0.2.1", 0), *b = open_from(1, "192.0.2.1", 0),
                   *c = open_from(2, "192.0.2.1", 0);

    (void)state;
    assert_int_equal(holding_take(a, EACH + 1), ERR_TOO_LARGE);
    assert_int_equal(holding_take(a, EACH), OK);
    assert_int_equal(holding_take(a, 1), ERR_TOO_LARGE);
    assert_int_equal(holding_take(b, EACH), OK);
    assert_int_equal(holding_take(c, SOME), ERR_RATE_LIMITED); /* its address has two times EACH */
    assert_int_equal(holding_take(open_from(3, "192.0.2.2", 0), EACH), OK);
    assert_int_equal(holding_take(open_from(4, "192.0.2.2", 0), EACH), OK);
    assert_int_equal(holding_take(open_from(5, "192.0.2.3", 0), EACH), OK);
    assert_int_equal(
        holding_take(open_from(6, "192.0.2.4", 0), SOME), ERR_OVERLOADED); /* all strangers have five times */
    assert_int_equal(holdings_totals().all, 5 * EACH);
    assert_false(holdings_have_room(1));
    assert_int_equal(holding_take(&holdings[6], HOLDING_SMALL), OK);
    assert_int_equal(holding_take(&holdings[6], 1), ERR_OVERLOADED);
}

static void what_strangers_may_not_have_is_left_for_who_said_who_he_is(void **state)
{
    char text[] = "192.0.2.1";

    (void)state;
    for (int i = 0; i < 5; i++) {
        text[8] = (char)('1' + i);
        assert_int_equal(holding_take(open_from(i, text, 0), EACH), OK);
    }
    struct holding *known = open_from(10, "198.51.100.1", 0);
    assert_int_equal(holding_take(known, SOME), ERR_OVERLOADED);
    assert_int_equal(holding_belongs(known, STR("ada")), OK);
    assert_false(holding_is_strangers(known));
    assert_int_equal(holding_take(known, EACH), OK);
}

static void a_subject_has_a_bound_over_all_its_connections(void **state)
{
    char text[] = "192.0.2.1";

    (void)state;
    for (int i = 0; i < 4; i++) {
        text[8] = (char)('1' + i);
        struct holding *h = open_from(i, text, 0);
        assert_int_equal(holding_belongs(h, STR("ada")), OK);
        assert_int_equal(holding_take(h, EACH), i < 3 ? OK : ERR_RATE_LIMITED);
    }
    struct holding *other = open_from(5, "192.0.2.9", 0);
    assert_int_equal(holding_take(other, 10 * K), OK);
    assert_int_equal(holding_belongs(other, STR("ada")), ERR_RATE_LIMITED);
    assert_true(holding_is_strangers(other));
    assert_int_equal(holdings_totals().strangers, 10 * K);
}

static void a_prefix_of_64_bits_is_one_address(void **state)
{
    (void)state;
    assert_int_equal(holding_take(open_from(0, "2001:db8::1", 0), EACH), OK);
    assert_int_equal(holding_take(open_from(1, "2001:db8::2", 0), EACH), OK);
    assert_int_equal(holding_take(open_from(2, "2001:db8::3:4:5:6", 0), SOME), ERR_RATE_LIMITED);
    assert_int_equal(holding_take(open_from(3, "2001:db8:0:1::1", 0), SOME), OK);
}

static void what_is_shared_counts_for_each_and_once_for_all(void **state)
{
    struct holding *a = open_from(0, "192.0.2.1", 0), *b = open_from(1, "192.0.2.2", 0);

    (void)state;
    holdings_add(500 * K);
    assert_int_equal(holding_share(a, 500 * K), OK);
    assert_int_equal(holding_share(b, 500 * K), OK);
    assert_int_equal(holdings_totals().all, 500 * K);
    assert_int_equal(holdings_totals().strangers, 1000 * K);
    assert_int_equal(holding_share(a, EACH - 499 * K), ERR_TOO_LARGE);
    holding_unshare(a, 500 * K);
    holding_unshare(b, 500 * K);
    holdings_remove(500 * K);
}

static void a_base_counts_for_the_process_and_not_for_the_address(void **state)
{
    (void)state;
    open_from(0, "192.0.2.1", 1500 * K);
    struct holding *h = open_from(1, "192.0.2.1", 1500 * K);
    assert_int_equal(holding_take(h, EACH), OK); /* ADDRESS is 1,600 K */
    assert_int_equal(holdings_totals().all, 3000 * K + EACH);
}

static void the_biggest_of_a_full_address_goes_and_nobody_elsewhere(void **state)
{
    struct holding *small = open_from(0, "192.0.2.1", 0), *big = open_from(1, "192.0.2.1", 0),
                   *other = open_from(2, "192.0.2.2", 0);

    (void)state;
    assert_int_equal(holding_take(other, EACH), OK);
    assert_int_equal(holding_take(big, EACH), OK);
    assert_int_equal(holding_take(small, 599 * K), OK);
    holdings_relieve();
    assert_int_equal(n_gone, 0); /* 1,399 K are less than seven eighths of 1,600 K */
    assert_int_equal(holding_take(small, 2 * K), OK);
    holdings_relieve();
    assert_int_equal(n_gone, 1);
    assert_ptr_equal(gone[0], big);
    holdings_relieve();
    assert_int_equal(n_gone, 1);
}

static void of_a_full_process_the_biggest_holder_gives_way_first(void **state)
{
    char text[] = "192.0.2.1";

    (void)state;
    for (int i = 0; i < 9; i++) { /* three subjects with 2,400, 2,400 and 1,800 */
        text[8] = (char)('1' + i);
        struct holding *h = open_from(i, text, 0);
        assert_int_equal(holding_belongs(h, i < 3 ? STR("ada") : i < 6 ? STR("bob") : STR("eve")), OK);
        assert_int_equal(holding_take(h, i < 3 ? 650 * K : i < 6 ? 600 * K : 500 * K), OK);
    }
    struct holding *stranger = open_from(20, "198.51.100.1", 0), *second = open_from(21, "198.51.100.1", 0);
    assert_int_equal(holding_take(stranger, EACH), OK);
    assert_int_equal(holding_take(second, 599 * K), OK);
    holdings_relieve();
    assert_int_equal(n_gone, 0);
    assert_int_equal(holdings_totals().all, 6649 * K);
    struct holding *third = open_from(22, "198.51.100.2", 0);
    assert_int_equal(holding_take(third, 400 * K), OK);
    holdings_relieve();
    assert_int_equal(n_gone, 2); /* 7,049 are over 7,000: down to 6,000 */
    for (size_t i = 0; i < n_gone; i++) assert_in_range(gone[i] - holdings, 0, 2);
}

static void who_was_told_to_go_counts_as_gone(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct holding *h = open_from(i, "192.0.2.1", 200 * K); /* 4,000 of base: nothing that evict() gives back */
        (void)h;
    }
    holdings_relieve();
    assert_int_equal(n_gone, 5); /* down to 3,000 */
    holdings_relieve();
    assert_int_equal(n_gone, 5);
}

static void another_client_of_a_proxy_takes_the_bytes_over(void **state)
{
    struct in6_addr next = address("192.0.2.7");
    struct holding *h = open_from(0, "192.0.2.1", 0);

    (void)state;
    assert_int_equal(holding_take(h, EACH), OK);
    holding_from(h, &next);
    assert_int_equal(holding_take(open_from(1, "192.0.2.1", 0), EACH), OK);
    assert_int_equal(holding_take(open_from(2, "192.0.2.1", 0), EACH), OK);
    assert_int_equal(holding_take(open_from(3, "192.0.2.7", 0), EACH), OK);
    assert_int_equal(holding_take(open_from(4, "192.0.2.7", 0), SOME), ERR_RATE_LIMITED);
    holding_from(h, NULL);
    assert_int_equal(holding_take(&holdings[4], SOME), OK);
}

static void a_buffer_is_followed_up_and_down(void **state)
{
    struct holding *h = open_from(0, "192.0.2.1", 0);
    size_t counted = 0;

    (void)state;
    assert_int_equal(holding_set(h, &counted, 300 * K), OK);
    assert_int_equal(holding_set(h, &counted, EACH + 1), ERR_TOO_LARGE);
    assert_int_equal(counted, 300 * K);
    assert_int_equal(holding_set(h, &counted, 100 * K), OK);
    assert_int_equal(holdings_totals().all, 100 * K);
    assert_int_equal(holdings_totals().peak >= 300 * K, 1);
    holdings_forget_peak();
    assert_int_equal(holdings_totals().peak, 100 * K);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_bound_refuses_with_its_own_code_and_takes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_strangers_may_not_have_is_left_for_who_said_who_he_is, begin, end),
        cmocka_unit_test_setup_teardown(a_subject_has_a_bound_over_all_its_connections, begin, end),
        cmocka_unit_test_setup_teardown(a_prefix_of_64_bits_is_one_address, begin, end),
        cmocka_unit_test_setup_teardown(what_is_shared_counts_for_each_and_once_for_all, begin, end),
        cmocka_unit_test_setup_teardown(a_base_counts_for_the_process_and_not_for_the_address, begin, end),
        cmocka_unit_test_setup_teardown(the_biggest_of_a_full_address_goes_and_nobody_elsewhere, begin, end),
        cmocka_unit_test_setup_teardown(of_a_full_process_the_biggest_holder_gives_way_first, begin, end),
        cmocka_unit_test_setup_teardown(who_was_told_to_go_counts_as_gone, begin, end),
        cmocka_unit_test_setup_teardown(another_client_of_a_proxy_takes_the_bytes_over, begin, end),
        cmocka_unit_test_setup_teardown(a_buffer_is_followed_up_and_down, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

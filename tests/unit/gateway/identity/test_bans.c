/* test_bans.c - who is banned, by subject, key and network. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "libshared/base/clock.h"
#include "libshared/base/network.h"
#include "services/gateway/identity/bans.h"

static struct bans *bans;

static int begin(void **state)
{
    (void)state;
    bans = bans_create();
    return 0;
}

static int end(void **state)
{
    (void)state;
    bans_destroy(&bans);
    return 0;
}

static bool is_banned(const char *address)
{
    return bans_have(bans, STR_NONE, STR_NONE, str_of(address));
}

static void a_network_is_banned_and_nothing_beside_it(void **state)
{
    (void)state;
    static const struct {
        const char *network, *in, *beside;
    } cases[] = { { "192.0.2.0/24", "192.0.2.255", "192.0.3.0" }, { "10.0.0.0/9", "10.127.0.1", "10.128.0.1" },
        { "198.51.100.7", "198.51.100.7", "198.51.100.6" }, { "2001:db8:4::/47", "2001:db8:5::1", "2001:db8:6::1" },
        { "2001:dba::/61", "2001:dba:0:7::1", "2001:dba:0:8::1" }, { "::/16", "::1", "127.0.0.1" } };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct trust_ban ban = { .network = str_of(cases[i].network) };
        bans_set(bans, &ban);
        if (!is_banned(cases[i].in) || is_banned(cases[i].beside)) fail_msg("%s", cases[i].network);
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct trust_ban ban = { .network = str_of(cases[i].network), .lifted = true };
        bans_set(bans, &ban);
        assert_false(is_banned(cases[i].in));
    }
}

static void subjects_and_keys_are_not_each_other(void **state)
{
    (void)state;
    bans_set(bans, &(struct trust_ban){ .subject = STR("ada") });
    bans_set(bans, &(struct trust_ban){ .key = STR("bob") });
    assert_true(bans_have(bans, STR("ada"), STR("x"), STR_NONE));
    assert_true(bans_have(bans, STR("x"), STR("bob"), STR_NONE));
    assert_false(bans_have(bans, STR("bob"), STR("ada"), STR_NONE));
    assert_false(bans_have(bans, STR("ad"), STR_NONE, STR("192.0.2.1")));
    bans_set(bans, &(struct trust_ban){ .subject = STR("ada"), .lifted = true });
    assert_false(bans_have(bans, STR("ada"), STR("x"), STR_NONE));
}

static void a_ban_ends_by_itself_and_may_be_made_longer(void **state)
{
    (void)state;
    bans_set(bans, &(struct trust_ban){ .network = STR("192.0.2.1"), .until = clock_ms() - 1 });
    assert_false(is_banned("192.0.2.1"));
    bool was_banned = false;
    for (int64_t ms = 20; !was_banned; ms *= 2) { /* as long as it takes to ask */
        bans_set(bans, &(struct trust_ban){ .network = STR("192.0.2.1"), .until = clock_ms() + ms });
        was_banned = is_banned("192.0.2.1");
    }
    while (is_banned("192.0.2.1"))
        ;
    bans_set(bans, &(struct trust_ban){ .network = STR("192.0.2.1"), .until = clock_ms() + 1 });
    bans_set(bans, &(struct trust_ban){ .network = STR("192.0.2.1") });
    for (int64_t until = clock_ms() + 5; clock_ms() < until;) assert_true(is_banned("192.0.2.1"));
}

static void where_nothing_is_known_nobody_is_banned(void **state)
{
    (void)state;
    struct in6_addr address;

    assert_true(address_parse(STR("192.0.2.1"), &address));
    assert_false(bans_have_address(NULL, &address));
    assert_false(bans_have(NULL, STR("ada"), STR("k"), STR("192.0.2.1")));
    bans_set(bans, &(struct trust_ban){ .network = STR("nonsense") });
    assert_false(is_banned("nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_network_is_banned_and_nothing_beside_it, begin, end),
        cmocka_unit_test_setup_teardown(subjects_and_keys_are_not_each_other, begin, end),
        cmocka_unit_test_setup_teardown(a_ban_ends_by_itself_and_may_be_made_longer, begin, end),
        cmocka_unit_test_setup_teardown(where_nothing_is_known_nobody_is_banned, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

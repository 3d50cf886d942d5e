/* test_network.c - which address is in which network. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "libshared/base/err.h"
#include "libshared/base/network.h"

static const struct {
    const char *cidr, *address;
    bool holds;
} cases[] = {
    { "10.0.0.0/8", "10.255.0.1", true },
    { "10.0.0.0/8", "11.0.0.1", false },
    { "192.0.2.7", "192.0.2.7", true },
    { "192.0.2.7", "192.0.2.8", false },
    { "192.0.2.128/25", "192.0.2.200", true },
    { "192.0.2.128/25", "192.0.2.1", false },
    { "0.0.0.0/0", "203.0.113.9", true },
    { "0.0.0.0/0", "2001:db8::1", false },
    { "10.0.0.0/8", "::ffff:10.1.2.3", true },
    { "::/0", "10.1.2.3", false },
    { "2001:db8::/32", "2001:db8:1::9", true },
    { "2001:db8::/32", "2001:db9::", false },
    { "10.0.0.0/8", "", false },
    { "10.0.0.0/8", "nonsense", false },
    { "10.0.0.0/8", "10.0.0.1 ", false },
};

static void addresses_are_where_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (network_holds(str_of(cases[i].cidr), str_of(cases[i].address)) != cases[i].holds)
            fail_msg("%s in %s", cases[i].address, cases[i].cidr);
}

static void a_block_has_one_name(void **state)
{
    (void)state;
    static const struct {
        const char *address, *block;
    } blocks[] = { { "192.0.2.7", "192.0.2.7" }, { "2001:db8:0:1:2:3:4:5", "2001:db8:0:1::" },
        { "2001:DB8:0:1::", "2001:db8:0:1::" }, { "::1", "::" }, { "", "" }, { "nonsense:", "nonsense:" } };

    for (size_t i = 0; i < COUNT(blocks); i++) {
        char text[INET6_ADDRSTRLEN];
        if (!str_is(address_block_name(str_of(blocks[i].address), text), blocks[i].block))
            fail_msg("%s", blocks[i].address);
    }
}

static void a_network_around_an_address_has_one_name(void **state)
{
    (void)state;
    static const struct {
        const char *address, *network;
    } networks[] = { { "192.0.2.7", "192.0.2.0/24" }, { "::ffff:192.0.2.7", "192.0.2.0/24" },
        { "2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64" }, { "::1", "::/64" }, { "", "" }, { "nonsense:", "nonsense:" } };

    for (size_t i = 0; i < COUNT(networks); i++) {
        char text[ADDRESS_NETWORK_CHARS + 1];
        if (!str_is(address_network_name(str_of(networks[i].address), text), networks[i].network))
            fail_msg("%s", networks[i].address);
    }
}

static void only_networks_are_networks(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "x", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8",
        "::/129", "2001:db8::1/32", "10.0.0.0/8/8", "[::]/0" };

    for (size_t i = 0; i < COUNT(bad); i++)
        if (network_is_valid(str_of(bad[i]))) fail_msg("%s was taken", bad[i]);
    assert_false(network_is_valid(STR("10.0.0.0\0/8")));
    assert_true(network_is_valid(STR("::1")));
}

static void a_list_is_taken_whole_or_not(void **state)
{
    static const char *const bad[][2] = { { "10.0.0.1/8", "10.0.0.1/8" }, { "10.0.0.0/24,x ,::1", "x" },
        { "10.0.0.0/24;::1", "10.0.0.0/24;::1" }, { "10.0.0.0/24 ::1", "10.0.0.0/24 ::1" } };
    struct network_list list;
    struct in6_addr address;
    struct str word;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(network_list_parse(str_of(bad[i][0]), &list, &word));
        if (!str_is(word, bad[i][1])) fail_msg("%s: %.*s", bad[i][0], STR_ARG(word));
    }
    assert_true(network_list_parse(STR(" 10.0.0.0/24,, ::1 ,"), &list, &word));
    assert_int_equal(list.n, 2);
    assert_true(address_parse(STR("10.0.0.9"), &address) && network_list_has(&list, &address));
    assert_true(address_parse(STR("::1"), &address) && network_list_has(&list, &address));
    assert_true(address_parse(STR("::2"), &address) && !network_list_has(&list, &address));
    assert_true(network_list_parse(STR(""), &list, &word) && list.n == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_where_the_table_says),
        cmocka_unit_test(a_block_has_one_name),
        cmocka_unit_test(a_network_around_an_address_has_one_name),
        cmocka_unit_test(only_networks_are_networks),
        cmocka_unit_test(a_list_is_taken_whole_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

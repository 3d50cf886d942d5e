/* test_public_address.c - what is not of the public Internet is told apart, in every way to write it. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libshared/base/network.h"
#include "libshared/fetch/public_address.h"
#include "tests/unit/fetch/inner_addresses.h"

static bool is_public(const char *text)
{
    struct in6_addr address;

    assert_true(address_parse(str_of(text), &address));
    return address_is_public(&address);
}

static void an_inside_is_not_public(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof INSIDE / sizeof *INSIDE; i++)
        if (is_public(INSIDE[i])) fail_msg("%s is taken for public", INSIDE[i]);
}

static void the_neighbours_of_an_inside_are_public(void **state)
{
    (void)state;
    static const char *const outside[] = { "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
        "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
        "192.88.98.255", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "8.8.8.8",
        "2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700::1111", "2a00:1450::1", "3ffe::1" };

    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (!is_public(outside[i])) fail_msg("%s is taken for an inside", outside[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inside_is_not_public),
        cmocka_unit_test(the_neighbours_of_an_inside_are_public),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

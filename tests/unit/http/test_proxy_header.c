/* test_proxy_header.c - whom a proxy brings, by the PROXY protocol: what is one, what is not, and in pieces. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "libshared/base/err.h"
#include "libshared/base/network.h"
#include "libshared/http/address/proxy_header.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static const struct {
    struct str bytes;
    enum proxy_header want;
    const char *client;
} cases[] = {
    { STR("PROXY TCP4 198.51.100.7 10.0.0.5 56324 443\r\n"), PROXY_CLIENT, "198.51.100.7" },
    { STR("PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n"), PROXY_CLIENT, "2001:db8::7" },
    { STR("PROXY UNKNOWN\r\n"), PROXY_NOBODY, NULL },
    { STR("PROXY UNKNOWN whatever it is\r\n"), PROXY_NOBODY, NULL },
    { STR("PROXY TCP4 198.51.100.7 10.0.0.5 56324 443\n"), PROXY_MORE, NULL },
    { STR("PROXY TCP4 198.51.100.7 10.0.0.5 56324 70000\r\n"), PROXY_BAD, NULL },
    { STR("PROXY TCP4 198.51.100.7 10.0.0.5 056 443\r\n"), PROXY_BAD, NULL },
    { STR("PROXY TCP4 198.51.100.7 10.0.0.5 56324\r\n"), PROXY_BAD, NULL },
    { STR("PROXY TCP4 198.51.100.7 10.0.0.5 56324 443 1\r\n"), PROXY_BAD, NULL },
    { STR("PROXY TCP4  198.51.100.7 10.0.0.5 56324 443\r\n"), PROXY_BAD, NULL },
    { STR("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"), PROXY_BAD, NULL },
    { STR("PROXY TCP6 198.51.100.7 10.0.0.5 1 2\r\n"), PROXY_BAD, NULL },
    { STR("PROXY TCP4 localhost 10.0.0.5 1 2\r\n"), PROXY_BAD, NULL },
    { STR("PROXY UDP4 198.51.100.7 10.0.0.5 1 2\r\n"), PROXY_BAD, NULL },
    { STR("PROXY \r\n"), PROXY_BAD, NULL },
    { STR("proxy TCP4 198.51.100.7 10.0.0.5 56324 443\r\n"), PROXY_BAD, NULL },
    { STR("GET / HTTP/1.1\r\n"), PROXY_BAD, NULL },
    { STR("\x16\x03\x01"), PROXY_BAD, NULL },
    { STR(V2 "\x21\x11\0\x0c\xc6\x33\x64\x07\x0a\0\0\x05\xdc\x04\x01\xbb"), PROXY_CLIENT, "198.51.100.7" },
    { STR(V2 "\x21\x11\0\x0f\xc6\x33\x64\x07\x0a\0\0\x05\xdc\x04\x01\xbb\x04\0\0"), PROXY_CLIENT, "198.51.100.7" },
    { STR(V2 "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01"
             "\0\x02"),
        PROXY_CLIENT, "2001:db8::7" },
    { STR(V2 "\x20\x11\0\x0c\xc6\x33\x64\x07\x0a\0\0\x05\xdc\x04\x01\xbb"), PROXY_NOBODY, NULL },
    { STR(V2 "\x20\0\0\0"), PROXY_NOBODY, NULL },
    { STR(V2 "\x21\0\0\0"), PROXY_NOBODY, NULL },
    { STR(V2 "\x21\x11\0\x0b\xc6\x33\x64\x07\x0a\0\0\x05\xdc\x04\x01"), PROXY_BAD, NULL },
    { STR(V2 "\x21\x12\0\x0c\xc6\x33\x64\x07\x0a\0\0\x05\xdc\x04\x01\xbb"), PROXY_BAD, NULL },
    { STR(V2 "\x21\x31\0\0"), PROXY_BAD, NULL },
    { STR(V2 "\x11\x11\0\0"), PROXY_BAD, NULL },
    { STR(V2 "\x22\x11\0\0"), PROXY_BAD, NULL },
    { STR(V2 "\x21\x11\xff\xff"), PROXY_BAD, NULL },
};

static void a_header_says_whom_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct in6_addr client;
        char text[INET6_ADDRSTRLEN];
        size_t len = 0;
        enum proxy_header got = proxy_header_read(cases[i].bytes, &len, &client);
        if (got != cases[i].want) fail_msg("case %zu: %d, not %d", i, (int)got, (int)cases[i].want);
        if (got == PROXY_CLIENT) {
            address_print(&client, text);
            assert_string_equal(text, cases[i].client);
        }
        if (got == PROXY_CLIENT || got == PROXY_NOBODY) assert_int_equal(len, cases[i].bytes.len);
    }
}

/* What follows it is the client's. */
static void a_header_in_pieces_is_the_same_and_ends_where_it_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].want != PROXY_CLIENT && cases[i].want != PROXY_NOBODY) continue;
        char bytes[256];
        struct in6_addr client;
        size_t len = 0, all = cases[i].bytes.len;
        memcpy(bytes, cases[i].bytes.at, all);
        memcpy(bytes + all, "GET / HTTP/1.1\r\n", 16);
        for (size_t n = 0; n < all; n++)
            assert_int_equal(proxy_header_read((struct str){ bytes, n }, &len, &client), PROXY_MORE);
        assert_int_equal(proxy_header_read((struct str){ bytes, all + 16 }, &len, &client), cases[i].want);
        assert_int_equal(len, all);
    }
}

static void a_line_that_does_not_end_is_given_up(void **state)
{
    char bytes[200] = "PROXY TCP4 ";
    struct in6_addr client;
    size_t len = 0;
    (void)state;
    memset(bytes + 11, '1', sizeof bytes - 11);
    assert_int_equal(proxy_header_read((struct str){ bytes, 106 }, &len, &client), PROXY_MORE);
    assert_int_equal(proxy_header_read((struct str){ bytes, 107 }, &len, &client), PROXY_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_says_whom_the_table_says),
        cmocka_unit_test(a_header_in_pieces_is_the_same_and_ends_where_it_ends),
        cmocka_unit_test(a_line_that_does_not_end_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

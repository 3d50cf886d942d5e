/* test_forwarded.c - whose request it is: the walk through X-Forwarded-For, with hops of ours and lies of others. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "libshared/base/buf.h"
#include "libshared/base/err.h"
#include "libshared/base/network.h"
#include "libshared/http/address/forwarded.h"

#define OURS "10.0.0.0/24, 192.0.2.1,,2001:db8:1::/48"

/* Lines of the head; with `|` for its line ends. */
static const struct {
    const char *peer, *lines, *client;
} cases[] = {
    /* from others it is not read */
    { "203.0.113.9", "x-forwarded-for: 198.51.100.7", "203.0.113.9" },
    { "10.0.1.1", "x-forwarded-for: 198.51.100.7", "10.0.1.1" },
    { "2001:db8:2::1", "x-forwarded-for: 198.51.100.7", "2001:db8:2::1" },
    /* one hop, and several */
    { "10.0.0.4", "", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7", "198.51.100.7" },
    { "10.0.0.4", "X-FORWARDED-FOR:\t198.51.100.7 ", "198.51.100.7" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7,10.0.0.5 ,\t192.0.2.1", "198.51.100.7" },
    { "2001:db8:1::4", "x-forwarded-for: 2001:db8:2:0::7, 2001:db8:1:ff::5", "2001:db8:2::7" },
    { "10.0.0.4", "x-forwarded-for: 10.0.0.6, 10.0.0.5", "10.0.0.6" },
    /* what is left of the first that is not ours is anybody's word */
    { "10.0.0.4", "x-forwarded-for: 127.0.0.1, 198.51.100.7", "198.51.100.7" },
    { "10.0.0.4", "x-forwarded-for: 127.0.0.1, 10.0.0.5, 198.51.100.7, 10.0.0.5", "198.51.100.7" },
    { "10.0.0.4", "x-forwarded-for: 127.0.0.1|x-forwarded-for: 198.51.100.7", "198.51.100.7" },
    /* several lines are one list */
    { "10.0.0.4", "x-forwarded-for: 127.0.0.1, 198.51.100.7|x: y|x-forwarded-for: 10.0.0.6,10.0.0.5", "198.51.100.7" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7|x-forwarded-for: 192.0.2.1|x-forwarded-for: 10.0.0.5",
        "198.51.100.7" },
    /* ports, brackets, IPv4 in IPv6 */
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7:4711", "198.51.100.7" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7, 10.0.0.5:80", "198.51.100.7" },
    { "10.0.0.4", "x-forwarded-for: [2001:DB8:2::7]", "2001:db8:2::7" },
    { "10.0.0.4", "x-forwarded-for: [2001:db8:2::7]:65535", "2001:db8:2::7" },
    { "10.0.0.4", "x-forwarded-for: ::ffff:198.51.100.7", "198.51.100.7" },
    { "::ffff:10.0.0.4", "x-forwarded-for: 198.51.100.7, ::ffff:a00:5", "198.51.100.7" },
    /* at what is no address the walk ends with the last good hop */
    { "10.0.0.4", "x-forwarded-for:", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: ,", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7,", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7, , 10.0.0.5", "10.0.0.5" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7|x-forwarded-for: ", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7, unknown, 10.0.0.5", "10.0.0.5" },
    { "10.0.0.4", "x-forwarded-for: unix:", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7 10.0.0.5", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.256", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 0306.51.100.7", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 3325256711", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7/32", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7:", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7:http", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7:471100", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: \"198.51.100.7\"", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: for=198.51.100.7", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: [198.51.100.7]", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: [2001:db8:2::7", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: [2001:db8:2::7]4711", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: [", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: []:80", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: fe80::1%eth0", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 2001:db8:2:0:0:0:0:0:7", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 0000:0000:0000:0000:0000:0000:255.255.255.2555", "10.0.0.4" },
    /* other headers say nothing */
    { "10.0.0.4", "x-real-ip: 198.51.100.7|forwarded: for=198.51.100.7|x-forwarded-fo: 198.51.100.7", "10.0.0.4" },
};

/* The same by Forwarded, RFC 7239. */
static const struct {
    const char *peer, *lines, *client;
} elements[] = {
    { "203.0.113.9", "forwarded: for=198.51.100.7", "203.0.113.9" },
    { "10.0.0.4", "forwarded: for=198.51.100.7", "198.51.100.7" },
    { "10.0.0.4", "Forwarded: by=10.0.0.5;For=\"198.51.100.7:4711\";proto=https", "198.51.100.7" },
    { "10.0.0.4", "forwarded: for=\"[2001:db8:2::7]:4711\"", "2001:db8:2::7" },
    { "10.0.0.4", "forwarded: for=127.0.0.1, for=198.51.100.7;proto=http, for=10.0.0.5", "198.51.100.7" },
    { "10.0.0.4", "forwarded: for=198.51.100.7|forwarded: for=10.0.0.5", "198.51.100.7" },
    { "10.0.0.4", "forwarded: for=\"a, for=198.51.100.9, for=198.51.100.7", "198.51.100.7" },
    { "10.0.0.4", "forwarded: for=198.51.100.7, for=unknown", "10.0.0.4" },
    { "10.0.0.4", "forwarded: for=198.51.100.7, for=_hidden", "10.0.0.4" },
    { "10.0.0.4", "forwarded: proto=https;by=198.51.100.7", "10.0.0.4" },
    { "10.0.0.4", "forwarded: for", "10.0.0.4" },
    { "10.0.0.4", "forwarded: for=", "10.0.0.4" },
    { "10.0.0.4", "forwarded: for=\"", "10.0.0.4" },
    { "10.0.0.4", "forwarded: 198.51.100.7", "10.0.0.4" },
    { "10.0.0.4", "x-forwarded-for: 198.51.100.7", "10.0.0.4" },
};

static struct http_head head;

static void parse(const char *lines)
{
    static char bytes[1024];
    struct buf text = BUF(sizeof bytes);

    buf_add_str(&text, STR("GET / HTTP/1.1\r\nHost: h\r\n"));
    for (const char *at = lines; *at != '\0'; at++)
        if (*at == '|')
            buf_add_str(&text, STR("\r\n"));
        else
            buf_add_char(&text, *at);
    buf_add_str(&text, *lines != '\0' ? STR("\r\n\r\n") : STR("\r\n"));
    assert_false(text.over);
    memcpy(bytes, text.at, text.len);
    assert_int_equal(http_head_parse(bytes, text.len, &head), 0);
    buf_free(&text);
}

static void the_client_is_whom_the_table_says(void **state)
{
    struct network_list ours, nobody = { 0 };
    struct str bad;
    (void)state;
    assert_true(network_list_parse(STR(OURS), &ours, &bad));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct in6_addr peer, client;
        char text[INET6_ADDRSTRLEN];
        assert_true(address_parse(str_of(cases[i].peer), &peer));
        parse(cases[i].lines);
        client = forwarded_client(&ours, &head, "x-forwarded-for", &peer);
        address_print(&client, text);
        if (strcmp(text, cases[i].client) != 0)
            fail_msg("%s from %s: %s, not %s", cases[i].lines, cases[i].peer, text, cases[i].client);
        client = forwarded_client(&nobody, &head, "x-forwarded-for", &peer);
        assert_memory_equal(&client, &peer, sizeof peer);
    }
}

static void the_client_is_whom_an_element_says(void **state)
{
    struct network_list ours;
    struct str bad;
    (void)state;
    assert_true(network_list_parse(STR(OURS), &ours, &bad));
    for (size_t i = 0; i < COUNT(elements); i++) {
        struct in6_addr peer, client;
        char text[INET6_ADDRSTRLEN];
        assert_true(address_parse(str_of(elements[i].peer), &peer));
        parse(elements[i].lines);
        client = forwarded_client(&ours, &head, "forwarded", &peer);
        address_print(&client, text);
        if (strcmp(text, elements[i].client) != 0)
            fail_msg("%s from %s: %s, not %s", elements[i].lines, elements[i].peer, text, elements[i].client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_whom_the_table_says),
        cmocka_unit_test(the_client_is_whom_an_element_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

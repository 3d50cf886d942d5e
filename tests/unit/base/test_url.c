/* test_url.c - origins as browsers have them, and URLs that hold what they are given and nothing else. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/url.h"
#include "tests/unit/arena.h"

static void an_origin_is_what_a_browser_calls_it(void **state)
{
    static const char *const good[][2] = {
        { "https://chat.example.org", "https://chat.example.org" },
        { "https://chat.example.org/", "https://chat.example.org" },
        { "HTTPS://Chat.Example.ORG:443/a?b#c", "https://chat.example.org" },
        { "http://chat.example.org:80", "http://chat.example.org" },
        { "http://chat.example.org:443", "http://chat.example.org:443" },
        { "https://localhost:8443/account", "https://localhost:8443" },
        { "https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443" },
        { "https://[::1]", "https://[::1]" },
        { "https://127.0.0.1?x", "https://127.0.0.1" },
    };
    static const char *const bad[] = { "", "null", "https://", "https:///path", "ftp://example.org", "example.org",
        "https://user@example.org", "https://user:pw@example.org", "https://example.org@evil.example",
        "https://example.org:", "https://example.org:0", "https://example.org:65536", "https://example.org:x",
        "https://exa mple.org", "https://example.org\\@evil.example", "https://[::1", "https://::1", "https://[]",
        "javascript://example.org", "https://ex%61mple.org" };
    char origin[URL_ORIGIN_MAX], longest[400];

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(url_origin(str_of(good[i][0]), origin));
        assert_string_equal(origin, good[i][1]);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        if (url_origin(str_of(bad[i]), origin)) fail_msg("%s has the origin %s", bad[i], origin);
    memcpy(longest, "https://", 8);
    memset(longest + 8, 'a', sizeof longest - 8);
    assert_true(url_origin((struct str){ longest, URL_ORIGIN_MAX - 1 }, origin));
    assert_int_equal(strlen(origin), URL_ORIGIN_MAX - 1);
    assert_false(url_origin((struct str){ longest, URL_ORIGIN_MAX }, origin));
    assert_false(url_origin(STR("https://example.org\0.evil.example"), origin));
}

static void values_stand_where_the_path_names_them_or_in_the_query(void **state)
{
    (void)state;
    assert_true(
        str_is(url_build(arena, "https://chat.example.org", "/account", NULL, 0), "https://chat.example.org/account"));
    assert_true(str_is(url_build(arena, "", "/s/{code}/x", URL_VALUES({ "code", STR("a/../b") })), "/s/a%2F..%2Fb/x"));
    assert_true(str_is(url_build(arena, "https://h", "/a/{b}",
                           URL_VALUES({ "t", STR("1&u=2") }, { "b", STR("가") }, { "e", STR("") })),
        "https://h/a/%EA%B0%80?t=1%26u%3D2&e="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_is_what_a_browser_calls_it),
        cmocka_unit_test(values_stand_where_the_path_names_them_or_in_the_query),
    };
    return cmocka_run_group_tests_name("url", tests, make_arena, drop_arena);
}

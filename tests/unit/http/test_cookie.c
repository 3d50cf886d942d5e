/* test_cookie.c - cookies are found by their whole name, once; and who may bring them. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/conn_private.h"
#include "libshared/http/message/cookie.h"
#include "tests/unit/arena.h"

static void a_cookie_is_found_by_its_whole_name_and_once(void **state)
{
    static const struct {
        const char *header;
        enum cookie_found found;
        const char *value;
    } cases[] = {
        { "sid=abc", COOKIE_FOUND, "abc" },
        { "a=1; sid=abc; b=2", COOKIE_FOUND, "abc" },
        { "a=1;sid=abc;b=2", COOKIE_FOUND, "abc" },
        { "sid=a=b=", COOKIE_FOUND, "a=b=" },
        { "odd; ; =; =x; \"q\"=\"; sid\"; sid=abc", COOKIE_FOUND, "abc" },
        { "xsid=abc; sid2=abc; SID=abc; a=sid=abc; sid", COOKIE_ABSENT, NULL },
        { "sid=", COOKIE_ABSENT, NULL },
        { "", COOKIE_ABSENT, NULL },
        { "sid=abc; sid=abd", COOKIE_TWICE, NULL },
        { "sid=abc; a=1; sid=", COOKIE_TWICE, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str value = STR_NONE;
        assert_int_equal(cookie_find(str_of(cases[i].header), "sid", &value), cases[i].found);
        if (cases[i].found == COOKIE_FOUND) assert_true(str_is(value, cases[i].value));
    }
}

static void a_value_is_sent_as_it_is_and_may_end_nothing(void **state)
{
    static const char *const bad[] = { "a b", "a;b", "a,b", "a\"b", "a\\b", "a\r\nb", "\xc3\xa9", "\x7f" };

    (void)state;
    assert_true(cookie_is_value(STR("")) && cookie_is_value(STR("eyJ._-~!#$%&'()*+/:<=>?@[]^`{|}0")));
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(cookie_is_value(str_of(bad[i])));
    assert_true(str_is(cookie_set(arena, "__Secure-a", STR("v1"), "/account", "Lax", 600),
        "__Secure-a=v1; Path=/account; Max-Age=600; HttpOnly; Secure; SameSite=Lax"));
}

#define OWN   "https://chat.example.org"
#define APP   "https://app.example.org"
#define OTHER "https://evil.example"

struct sent_headers {
    const char *origin, *referer, *site, *mode, *dest;
};

static bool may(const struct origins *origins, const struct sent_headers *s, bool reads)
{
    const struct sender sender = { str_of(s->origin), str_of(s->referer), str_of(s->site), str_of(s->mode),
        str_of(s->dest), reads };

    return sender_is_good(origins, &sender);
}

static void what_changes_something_comes_from_a_page_of_ours_or_of_the_list(void **state)
{
    static const struct sent_headers good[] = {
        { OWN, "", "same-origin", "cors", "empty" },
        { OWN, "", "", "", "" },
        { OWN, OTHER "/", "", "", "" },
        { APP, "", "same-site", "cors", "empty" },
        { "null", "", "same-origin", "navigate", "document" }, /* a form of a page that sends no referrer */
        { "", "", "same-origin", "navigate", "document" },
        { "", OWN "/account?x", "", "", "" },
        { "null", OWN "/account", "", "", "" },
    };
    static const struct sent_headers bad[] = {
        { "", "", "", "", "" },
        { "null", "", "", "", "" },
        { "null", "", "cross-site", "navigate", "document" },
        { OTHER, "", "cross-site", "cors", "empty" },
        { OTHER, OWN "/account", "", "", "" },
        { OTHER, "", "same-origin", "", "" },
        { OWN, "", "cross-site", "", "" },
        { APP, "", "cross-site", "", "" },
        { "", OTHER "/", "", "", "" },
        { "", OWN "@evil.example/", "", "", "" },
        { "", OWN ".evil.example/", "", "", "" },
        { "https://chat.example.org.evil.example", "", "", "", "" },
        { "http://chat.example.org", "", "", "", "" },
        { "", "", "none", "navigate", "document" },
        { "", "", "same-site", "navigate", "document" },
    };
    static const char *const lists[] = { APP, "*, " APP };

    (void)state;
    for (size_t k = 0; k < COUNT(lists); k++) {
        struct origins *origins = origins_create(lists[k], OWN);
        for (size_t i = 0; i < COUNT(good); i++)
            if (!may(origins, &good[i], false)) fail_msg("good %zu", i);
        for (size_t i = 0; i < COUNT(bad); i++)
            if (may(origins, &bad[i], false)) fail_msg("bad %zu", i);
        origins_destroy(origins);
    }
}

static void a_page_is_visited_from_anywhere_and_fetched_from_ours(void **state)
{
    static const struct sent_headers good[] = {
        { "", "", "", "", "" },
        { "", "", "none", "navigate", "document" },
        { "", OTHER "/", "cross-site", "navigate", "document" },
        { "", OWN "/", "same-origin", "cors", "empty" },
        { OWN, "", "same-origin", "cors", "empty" },
    };
    static const struct sent_headers bad[] = {
        { "", "", "cross-site", "navigate", "iframe" },
        { "", "", "cross-site", "no-cors", "image" },
        { "", "", "same-site", "no-cors", "image" },
        { OTHER, "", "cross-site", "cors", "empty" },
        { OTHER, "", "", "", "" },
        { "null", "", "", "", "" },
    };
    struct origins *origins = origins_create("*", OWN);

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!may(origins, &good[i], true)) fail_msg("good %zu", i);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (may(origins, &bad[i], true)) fail_msg("bad %zu", i);
    origins_destroy(origins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_found_by_its_whole_name_and_once),
        cmocka_unit_test(a_value_is_sent_as_it_is_and_may_end_nothing),
        cmocka_unit_test(what_changes_something_comes_from_a_page_of_ours_or_of_the_list),
        cmocka_unit_test(a_page_is_visited_from_anywhere_and_fetched_from_ours),
    };
    return cmocka_run_group_tests_name("cookie", tests, make_arena, drop_arena);
}

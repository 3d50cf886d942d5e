/* test_plain_text.c - names that look like what they are, and the nearest of them. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "libshared/base/err.h"
#include "libshared/base/nearest.h"
#include "libshared/base/plain_text.h"

static void what_is_seen_is_plain(void **state)
{
    (void)state;
    static const char *const plain[] = { "a", "Ada Lovelace", "message:send", "\xc3\xa9va", "\xeb\xa7\x88\xeb\x8b\xb9",
        "\xf0\x9f\x90\x88", "a\xcc\x81", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d" };

    for (size_t i = 0; i < COUNT(plain); i++)
        if (!text_is_plain(str_of(plain[i]))) fail_msg("%s", plain[i]);
}

static void what_is_not_seen_is_not(void **state)
{
    (void)state;
    static const char *const unseen[] = { "", " a", "a ", "a\n", "\x1b[0m", "a\x7f", "a\xc2\x85", "a\xc2\xa0z",
        "a\xc2\xadz", "a\xe2\x80\x8bz", "a\xe2\x80\x8dz", "a\xe2\x80\xaez", "a\xe2\x81\xa6z",
        ("\xef\xbb\xbf"
         "a"),
        "a\xe3\x80\x80z", "a\xef\xbf\xbd", "a\xef\xbf\xbf", "a\xf3\xa0\x81\x81", "a\xed\xa0\x80", "a\xff",
        "\xe3\x85\xa4", "a\xef\xb8\x8f" };

    for (size_t i = 0; i < COUNT(unseen); i++)
        if (text_is_plain(str_of(unseen[i]))) fail_msg("%zu", i);
    assert_false(text_is_plain((struct str){ "a\0b", 3 }));
}

static void what_is_not_seen_is_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        size_t chars_max;
    } cases[] = {
        { "a b.png", "a b.png", 200 },
        { "a\xe2\x80\xaegpj.exe", "agpj.exe", 200 },
        { "a\xc2\x85\x7f\nb", "ab", 200 },
        { "\xe2\x80\x8b\xef\xbb\xbf", "", 200 },
        { "\xc3\xbc\xeb\xa7\x88\xf0\x9f\x90\x88z", "\xc3\xbc\xeb\xa7\x88\xf0\x9f\x90\x88", 3 },
        { "a\xe2\x80\xae"
          "bc",
            "ab", 2 },
        { "", "", 200 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char part[64];
        size_t n = text_plain_part(str_of(cases[i].text), cases[i].chars_max, part);
        if (!str_is((struct str){ part, n }, cases[i].part)) fail_msg("%zu: %.*s", i, (int)n, part);
    }
}

static void the_nearest_name_is_two_edits_away_at_most(void **state)
{
    (void)state;
    static const struct str names[] = { { "message:send", 12 }, { "message:list", 12 }, { "room:join", 9 },
        { "hi", 2 } };
    static const struct {
        const char *wanted, *nearest;
    } cases[] = {
        { "message:sned", "message:send" },
        { "message:lisst", "message:list" },
        { "mesage:lits", "message:list" },
        { "massage:zend", "message:send" },
        { "room:jn", "room:join" },
        { "room:j", NULL },
        { "roomxxjoim", NULL },
        { "ih", "hi" },
        { "ho", "hi" },
        { "oh", NULL },
        { "", NULL },
        { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str nearest = nearest_of(str_of(cases[i].wanted), names, COUNT(names));
        if (!str_eq(nearest, str_of(cases[i].nearest))) fail_msg("%s: %.*s", cases[i].wanted, STR_ARG(nearest));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_seen_is_plain),
        cmocka_unit_test(what_is_not_seen_is_not),
        cmocka_unit_test(what_is_not_seen_is_left_out),
        cmocka_unit_test(the_nearest_name_is_two_edits_away_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

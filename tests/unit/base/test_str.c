/* test_str.c - views, numbers and UTF-8. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/str.h"

static void views_compare_by_bytes_and_then_by_length(void **state)
{
    (void)state;
    assert_true(str_eq(STR("abc"), (struct str){ "abcd", 3 }));
    assert_false(str_eq(STR("abc"), STR("abd")));
    assert_true(str_eq(STR_NONE, STR("")));
    assert_true(str_is(STR("x"), "x") && !str_is(STR("x"), "xy"));
    assert_true(str_cmp(STR("a"), STR("b")) < 0 && str_cmp(STR("b"), STR("a")) > 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("ab"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR("same"), STR("same")), 0);
}

static void views_are_cut_and_searched(void **state)
{
    size_t at = 99;

    (void)state;
    assert_true(str_starts(STR("mdk_x"), STR("mdk_")));
    assert_false(str_starts(STR("md"), STR("mdk_")));
    assert_true(str_is(str_skip(STR("mdk_x"), 4), "x"));
    assert_int_equal(str_skip(STR("x"), 1).len, 0);
    assert_true(str_find(STR("a,b,c"), ',', &at) && at == 1);
    assert_false(str_find(STR_NONE, ',', &at));
    assert_null(str_of(NULL).at);
}

static void words_are_cut_off_one_by_one(void **state)
{
    struct str rest = STR("a, b\t,,c"), none = STR_NONE;

    (void)state;
    assert_true(str_is(str_cut(&rest, ','), "a") && str_is(rest, " b\t,,c"));
    assert_true(str_is(str_trim(str_cut(&rest, ',')), "b"));
    assert_true(str_cut(&rest, ',').len == 0 && str_is(rest, "c"));
    assert_true(str_is(str_cut(&rest, ','), "c") && rest.at == NULL && rest.len == 0);
    rest = STR("last,");
    assert_true(str_is(str_cut(&rest, ','), "last"));
    assert_true(rest.at != NULL && rest.len == 0); /* there was an end: one more word, an empty one */
    assert_true(str_cut(&none, ',').len == 0 && none.at == NULL);
}

static void what_is_trimmed_is_around_and_not_inside(void **state)
{
    (void)state;
    assert_true(str_is(str_trim(STR(" \t a b\r\n")), "a b"));
    assert_int_equal(str_trim(STR(" \r\n\t")).len, 0);
    assert_int_equal(str_trim(STR_NONE).len, 0);
    assert_int_equal(str_trim(STR("\0x\0")).len, 3);
}

static void a_number_is_all_of_the_text_or_none(void **state)
{
    static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808",
        "-9223372036854775809", "99999999999999999999", "--1" };
    int64_t n = 7;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(str_to_int(str_of(bad[i]), &n));
    assert_int_equal(n, 7);
    assert_true(str_to_int(STR("0"), &n) && n == 0);
    assert_true(str_to_int(STR("-12"), &n) && n == -12);
    assert_true(str_to_int(STR("9223372036854775807"), &n) && n == INT64_MAX);
    assert_true(str_to_int(STR("-9223372036854775808"), &n) && n == INT64_MIN);
}

static bool is_valid(const char *text)
{
    return utf8_is_valid(text, str_of(text).len);
}

static void utf8_is_what_the_standard_says(void **state)
{
    static const char *const good[] = { "", "plain", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
        "eight bytes and \xF0\x9F\x98\x80 more" };
    static const char *const bad[] = { "\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE2\x82",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF0\x9F\x98", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF", "sevenby\xFF", "eightbyt\xFF" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(is_valid(bad[i]));
}

/* Of every length, as the ends of short and of long texts are read differently. */
static void what_is_no_text_is_found_wherever_it_stands(void **state)
{
    static const char wrong[] = { '\0', '\x80', '\xC3', '\xFF' };
    char text[70];

    (void)state;
    for (size_t len = 1; len <= sizeof text; len++)
        for (size_t at = 0; at < len; at++) {
            memset(text, 'x', len);
            assert_true(utf8_is_valid(text, len));
            for (size_t k = 0; k < sizeof wrong; k++) {
                text[at] = wrong[k];
                assert_false(utf8_is_valid(text, len));
            }
        }
}

static void length_counts_code_points(void **state)
{
    (void)state;
    assert_int_equal(utf8_length("", 0), 0);
    assert_int_equal(utf8_length("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10), 4);
    assert_int_equal(utf8_length("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xF0\x9F\x98\x80 and \xE2\x82\xAC", 20), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare_by_bytes_and_then_by_length),
        cmocka_unit_test(views_are_cut_and_searched),
        cmocka_unit_test(words_are_cut_off_one_by_one),
        cmocka_unit_test(what_is_trimmed_is_around_and_not_inside),
        cmocka_unit_test(a_number_is_all_of_the_text_or_none),
        cmocka_unit_test(utf8_is_what_the_standard_says),
        cmocka_unit_test(what_is_no_text_is_found_wherever_it_stands),
        cmocka_unit_test(length_counts_code_points),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}

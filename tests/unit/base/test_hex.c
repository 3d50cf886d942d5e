/* test_hex.c - hex digits, and percent-decoding. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "libshared/base/hex.h"

static void a_digit_is_one_of_sixteen_in_either_case(void **state)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    int good = 0;

    (void)state;
    for (int c = -128; c < 128; c++) {
        const char *at = c == 0 ? NULL : strchr(digits, c);
        int want = at == NULL ? -1 : at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
        assert_int_equal(hex_digit((char)c), want);
        good += want >= 0;
    }
    assert_int_equal(good, 22);
}

static void bytes_come_back(void **state)
{
    const unsigned char bytes[] = { 0, 0x9a, 0xff, 0x10 };
    unsigned char back[sizeof bytes];
    char text[2 * sizeof bytes + 1];

    (void)state;
    hex_format(bytes, sizeof bytes, text);
    assert_string_equal(text, "009aff10");
    assert_true(hex_parse(str_of(text), back));
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_false(hex_parse(STR("009"), back));
    assert_false(hex_parse(STR("0g"), back));
    assert_false(hex_parse(STR("-1"), back));
    assert_true(hex_parse(STR_NONE, back));
}

static bool decodes(struct str from, bool plus_is_blank, const char *want)
{
    char out[100];
    size_t n;
    bool good = percent_decode(from, plus_is_blank, out, &n);

    assert_true(n <= from.len);
    assert_true(str_is((struct str){ out, n }, want));
    return good;
}

static void a_percent_that_escapes_nothing_stands_for_itself(void **state)
{
    (void)state;
    assert_true(decodes(STR("a%20b%2Fc%2f"), false, "a b/c/"));
    assert_true(decodes(STR("a+b"), false, "a+b"));
    assert_true(decodes(STR("a+b%2b"), true, "a b+"));
    assert_true(decodes(STR("%2525"), true, "%25")); /* once */
    assert_true(decodes(STR_NONE, true, ""));
    assert_false(decodes(STR("100%"), true, "100%"));
    assert_false(decodes(STR("%4"), true, "%4"));
    assert_false(decodes(STR("%%41"), true, "%A"));
    assert_false(decodes(STR("%4`%4@%+1"), true, "%4`%4@% 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digit_is_one_of_sixteen_in_either_case),
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(a_percent_that_escapes_nothing_stands_for_itself),
    };
    return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}

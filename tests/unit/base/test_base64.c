/* test_base64.c - every length there and back, and what is no base64. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/buf.h"
#include "libshared/base/secret.h"

static void the_vectors_of_rfc_4648_hold(void **state)
{
    static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char text[16] = "";
        unsigned char bytes[16];
        size_t len = 0;
        base64_encode(text, str_of(pairs[i][0]));
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(base64_length(strlen(pairs[i][0])), strlen(text));
        assert_true(base64_decode(str_of(text), bytes, &len));
        assert_int_equal(len, strlen(pairs[i][0]));
        assert_memory_equal(bytes, pairs[i][0], len);
    }
}

/* Memory of exactly the promised sizes: the sanitizer sees one byte more. */
static void every_length_goes_there_and_back(void **state)
{
    static const size_t large[] = { 12287, 12288, 12289, 24576, 50001 };

    (void)state;
    for (size_t i = 0; i < 200 + COUNT(large); i++) {
        size_t n = i < 200 ? i : large[i - 200], chars = base64_length(n), len = 0;
        char *from = mem_alloc(n), *text = mem_alloc(chars);
        unsigned char *back = mem_alloc(chars / 4 * 3);
        secret_random(from, n);
        base64_encode(text, (struct str){ from, n });
        assert_true(base64_decode((struct str){ text, chars }, back, &len));
        assert_int_equal(len, n);
        assert_memory_equal(back, from, n);
        mem_free(from);
        mem_free(text);
        mem_free(back);
    }
}

static void padding_may_be_missing_and_nothing_else(void **state)
{
    static const char *const bad[] = { "A", "Zg=", "A===", "====", "=", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm9-", "Zm_v",
        "Z=9v" };
    unsigned char bytes[16];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(base64_decode(str_of(bad[i]), bytes, &len));
    assert_true(base64_decode(STR("Zg"), bytes, &len) && len == 1 && bytes[0] == 'f');
    assert_true(base64_decode(STR("Zm8"), bytes, &len) && len == 2);
}

static void urls_have_two_other_digits_and_no_padding(void **state)
{
    static const char *const want[] = { "", "-w", "-_8", "-_-_", "-_-_-w" };
    static const unsigned char from[] = { 0xfb, 0xff, 0xbf, 0xfb };
    char text[8];

    (void)state;
    for (size_t n = 0; n < COUNT(want); n++) {
        base64url_encode(from, n, text);
        assert_string_equal(text, want[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_hold),
        cmocka_unit_test(every_length_goes_there_and_back),
        cmocka_unit_test(urls_have_two_other_digits_and_no_padding),
        cmocka_unit_test(padding_may_be_missing_and_nothing_else),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}

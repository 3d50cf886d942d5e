/* test_refresh_token.c - what is a refresh token, and of which session. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "libshared/base/err.h"
#include "libshared/policy/refresh_token.h"

static const struct id session = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };
static const struct str secret = { "0123456789abcdef0123456789abcdef", REFRESH_SECRET_BYTES };

static void what_was_written_is_read(void **state)
{
    (void)state;
    static const int64_t counters[] = { 0, 1, 255, 256, INT64_MAX };

    for (size_t i = 0; i < COUNT(counters); i++) {
        char text[REFRESH_CHARS + 1];
        struct refresh_token token;

        refresh_token_write(session, counters[i], secret, text);
        assert_int_equal(strlen(text), REFRESH_CHARS);
        assert_true(refresh_token_parse(str_of(text), &token));
        assert_true(id_eq(token.session, session));
        assert_int_equal(token.counter, counters[i]);
        assert_true(refresh_token_is_genuine(&token, secret));
    }
}

/* The checksum finds each; and who makes that right has no MAC. */
static void any_other_character_makes_it_none(void **state)
{
    (void)state;
    char text[REFRESH_CHARS + 1], other[REFRESH_CHARS + 1];
    struct refresh_token token;

    refresh_token_write(session, 7, secret, text);
    for (size_t i = 0; i < REFRESH_CHARS; i++) {
        memcpy(other, text, sizeof other);
        other[i] = other[i] == 'A' ? 'B' : 'A';
        assert_false(refresh_token_parse(str_of(other), &token));
    }
    assert_false(refresh_token_parse((struct str){ text, REFRESH_CHARS - 1 }, &token));
    assert_false(refresh_token_parse(STR(""), &token));
}

static void another_secret_or_counter_is_not_genuine(void **state)
{
    (void)state;
    char text[REFRESH_CHARS + 1];
    struct refresh_token token;

    refresh_token_write(session, 7, STR("another secret, as long as that."), text);
    assert_true(refresh_token_parse(str_of(text), &token));
    assert_false(refresh_token_is_genuine(&token, secret));
    refresh_token_write(session, 7, secret, text);
    assert_true(refresh_token_parse(str_of(text), &token));
    token.counter++;
    assert_false(refresh_token_is_genuine(&token, secret));
    token.counter--;
    token.session.b[0]++;
    assert_false(refresh_token_is_genuine(&token, secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(any_other_character_makes_it_none),
        cmocka_unit_test(another_secret_or_counter_is_not_genuine),
    };
    return cmocka_run_group_tests_name("refresh token", tests, NULL, NULL);
}

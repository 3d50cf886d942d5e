/* test_answer_part.c - what is kept of the answer of a webhook's server. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "libshared/base/err.h"
#include "services/chat/webhooks/answer_part.h"

#define SIGNATURE "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static void what_is_seen_is_kept_and_no_secret(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *kept;
    } rows[] = {
        { "", "" },
        { "no such room", "no such room" },
        { "two\nlines\x1b[0m", "twolines[0m" },
        { "got v1," SIGNATURE " v1," SIGNATURE "!", "got v1,... v1,...!" },
        { "{\"secret\":\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}", "{\"secret\":\"...\"}" },
        { "\xff\xfe", "" },
        { "\xeb\xa7\x88\xeb\x8b\xb9", "\xeb\xa7\x88\xeb\x8b\xb9" },
    };
    char out[ANSWER_PART_BYTES];

    for (size_t i = 0; i < COUNT(rows); i++) {
        answer_part(str_of(rows[i].answer), out);
        assert_string_equal(out, rows[i].kept);
    }
}

static void a_long_one_is_cut_between_characters(void **state)
{
    (void)state;
    char text[4096], out[ANSWER_PART_BYTES];

    for (size_t shift = 0; shift < 4; shift++) {
        size_t len = shift;
        memset(text, ' ', shift);
        while (len + 4 <= sizeof text) {
            memcpy(text + len, "\xf0\x9f\x90\x88", 4);
            len += 4;
        }
        answer_part((struct str){ text, len }, out);
        assert_int_equal(strlen(out), shift + (ANSWER_PART_CHARS - shift) * 4);
        assert_true(utf8_is_valid(out, strlen(out)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_seen_is_kept_and_no_secret),
        cmocka_unit_test(a_long_one_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

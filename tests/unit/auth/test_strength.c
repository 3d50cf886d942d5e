/* test_strength.c - passwords that are guessed first, in English and Korean, and those that are not. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/buf.h"
#include "services/auth/users/hangul.h"
#include "services/auth/users/strength.h"
#include "tests/unit/arena.h"

static void keys_are(const char *text, const char *keys)
{
    struct buf out = BUF(256);

    hangul_keys(str_of(text), &out);
    buf_add_char(&out, '\0');
    assert_string_equal(out.at, keys);
    buf_free(&out);
}

static void hangul_is_typed_on_the_two_set_layout(void **state)
{
    (void)state;
    keys_are("안녕하세요", "dkssudgktpdy");
    keys_are("비밀번호", "qlalfqjsgh");
    keys_are("닭값", "ekfrrkqt");
    keys_are("왜꽤뷁", "dhoRhoqnpfr");
    keys_are("ㅋㅋㅏㅢ", "zzkml");
    keys_are("a1 가é😀", "a1 rké😀");
}

static void weak(const char *password, double most)
{
    double bits = password_bits(password, STR("ada.lovelace@example.org"), STR("countess"));

    if (bits >= most) fail_msg("%s has %.1f bits", password, bits);
}

static void strong(const char *password, double least)
{
    double bits = password_bits(password, STR("ada.lovelace@example.org"), STR("countess"));

    if (bits < least) fail_msg("%s has %.1f bits", password, bits);
}

static void what_is_guessed_first_is_weak(void **state)
{
    (void)state;
    static const char *const words[] = { "password", "password1!", "qwerty123456", "11111111", "abcdefgh", "iloveyou1",
        "dkssudgktpdy", "안녕하세요", "tkfkdgo1004", "사랑해1004", "qlalfqjsgh", "비밀번호", "eogksalsrnr2002",
        "countess1", "ada.lovelace1", "lovelace", "Countess2026" };

    for (size_t i = 0; i < COUNT(words); i++) weak(words[i], 30);
}

static void what_is_not_is_strong(void **state)
{
    (void)state;
    strong("correct horse battery staple", 40);
    strong("r7#Kq2!vPz", 40);
    strong("only Uma knows", 35);
    strong("마당에 모인 사람들의 이야기", 40);
}

static void no_length_does_harm(void **state)
{
    (void)state;
    char longest[73];

    memset(longest, 'x', 72);
    longest[72] = '\0';
    weak(longest, 30);
    for (size_t i = 0; i + 3 <= 72; i += 3) memcpy(longest + i, "뷁", 3);
    weak(longest, 200);
    assert_true(password_bits("", STR_NONE, STR_NONE) < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hangul_is_typed_on_the_two_set_layout),
        cmocka_unit_test(what_is_guessed_first_is_weak),
        cmocka_unit_test(what_is_not_is_strong),
        cmocka_unit_test(no_length_does_harm),
    };

    (void)arena, (void)make_arena, (void)drop_arena;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

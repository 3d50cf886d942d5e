/* test_totp.c - RFC 6238's own vectors, drift, and that no code is good twice. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/base32.h"
#include "services/auth/factors/totp.h"
#include "tests/unit/arena.h"

static const unsigned char secret[TOTP_SECRET_BYTES] = "12345678901234567890";

/* Appendix B, of eight digits the last six. */
static void codes_are_those_of_rfc_6238(void **state)
{
    (void)state;
    static const struct {
        int64_t at_s;
        const char *code;
    } vectors[] = { { 59, "287082" }, { 1111111109, "081804" }, { 1111111111, "050471" }, { 1234567890, "005924" },
        { 2000000000, "279037" }, { 20000000000, "353130" } };
    char code[TOTP_DIGITS + 1];

    for (size_t i = 0; i < COUNT(vectors); i++) {
        totp_code(secret, totp_step(vectors[i].at_s * 1000), code);
        assert_string_equal(code, vectors[i].code);
        assert_int_equal(totp_find(secret, str_of(code), vectors[i].at_s * 1000, -1), vectors[i].at_s / 30);
    }
}

static void a_code_is_good_a_step_around_and_once(void **state)
{
    (void)state;
    const int64_t now = 1700000010000, step = totp_step(now);
    char code[TOTP_DIGITS + 1];

    for (int64_t off = -2; off <= 2; off++) {
        totp_code(secret, step + off, code);
        assert_int_equal(totp_find(secret, str_of(code), now, -1), off >= -1 && off <= 1 ? step + off : -1);
    }
    totp_code(secret, step, code);
    assert_int_equal(totp_find(secret, str_of(code), now, step - 1), step);
    assert_int_equal(totp_find(secret, str_of(code), now, step), -1); /* replayed */
    assert_int_equal(totp_find(secret, str_of(code), now, step + 1), -1);
    assert_int_equal(totp_find(secret, STR(""), now, -1), -1);
    assert_int_equal(totp_find(secret, STR("0287082"), 59000, -1), -1);
}

static void an_app_is_told_in_its_own_spelling(void **state)
{
    (void)state;
    char text[TOTP_SECRET_CHARS + 1];

    totp_secret_text(secret, text);
    assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    struct str uri = totp_uri(arena, STR("Ma dang"), STR("a&b@마당.kr"), secret);
    assert_string_equal(uri.at, "otpauth://totp/Ma%20dang:a%26b%40%EB%A7%88%EB%8B%B9.kr"
                                "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ma%20dang");
}

/* RFC 4648, section 10. */
static void base_32_is_that_of_rfc_4648(void **state)
{
    (void)state;
    static const char *const vectors[][2] = { { "", "" }, { "f", "MY" }, { "fo", "MZXQ" }, { "foo", "MZXW6" },
        { "foob", "MZXW6YQ" }, { "fooba", "MZXW6YTB" }, { "foobar", "MZXW6YTBOI" } };
    char out[32];

    for (size_t i = 0; i < COUNT(vectors); i++) {
        base32_encode((const unsigned char *)vectors[i][0], strlen(vectors[i][0]), out);
        assert_string_equal(out, vectors[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_those_of_rfc_6238),
        cmocka_unit_test(a_code_is_good_a_step_around_and_once),
        cmocka_unit_test_setup_teardown(an_app_is_told_in_its_own_spelling, make_arena, drop_arena),
        cmocka_unit_test(base_32_is_that_of_rfc_4648),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

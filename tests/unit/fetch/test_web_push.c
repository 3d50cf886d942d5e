/* test_web_push.c - what a browser is sent: the example of RFC 8291, byte for byte, and a signature that its key verifies. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "libshared/base/base64.h"
#include "libshared/base/es256.h"
#include "libshared/fetch/web_push.h"

/* RFC 8291, appendix A. */
#define TEXT       "When I grow up, I want to be a watermelon"
#define OWN_SECRET "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
#define OWN_POINT  "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
#define P256DH     "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
#define AUTH       "BTBZMqHH6r4Tts7J_aSIgg"
#define SALT       "DGv6ra1nlYgDCS1FRnbzlw"
#define BODY                                                                                                           \
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_"                                                                   \
    "c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7"                                              \
    "A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"

static void the_example_comes_out_byte_for_byte(void **state)
{
    struct arena *arena = arena_create("test", 1u << 20);
    struct web_push_browser browser;
    struct web_push_pair once;
    unsigned char salt[WEB_PUSH_SALT_BYTES];
    char text[400];

    (void)state;
    base64url_decode(STR(OWN_SECRET), once.secret);
    base64url_decode(STR(OWN_POINT), once.point);
    base64url_decode(STR(SALT), salt);
    assert_true(web_push_browser_read(STR(P256DH), STR(AUTH), &browser));
    struct str body = web_push_encrypt(arena, &browser, &once, salt, STR(TEXT));
    base64url_encode((const unsigned char *)body.at, body.len, text);
    assert_string_equal(text, BODY);
    arena_destroy(&arena);
}

static void the_longest_message_is_a_body_of_4096_bytes(void **state)
{
    struct arena *arena = arena_create("test", 1u << 20);
    struct web_push_browser browser;
    struct web_push_pair once;
    static char text[WEB_PUSH_TEXT_MAX];

    (void)state;
    web_push_pair_make(&once);
    memset(text, 'x', sizeof text);
    assert_true(web_push_browser_read(STR(P256DH), STR(AUTH), &browser));
    assert_int_equal(
        web_push_encrypt(arena, &browser, &once, once.secret, (struct str){ text, sizeof text }).len, 4096);
    assert_int_equal(web_push_encrypt(arena, &browser, &once, once.secret, STR("")).len, 86 + 17);
    arena_destroy(&arena);
}

static void what_is_no_key_of_a_browser_is_not_read(void **state)
{
    static const char *const points[] = { "", "BCVxsr7N", /* not on the curve: */
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw8", /* another alphabet: */
        "BCVxsr7N/eNgVRqvHtD0zTZsEc6+VV+JvLexhqUzORcxaOzi6+AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", /* hybrid: */
        "BiVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", /* zeros: */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
    static const char *const auths[] = { "", "BTBZMqHH6r4Tts7J_aSIgh", "BTBZMqHH6r4Tts7J_aSI",
        "BTBZMqHH6r4Tts7J+aSIgg" };
    struct web_push_browser browser;

    (void)state;
    for (size_t i = 0; i < COUNT(points); i++)
        if (web_push_browser_read(str_of(points[i]), STR(AUTH), &browser)) fail_msg("%s", points[i]);
    for (size_t i = 0; i < COUNT(auths); i++)
        if (web_push_browser_read(STR(P256DH), str_of(auths[i]), &browser)) fail_msg("%s", auths[i]);
    assert_int_equal(ERR_peek_error(), 0);
}

static EVP_PKEY *key_of(const unsigned char point[WEB_PUSH_POINT_BYTES])
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, WEB_PUSH_POINT_BYTES);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void who_sends_it_is_signed_for_its_push_service(void **state)
{
    static const char
        START[] = "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.",
        CLAIMS[] = "{\"aud\":\"https://push.example.net\",\"exp\":1453523768,\"sub\":\"mailto:push@example.com\"}";
    struct arena *arena = arena_create("test", 1u << 20);
    struct web_push_pair pair;
    unsigned char claims[200], point[WEB_PUSH_POINT_BYTES];

    (void)state;
    web_push_pair_make(&pair);
    struct str header =
        web_push_authorize(arena, &pair, STR("https://push.example.net"), STR("mailto:push@example.com"), 1453523768);
    assert_true(str_starts(header, str_of(START)));
    struct str token = str_skip(header, sizeof "vapid t=" - 1), rest = token, text = token;
    assert_true(str_find(token, ',', &token.len));
    text.len = token.len - ES256_CHARS - 1;
    str_cut(&rest, '.');
    struct str body = str_cut(&rest, '.');
    size_t len = base64url_decode(body, claims);
    assert_true(str_is((struct str){ (const char *)claims, len }, CLAIMS));
    EVP_PKEY *key = key_of(pair.point);
    assert_true(es256_is_signed(key, text, str_skip(token, text.len + 1)));
    EVP_PKEY_free(key);
    struct str k = str_skip(header, header.len - 87);
    assert_true(base64url_is_canonical(k));
    base64url_decode(k, point);
    assert_memory_equal(point, pair.point, sizeof point);
    assert_true(str_starts(str_skip(header, sizeof "vapid t=" - 1 + token.len), STR(", k=")));
    arena_destroy(&arena);
}

static void no_two_pairs_are_the_same(void **state)
{
    struct web_push_pair a, b;

    (void)state;
    web_push_pair_make(&a);
    web_push_pair_make(&b);
    assert_memory_not_equal(a.secret, b.secret, sizeof a.secret);
    assert_memory_not_equal(a.point, b.point, sizeof a.point);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_comes_out_byte_for_byte),
        cmocka_unit_test(the_longest_message_is_a_body_of_4096_bytes),
        cmocka_unit_test(what_is_no_key_of_a_browser_is_not_read),
        cmocka_unit_test(who_sends_it_is_signed_for_its_push_service),
        cmocka_unit_test(no_two_pairs_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

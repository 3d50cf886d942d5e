/* test_signing_key.c - pairs, their names, and tokens that are verified with the public half. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <jwt.h>

#include "libshared/base/es256.h"
#include "services/auth/tokens/signing_key.h"
#include "services/auth/tokens/token_sign.h"
#include "tests/unit/arena.h"

/* Made with openssl ecparam, openssl ec -pubout and sha256sum, not with this code. */
static void the_kid_is_the_thumbprint_of_rfc_7638(void **state)
{
    (void)state;
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzgohcQWTegLStVt6qib1MpODHlu+\n"
                              "BgQcVNvdz4usYzGms1MrxNGbUeyEVaaKxtgtRmWahsjaU5jeGehtBKPHng==\n"
                              "-----END PUBLIC KEY-----\n";
    struct jwk jwk;

    assert_true(signing_key_jwk(str_of(pem), &jwk));
    assert_string_equal(jwk.x, "zgohcQWTegLStVt6qib1MpODHlu-BgQcVNvdz4usYzE");
    assert_string_equal(jwk.kid, "RQFmsMNalPqeNu-gtGxFgnA5egGY0FPRMRxHamyHP34");
    assert_false(signing_key_jwk(STR("nonsense"), &jwk));
}

static struct str sign(struct str private_pem, const struct token_draft *draft)
{
    struct token_claims claims = { .issuer = "me",
        .audience = "them",
        .subject = STR("ada"),
        .key = STR("K"),
        .name = STR("Ada"),
        .policy = STR("chat-client"),
        .draft = draft,
        .issued_s = 1000,
        .expires_s = 4102444800 };
    struct str token = STR_NONE;

    assert_int_equal(token_sign(arena, &claims, STR("kid-1"), private_pem, &token), OK);
    return token;
}

static void a_token_says_what_it_should_and_verifies(void **state)
{
    (void)state;
    struct str private_pem, public_pem, room = STR("r*");
    struct policy_rule rule = { .effect = STR("allow"), .rooms = { &room, 1 } };
    struct token_draft draft = { .cap = { &rule, 1 } };
    jwt_t *jwt = NULL;

    signing_key_make(arena, &private_pem, &public_pem);
    struct str token = sign(private_pem, &draft);
    assert_int_equal(jwt_decode(&jwt, token.at, (const unsigned char *)public_pem.at, (int)public_pem.len), 0);
    assert_int_equal(jwt_get_alg(jwt), JWT_ALG_ES256);
    assert_string_equal(jwt_get_header(jwt, "kid"), "kid-1");
    assert_string_equal(jwt_get_grant(jwt, "iss"), "me");
    assert_string_equal(jwt_get_grant(jwt, "aud"), "them");
    assert_string_equal(jwt_get_grant(jwt, "sub"), "ada");
    assert_string_equal(jwt_get_grant(jwt, "key"), "K");
    assert_string_equal(jwt_get_grant(jwt, "pol"), "chat-client");
    assert_true(strlen(jwt_get_grant(jwt, "sid")) >= 16);
    assert_string_not_equal(jwt_get_grant(jwt, "sid"), jwt_get_grant(jwt, "jti"));
    assert_int_equal(jwt_get_grant_int(jwt, "exp"), 4102444800);
    char *cap = jwt_get_grants_json(jwt, "cap");
    assert_string_equal(cap, "[{\"effect\":\"allow\",\"rooms\":[\"r*\"]}]");
    free(cap);
    jwt_free(jwt);
}

/* Of what the library signs, half is written in the other way. */
static void a_token_is_signed_with_the_smaller_s(void **state)
{
    (void)state;
    struct str private_pem, public_pem;
    struct token_draft draft = { .ttl_s = 0 };

    signing_key_make(arena, &private_pem, &public_pem);
    for (int i = 0; i < 24; i++) {
        struct str token = sign(private_pem, &draft);
        assert_true(es256_is_canonical(str_skip(token, token.len - ES256_CHARS)));
    }
}

static void another_key_does_not_verify_it(void **state)
{
    (void)state;
    struct str private_pem, public_pem, other_private, other_public;
    struct token_draft draft = { .ttl_s = 0 };
    jwt_t *jwt = NULL;

    signing_key_make(arena, &private_pem, &public_pem);
    signing_key_make(arena, &other_private, &other_public);
    struct str token = sign(private_pem, &draft);
    assert_int_not_equal(jwt_decode(&jwt, token.at, (const unsigned char *)other_public.at, (int)other_public.len), 0);
    assert_null(jwt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kid_is_the_thumbprint_of_rfc_7638),
        cmocka_unit_test(a_token_says_what_it_should_and_verifies),
        cmocka_unit_test(a_token_is_signed_with_the_smaller_s),
        cmocka_unit_test(another_key_does_not_verify_it),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}

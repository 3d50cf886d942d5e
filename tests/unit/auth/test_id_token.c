/* test_id_token.c - what an id_token has to say, beside what providers in scenario/o_oauth say. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/oauth/id_token.h"
#include "tests/unit/arena.h"

/* Signed by RS256; its iss is "issuer.example", from 1799999999 to 1800000300. */
static const char keys[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"oc5rtARaD9AZIdpykzfTZWx2cYz6U5IHySULV_eyQ_1YOQfFqIzq80m2HWK-ddte"
    "uFYzzX1252zjewb9MTNt6yo5pEUu7zrxQ_FBw-SFt_mx9kUUAgU5UIYJTLTAinkmvkr7EfS55_LTiylqwS4HcFmwLVZqYviLZ85-"
    "kdsU2yS0OgdWokEziwX87HkQlfYHKhY6nIdJAAaDiIVT2rHqlzGFKlAZNzOdOJU1BzlYVIREeyBDE7uZukGbu5CeZ8ns5QcDx6mT"
    "Nxf0QdiyRkSNCK_RF_CxNVOxdnB_ZVhBNw1cVUkgnw3wDZ5Zfbvh7rG2QO52ZJMY310rn7eDYgxUDQ\",\"e\":\"AQAB\",\"ki"
    "d\":\"k\",\"alg\":\"RS256\",\"use\":\"sig\"}]}";
static const char token[] =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJpc3N1ZXIuZXhhbXBsZSIsImF1ZCI6InVzIiwiYXpwIjoidXMiLCJpY"
    "XQiOjE3OTk5OTk5OTksImV4cCI6MTgwMDAwMDMwMCwibm9uY2UiOiJub25jZSIsInN1YiI6InNvbWVib2R5IiwiZW1haWwiOiJhQ"
    "GV4YW1wbGUub3JnIiwiZW1haWxfdmVyaWZpZWQiOnRydWV9.R6gcDeaIuYm2Uwly8wRgPC883Q6NKAKf0kk9r1mY7kIsbI2XnP1p"
    "Y9QQmVS9Ztc7kzfGxxT6eTBYFovIIrno39yUlsLUkkKgaGy7UmEUGiQouwIGOq2yZcMHWDLtlF2UKol5r-uVAmH2TDjmEisqTAVt"
    "wnv-GotyG2z-95ig8q7IIFDFqry0z4XGy2WtXrfCuk6Uf9VBP1DbetbUza0u1cVpJJkbIjkMwpbqqDLgh7DbDXjAy4_lsHNWCmgg"
    "MrsL4b_sZF9SMpdjZze__id7Zh-IP1tecYTTthQ44bPdRuiTLFrxQ5G_NCOKg_tjZWcb2XFfxIKod6GFfx3iYWSt2Q";

static const char *check(const struct id_token_wants *more)
{
    struct id_token_wants wants = *more;
    struct str claims;

    wants.client = STR("us");
    wants.nonce = STR("nonce");
    return id_token_check(arena, str_of(keys), str_of(token), &wants, &claims);
}

static void an_issuer_is_the_same_without_its_https(void **state)
{
    (void)state;
    assert_null(check(&(struct id_token_wants){ .issuer = STR("https://issuer.example"), .now_s = 1800000000 }));
    assert_null(check(&(struct id_token_wants){ .issuer = STR("issuer.example"), .now_s = 1800000000 }));
    assert_string_equal(
        check(&(struct id_token_wants){ .issuer = STR("http://issuer.example"), .now_s = 1800000000 }), "other_issuer");
    assert_string_equal(
        check(&(struct id_token_wants){ .issuer = STR("https://issuer.example/"), .now_s = 1800000000 }),
        "other_issuer");
}

static void a_clock_may_be_a_minute_off(void **state)
{
    (void)state;
    struct id_token_wants wants = { .issuer = STR("https://issuer.example"), .now_s = 1800000359 };

    assert_null(check(&wants));
    wants.now_s = 1800000360;
    assert_string_equal(check(&wants), "expired");
    wants.now_s = 1799999939;
    assert_null(check(&wants));
    wants.now_s = 1799999938;
    assert_string_equal(check(&wants), "not_yet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_issuer_is_the_same_without_its_https),
        cmocka_unit_test(a_clock_may_be_a_minute_off),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}

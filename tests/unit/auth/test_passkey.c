/* test_passkey.c - passkeys whose other half is an OpenSSL key: what is good, and each thing about it that may be wrong. */
// SPDX-License-Identifier: Apache-2.0
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "libshared/base/buf.h"
#include "services/auth/factors/passkey.h"
#include "tests/unit/arena.h"

#define RP     "madang.example"
#define ORIGIN "https://madang.example"

static const struct passkey_expected creating = { "webauthn.create", { "Y2hhbGxlbmdl", 12 }, { RP, sizeof RP - 1 },
    { ORIGIN, sizeof ORIGIN - 1 } };
static const struct passkey_expected getting = { "webauthn.get", { "Y2hhbGxlbmdl", 12 }, { RP, sizeof RP - 1 },
    { ORIGIN, sizeof ORIGIN - 1 } };

#define CLIENT_DATA(type, challenge, origin)                                                                           \
    STR("{\"type\":\"" type "\",\"challenge\":\"" challenge "\",\"origin\":\"" origin "\",\"crossOrigin\":false}")
#define CREATED CLIENT_DATA("webauthn.create", "Y2hhbGxlbmdl", ORIGIN)
#define GOT     CLIENT_DATA("webauthn.get", "Y2hhbGxlbmdl", ORIGIN)

static EVP_PKEY *key;

static int make_all(void **state)
{
    key = EVP_EC_gen("P-256");
    return key == NULL ? -1 : make_arena(state);
}

static int destroy_all(void **state)
{
    EVP_PKEY_free(key);
    return drop_arena(state);
}

static void add_head(struct buf *out, const char *rp_id, unsigned flags, unsigned counter)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)rp_id, strlen(rp_id), hash);
    buf_add(out, hash, sizeof hash);
    buf_add_char(out, (char)flags);
    for (int shift = 24; shift >= 0; shift -= 8) buf_add_char(out, (char)(counter >> shift));
}

/* {1: 2, 3: algorithm, -1: 1, -2: x, -3: y} */
static void add_cose_key(struct buf *out, int algorithm)
{
    unsigned char point[65];
    size_t len = 0;

    assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof point, &len), 1);
    buf_add(out, "\xa5\x01\x02\x03", 4);
    buf_add_char(out, (char)(0x20 | (-1 - algorithm)));
    buf_add(out, "\x20\x01\x21\x58\x20", 5);
    buf_add(out, point + 1, 32);
    buf_add(out, "\x22\x58\x20", 3);
    buf_add(out, point + 33, 32);
}

struct assertion_draft {
    const char *rp_id;
    unsigned flags, counter;
    int algorithm;
    size_t cut;        /* bytes off the end of the authenticator data */
    const char *extra; /* behind it */
};
#define GOOD_DRAFT                                                                                                     \
    {                                                                                                                  \
        .rp_id = RP, .flags = 0x45, .counter = 7, .algorithm = PASSKEY_ES256                                           \
    }

static struct str attestation_object(const struct assertion_draft *draft)
{
    struct buf data = BUF(4096), object = BUF(4096);

    add_head(&data, draft->rp_id, draft->flags, draft->counter);
    buf_add(&data, "AAGUIDAAGUIDAAGU\0\4wxyz", 22);
    add_cose_key(&data, draft->algorithm);
    data.len -= draft->cut;
    if (draft->extra != NULL) buf_add_str(&data, str_of(draft->extra));
    buf_add(&object,
        "\xa3\x63"
        "fmt\x64none\x67"
        "attStmt\xa0\x68"
        "authData\x59",
        29);
    buf_add_char(&object, (char)(data.len >> 8));
    buf_add_char(&object, (char)(data.len & 255));
    buf_add_str(&object, buf_str(&data));
    struct str out = arena_str(arena, buf_str(&object));
    buf_free(&data);
    buf_free(&object);
    return out;
}

static bool reads(const struct assertion_draft *draft, struct passkey *out)
{
    const char *why = NULL;

    return passkey_read_new(&creating, CREATED, attestation_object(draft), out, &why);
}

static struct str authenticator_data(const char *rp_id, unsigned flags, unsigned counter)
{
    struct buf data = BUF(256);

    add_head(&data, rp_id, flags, counter);
    struct str out = arena_str(arena, buf_str(&data));
    buf_free(&data);
    return out;
}

/* Over the authenticator data and the hash of the client data. */
static struct str sign(struct str data, struct str client_data)
{
    unsigned char signed_bytes[512], signature[128];
    size_t len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    memcpy(signed_bytes, data.at, data.len);
    SHA256((const unsigned char *)client_data.at, client_data.len, signed_bytes + data.len);
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &len, signed_bytes, data.len + SHA256_DIGEST_LENGTH), 1);
    EVP_MD_CTX_free(context);
    return arena_str(arena, (struct str){ (char *)signature, len });
}

static void a_new_passkey_is_read(void **state)
{
    (void)state;
    struct assertion_draft good = GOOD_DRAFT;
    struct passkey passkey;

    assert_true(reads(&good, &passkey));
    assert_true(str_is(passkey.id, "wxyz"));
    assert_int_equal(passkey.algorithm, PASSKEY_ES256);
    assert_int_equal(passkey.public_len, 64);
    assert_int_equal(passkey.counter, 7);
}

static void a_new_passkey_is_of_this_site_and_of_a_verified_user(void **state)
{
    (void)state;
    const struct assertion_draft wrong[] = {
        { .rp_id = "other.example", .flags = 0x45, .algorithm = PASSKEY_ES256 },
        { .rp_id = RP, .flags = 0x41, .algorithm = PASSKEY_ES256 }, /* nobody verified */
        { .rp_id = RP, .flags = 0x44, .algorithm = PASSKEY_ES256 }, /* nobody there */
        { .rp_id = RP, .flags = 0x05, .algorithm = PASSKEY_ES256 }, /* no passkey in it */
        { .rp_id = RP, .flags = 0x45, .algorithm = -9 },
        { .rp_id = RP, .flags = 0x45, .algorithm = PASSKEY_ES256, .cut = 1 },
        { .rp_id = RP, .flags = 0x45, .algorithm = PASSKEY_ES256, .cut = 70 },
        { .rp_id = RP, .flags = 0x45, .algorithm = PASSKEY_ES256, .extra = "x" },
        { .rp_id = RP, .flags = 0xc5, .algorithm = PASSKEY_ES256 }, /* no extensions where there should be some */
        { .rp_id = RP, .flags = 0xc5, .algorithm = PASSKEY_ES256, .extra = "\xbb\xff\xff\xff\xff\xff\xff\xff\xff" },
    };
    struct passkey passkey;

    for (size_t i = 0; i < COUNT(wrong); i++) assert_false(reads(&wrong[i], &passkey));
}

static void client_data_is_of_this_challenge_page_and_ceremony(void **state)
{
    (void)state;
    struct assertion_draft good = GOOD_DRAFT;
    struct passkey passkey;
    const char *why = NULL;
    const struct str wrong[] = { GOT, CLIENT_DATA("webauthn.create", "b3RoZXI", ORIGIN),
        CLIENT_DATA("webauthn.create", "Y2hhbGxlbmdl", "https://evil.example"),
        CLIENT_DATA("webauthn.create", "Y2hhbGxlbmdl", "https://madang.example.evil.example"),
        STR("{\"type\":\"webauthn.create\",\"challenge\":\"Y2hhbGxlbmdl\",\"origin\":\"" ORIGIN
            "\",\"crossOrigin\":true}"),
        STR("{\"type\":\"webauthn.create\",\"challenge\":\"x\",\"challenge\":\"Y2hhbGxlbmdl\",\"origin\":\"" ORIGIN
            "\"}"),
        STR("{}"), STR(""), STR("[") };

    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(passkey_read_new(&creating, wrong[i], attestation_object(&good), &passkey, &why));
    assert_non_null(why);
}

static void a_proof_is_of_its_key_and_of_each_byte(void **state)
{
    (void)state;
    struct assertion_draft good = GOOD_DRAFT;
    struct passkey passkey;
    int64_t counter = 0;

    assert_true(reads(&good, &passkey));
    struct str data = authenticator_data(RP, 0x05, 8), signature = sign(data, GOT);
    assert_true(passkey_is_proved(&getting, &passkey, GOT, data, signature, &counter));
    assert_int_equal(counter, 8);
    for (size_t i = 0; i < data.len; i++) {
        char *at = (char *)data.at + i;
        *at = (char)(*at ^ 1);
        assert_false(passkey_is_proved(&getting, &passkey, GOT, data, signature, &counter));
        *at = (char)(*at ^ 1);
    }
    assert_false(passkey_is_proved(&creating, &passkey, CREATED, data, sign(data, CREATED), &counter) &&
                 passkey_is_proved(&getting, &passkey, CREATED, data, sign(data, CREATED), &counter));
    for (unsigned flags = 0; flags < 8; flags++) {
        struct str each = authenticator_data(RP, flags, 9);
        assert_int_equal(passkey_is_proved(&getting, &passkey, GOT, each, sign(each, GOT), &counter), (flags & 5) == 5);
    }
    struct str other = authenticator_data("other.example", 0x05, 9);
    assert_false(passkey_is_proved(&getting, &passkey, GOT, other, sign(other, GOT), &counter));
    assert_false(passkey_is_proved(&getting, &passkey, GOT, STR(""), signature, &counter));
    assert_false(passkey_is_proved(&getting, &passkey, GOT, data, STR(""), &counter));

    EVP_PKEY *former = key;
    key = EVP_EC_gen("P-256");
    assert_false(passkey_is_proved(&getting, &passkey, GOT, data, sign(data, GOT), &counter));
    EVP_PKEY_free(former);
}

/* Counts beyond the bytes, indefinite lengths, depth, authData twice. */
static void odd_cbor_is_refused(void **state)
{
    (void)state;
    static const struct str odd[] = { { "\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 9 }, { "\xbf\xff", 2 }, { "\xa0", 1 },
        { "\xa1\x68"
          "authData\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
            19 },
        { "\x81\x81\x81\x81\x81\x81", 6 },
        { "\xa2\x68"
          "authData\x40\x68"
          "authData\x40",
            21 },
        { "\xa1\x01\x02", 3 }, { "", 0 } };
    struct passkey passkey;
    const char *why = NULL;

    for (size_t i = 0; i < COUNT(odd); i++) assert_false(passkey_read_new(&creating, CREATED, odd[i], &passkey, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_passkey_is_read, make_all, destroy_all),
        cmocka_unit_test_setup_teardown(a_new_passkey_is_of_this_site_and_of_a_verified_user, make_all, destroy_all),
        cmocka_unit_test_setup_teardown(client_data_is_of_this_challenge_page_and_ceremony, make_all, destroy_all),
        cmocka_unit_test_setup_teardown(a_proof_is_of_its_key_and_of_each_byte, make_all, destroy_all),
        cmocka_unit_test_setup_teardown(odd_cbor_is_refused, make_all, destroy_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

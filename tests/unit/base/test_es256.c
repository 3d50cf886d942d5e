/* test_es256.c - whose a signature is, and that nothing of it is left for TLS on the same thread. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/es256.h"

#define TEXT STR("a head.some claims")

static struct str pem_of(EVP_PKEY *pair, char *out, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PUBKEY(bio, pair), 1);
    int n = BIO_read(bio, out, (int)size);
    assert_true(n > 0);
    BIO_free(bio);
    EVP_PKEY_free(pair);
    return (struct str){ out, (size_t)n };
}

static void sign(EVP_PKEY *pair, unsigned char bytes[64])
{
    unsigned char der[80];
    const unsigned char *at = der;
    size_t len = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pair), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &len, (const unsigned char *)TEXT.at, TEXT.len), 1);
    ECDSA_SIG *pair_of = d2i_ECDSA_SIG(NULL, &at, (long)len);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair_of), bytes, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair_of), bytes + 32, 32), 32);
    ECDSA_SIG_free(pair_of);
    EVP_MD_CTX_free(ctx);
}

static bool is_signed(EVP_PKEY *key, struct str text, const unsigned char bytes[64])
{
    char signature[ES256_CHARS + 1];

    base64url_encode(bytes, 64, signature);
    bool is = es256_is_signed(key, text, str_of(signature));
    assert_int_equal(ERR_peek_error(), 0);
    return is;
}

static void a_signature_is_of_its_key_and_its_text(void **state)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    unsigned char bytes[64], wrong[64];

    (void)state;
    sign(pair, bytes);
    assert_true(is_signed(pair, TEXT, bytes));
    assert_true(is_signed(pair, TEXT, bytes)); /* and a key is not used up */
    assert_false(is_signed(other, TEXT, bytes));
    assert_false(is_signed(pair, STR("a head.some claimt"), bytes));
    assert_false(is_signed(pair, STR(""), bytes));
    for (int i = 0; i < 64; i++) {
        memcpy(wrong, bytes, sizeof wrong);
        wrong[i] ^= 1;
        assert_false(is_signed(pair, TEXT, wrong));
    }
    assert_false(es256_is_signed(pair, TEXT, STR("short")));
    EVP_PKEY_free(pair);
    EVP_PKEY_free(other);
}

/* CVE-2022-21449: zeros, or the order of the group, which is zero there. */
static void numbers_that_are_none_are_no_signature(void **state)
{
    static const unsigned char order[32] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    unsigned char good[64], bytes[64] = { 0 };

    (void)state;
    assert_false(is_signed(pair, TEXT, bytes));
    sign(pair, good);
    memcpy(bytes, good, 32);
    assert_false(is_signed(pair, TEXT, bytes)); /* s is 0 */
    memset(bytes, 0, 32);
    memcpy(bytes + 32, good + 32, 32);
    assert_false(is_signed(pair, TEXT, bytes)); /* r is 0 */
    memcpy(bytes, order, 32);
    assert_false(is_signed(pair, TEXT, bytes));
    memset(bytes, 0xff, sizeof bytes);
    assert_false(is_signed(pair, TEXT, bytes));
    EVP_PKEY_free(pair);
}

static void only_a_public_key_over_p256_is_one(void **state)
{
    char pem[1000];

    (void)state;
    EVP_PKEY *key = es256_key_read(pem_of(EVP_EC_gen("P-256"), pem, sizeof pem));
    assert_non_null(key);
    EVP_PKEY_free(key);
    assert_null(es256_key_read(pem_of(EVP_EC_gen("P-384"), pem, sizeof pem)));
    assert_null(es256_key_read(pem_of(EVP_EC_gen("secp256k1"), pem, sizeof pem)));
    assert_null(es256_key_read(pem_of(EVP_RSA_gen(2048), pem, sizeof pem)));
    assert_null(es256_key_read(STR("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")));
    assert_null(es256_key_read(STR("no key")));
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_is_of_its_key_and_its_text),
        cmocka_unit_test(numbers_that_are_none_are_no_signature),
        cmocka_unit_test(only_a_public_key_over_p256_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

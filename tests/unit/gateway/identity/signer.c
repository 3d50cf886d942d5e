/* signer.c - see signer.h. */
// SPDX-License-Identifier: Apache-2.0
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/gateway/identity/signer.h"
#include "libshared/base/es256.h"

static void signer_read(BIO *bio, char *to, size_t size)
{
    int n = BIO_read(bio, to, (int)size - 1);
    assert_true(n > 0);
    to[n] = '\0';
    BIO_free(bio);
}

struct signer signer_new(void)
{
    struct signer signer;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    BIO *secret = BIO_new(BIO_s_mem()), *public = BIO_new(BIO_s_mem());

    assert_true(PEM_write_bio_PrivateKey(secret, pair, NULL, NULL, 0, NULL, NULL) == 1);
    assert_true(PEM_write_bio_PUBKEY(public, pair) == 1);
    signer_read(secret, signer.secret, sizeof signer.secret);
    signer_read(public, signer.public, sizeof signer.public);
    EVP_PKEY_free(pair);
    return signer;
}

char *signer_sign(jwt_t *jwt)
{
    char *text = jwt_encode_str(jwt);

    assert_non_null(text);
    if (jwt_get_alg(jwt) == JWT_ALG_ES256) es256_canonicalize(text + strlen(text) - ES256_CHARS);
    return text;
}

/* signer.h - a pair of keys to sign tokens with, as auth makes them. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <string.h>

#include "libshared/base/es256.h"

struct signer {
    char secret[1000], public[1000];
};

static inline void signer_read(BIO *bio, char *to, size_t size)
{
    int n = BIO_read(bio, to, (int)size - 1);
    assert_true(n > 0);
    to[n] = '\0';
    BIO_free(bio);
}

static inline struct signer signer_new(void)
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

/* To be freed; ES256 ones are spelled as auth spells them. */
static inline char *signer_sign(jwt_t *jwt)
{
    char *text = jwt_encode_str(jwt);

    assert_non_null(text);
    if (jwt_get_alg(jwt) == JWT_ALG_ES256) es256_canonicalize(text + strlen(text) - ES256_CHARS);
    return text;
}

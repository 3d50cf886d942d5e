/* es256.c - ECDSA over P-256 with SHA-256: the smaller s of a signature, and its verification by OpenSSL. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/es256.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "libshared/base/base64.h"

#define S_BYTES 32

/* n, the order of the group (FIPS 186, SEC 2), and the greatest s that is not the greater one. */
static const unsigned char ORDER[S_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25,
    0x51 };
static const unsigned char HALF[S_BYTES] = { 0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92,
    0xa8 };

static bool is_low(const unsigned char s[S_BYTES])
{
    return memcmp(s, HALF, S_BYTES) <= 0;
}

bool es256_is_canonical(struct str signature)
{
    unsigned char bytes[2 * S_BYTES];

    if (signature.len != ES256_CHARS || !base64url_is_canonical(signature)) return false;
    base64url_decode(signature, bytes);
    return is_low(bytes + S_BYTES);
}

void es256_canonicalize(char *signature)
{
    unsigned char bytes[2 * S_BYTES], *s = bytes + S_BYTES;
    char text[ES256_CHARS + 1];
    int borrow = 0;

    base64url_decode((struct str){ signature, ES256_CHARS }, bytes);
    if (is_low(s)) return;
    for (int i = S_BYTES - 1; i >= 0; i--) {
        int digit = ORDER[i] - s[i] - borrow;
        borrow = digit < 0;
        s[i] = (unsigned char)digit;
    }
    base64url_encode(bytes, sizeof bytes, text);
    memcpy(signature, text, ES256_CHARS);
}

/* --- whose it is --- */

#define DER_BYTES 72 /* two numbers of 33 bytes at most, and three heads of two */

static bool is_p256(const EVP_PKEY *key)
{
    char group[16];
    size_t len;

    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

EVP_PKEY *es256_key_read(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error(); /* what TLS finds on this thread is its own */
    if (key == NULL || is_p256(key)) return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* OpenSSL takes a signature as a SEQUENCE of two INTEGERs.  Their length, or 0. */
static size_t write_der(const unsigned char bytes[2 * S_BYTES], unsigned char der[DER_BYTES])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, S_BYTES, NULL), *s = BN_bin2bn(bytes + S_BYTES, S_BYTES, NULL);
    int len = 0;

    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* the pair's */
        len = i2d_ECDSA_SIG(pair, NULL) <= DER_BYTES ? i2d_ECDSA_SIG(pair, &der) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

/* The other way round.  false: these bytes are no such SEQUENCE. */
static bool read_der(const unsigned char *der, size_t len, unsigned char bytes[2 * S_BYTES])
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool good = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, S_BYTES) == S_BYTES &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + S_BYTES, S_BYTES) == S_BYTES;

    ECDSA_SIG_free(pair);
    return good;
}

bool es256_sign(EVP_PKEY *key, struct str text, char out[ES256_CHARS + 1])
{
    unsigned char bytes[2 * S_BYTES], der[DER_BYTES];
    size_t len = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(ctx, der, &len, (const unsigned char *)text.at, text.len) == 1 &&
                read_der(der, len, bytes);

    EVP_MD_CTX_free(ctx);
    if (good) {
        base64url_encode(bytes, sizeof bytes, out);
        es256_canonicalize(out);
    }
    ERR_clear_error();
    return good;
}

bool es256_is_signed(EVP_PKEY *key, struct str text, struct str signature)
{
    unsigned char bytes[2 * S_BYTES], der[DER_BYTES];

    if (signature.len != ES256_CHARS) return false;
    base64url_decode(signature, bytes);
    size_t len = write_der(bytes, der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = len > 0 && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, der, len, (const unsigned char *)text.at, text.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

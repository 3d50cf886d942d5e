/* web_push.c - see web_push.h.  What OpenSSL refuses of keys that were read is a mistake of ours, or memory that is not there. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/fetch/web_push.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/es256.h"
#include "libshared/base/secret.h"

#define CURVE        "prime256v1"
#define HASH_BYTES   32
#define KEY_BYTES    16
#define NONCE_BYTES  12
#define TAG_BYTES    16
#define RECORD_BYTES 4096
#define LAST_RECORD  2 /* RFC 8188: what stands behind the text of the last record */
#define HEAD_BYTES   (WEB_PUSH_SALT_BYTES + 4 + 1 + WEB_PUSH_POINT_BYTES)

_Static_assert(HEAD_BYTES + WEB_PUSH_TEXT_MAX + 1 + TAG_BYTES == RECORD_BYTES, "a message is one record");

static void require(bool good)
{
    if (!good) abort();
}

/* --- keys --- */

static EVP_PKEY *make_key(OSSL_PARAM_BLD *build, int selection)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    require(params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
    if (EVP_PKEY_fromdata(ctx, &key, selection, params) != 1) key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    ERR_clear_error(); /* what TLS finds on this thread is its own */
    return key;
}

static OSSL_PARAM_BLD *begin_key(const unsigned char point[WEB_PUSH_POINT_BYTES])
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();

    require(build != NULL && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, CURVE, 0) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, WEB_PUSH_POINT_BYTES) == 1);
    return build;
}

/* NULL: no point of the curve. */
static EVP_PKEY *public_key(const unsigned char point[WEB_PUSH_POINT_BYTES])
{
    return make_key(begin_key(point), EVP_PKEY_PUBLIC_KEY);
}

static EVP_PKEY *private_key(const struct web_push_pair *pair)
{
    OSSL_PARAM_BLD *build = begin_key(pair->point);
    BIGNUM *secret = BN_new();

    require(secret != NULL && BN_bin2bn(pair->secret, sizeof pair->secret, secret) != NULL &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1);
    EVP_PKEY *key = make_key(build, EVP_PKEY_KEYPAIR);
    BN_clear_free(secret);
    require(key != NULL);
    return key;
}

void web_push_pair_make(struct web_push_pair *out)
{
    EVP_PKEY *key = EVP_EC_gen(CURVE);
    BIGNUM *secret = NULL;
    size_t len = 0;

    require(key != NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &secret) == 1 &&
            BN_bn2binpad(secret, out->secret, sizeof out->secret) == sizeof out->secret &&
            EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out->point, sizeof out->point, &len) == 1 &&
            len == sizeof out->point);
    BN_clear_free(secret);
    EVP_PKEY_free(key);
}

bool web_push_browser_read(struct str p256dh, struct str auth, struct web_push_browser *out)
{
    if (p256dh.len != (4 * sizeof out->point + 2) / 3 || auth.len != (4 * sizeof out->auth + 2) / 3) return false;
    if (!base64url_is_canonical(p256dh) || !base64url_is_canonical(auth)) return false;
    base64url_decode(p256dh, out->point);
    base64url_decode(auth, out->auth);
    if (out->point[0] != POINT_CONVERSION_UNCOMPRESSED) return false;
    EVP_PKEY *key = public_key(out->point);
    EVP_PKEY_free(key);
    return key != NULL;
}

/* --- RFC 8291 --- */

static void agree(
    const struct web_push_pair *own, const unsigned char point[WEB_PUSH_POINT_BYTES], unsigned char out[HASH_BYTES])
{
    EVP_PKEY *key = private_key(own), *other = public_key(point);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    size_t len = HASH_BYTES;

    require(other != NULL && ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
            EVP_PKEY_derive_set_peer(ctx, other) == 1 && EVP_PKEY_derive(ctx, out, &len) == 1 && len == HASH_BYTES);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(other);
    EVP_PKEY_free(key);
}

static void hmac(const void *key, size_t key_len, const void *text, size_t len, unsigned char out[HASH_BYTES])
{
    require(HMAC(EVP_sha256(), key, (int)key_len, text, len, out, NULL) != NULL);
}

/* HKDF of RFC 5869, of which one hash is enough; `info` ends with the byte 1, which counts it. */
static void derive(const unsigned char *salt, size_t salt_len, const unsigned char from[HASH_BYTES], const void *info,
    size_t info_len, unsigned char *out, size_t len)
{
    unsigned char extracted[HASH_BYTES], expanded[HASH_BYTES];

    hmac(salt, salt_len, from, HASH_BYTES, extracted);
    hmac(extracted, sizeof extracted, info, info_len, expanded);
    memcpy(out, expanded, len);
    secret_wipe(extracted, sizeof extracted);
    secret_wipe(expanded, sizeof expanded);
}

/* Of both points and both secrets: what the record's key and nonce are made of. */
static void make_keying(
    const struct web_push_browser *to, const struct web_push_pair *once, unsigned char keying[HASH_BYTES])
{
    static const char LABEL[] = "WebPush: info"; /* with its NUL */
    unsigned char shared[HASH_BYTES], info[sizeof LABEL + 2 * WEB_PUSH_POINT_BYTES + 1];

    memcpy(info, LABEL, sizeof LABEL);
    memcpy(info + sizeof LABEL, to->point, sizeof to->point);
    memcpy(info + sizeof LABEL + sizeof to->point, once->point, sizeof once->point);
    info[sizeof info - 1] = 1;
    agree(once, to->point, shared);
    derive(to->auth, sizeof to->auth, shared, info, sizeof info, keying, HASH_BYTES);
    secret_wipe(shared, sizeof shared);
}

/* `out` has room for the text, the byte behind it, and the tag. */
static void seal_record(
    const unsigned char key[KEY_BYTES], const unsigned char nonce[NONCE_BYTES], struct str text, unsigned char *out)
{
    static const unsigned char END = LAST_RECORD;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int len;

    require(cipher != NULL && EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, key, nonce) == 1 &&
            EVP_EncryptUpdate(cipher, out, &len, (const unsigned char *)text.at, (int)text.len) == 1 &&
            EVP_EncryptUpdate(cipher, out + text.len, &len, &END, 1) == 1 &&
            EVP_EncryptFinal_ex(cipher, out + text.len + 1, &len) == 1 &&
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + text.len + 1) == 1);
    EVP_CIPHER_CTX_free(cipher);
}

struct str web_push_encrypt(struct arena *arena, const struct web_push_browser *to, const struct web_push_pair *once,
    const unsigned char salt[WEB_PUSH_SALT_BYTES], struct str text)
{
    static const char KEY_INFO[] = "Content-Encoding: aes128gcm\0\1", NONCE_INFO[] = "Content-Encoding: nonce\0\1";
    unsigned char keying[HASH_BYTES], key[KEY_BYTES], nonce[NONCE_BYTES];
    size_t len = HEAD_BYTES + text.len + 1 + TAG_BYTES;
    unsigned char *out = arena_alloc(arena, len), *at = out + WEB_PUSH_SALT_BYTES;

    require(text.len <= WEB_PUSH_TEXT_MAX);
    memcpy(out, salt, WEB_PUSH_SALT_BYTES);
    memcpy(at, (const unsigned char[]){ 0, 0, RECORD_BYTES >> 8, 0, WEB_PUSH_POINT_BYTES }, 5);
    memcpy(at + 5, once->point, sizeof once->point);
    make_keying(to, once, keying);
    derive(salt, WEB_PUSH_SALT_BYTES, keying, KEY_INFO, sizeof KEY_INFO - 1, key, sizeof key);
    derive(salt, WEB_PUSH_SALT_BYTES, keying, NONCE_INFO, sizeof NONCE_INFO - 1, nonce, sizeof nonce);
    seal_record(key, nonce, text, out + HEAD_BYTES);
    secret_wipe(keying, sizeof keying);
    secret_wipe(key, sizeof key);
    return (struct str){ (char *)out, len };
}

/* --- RFC 8292 --- */

static struct str encoded(struct arena *arena, struct str text)
{
    size_t len = (4 * text.len + 2) / 3;
    char *out = arena_alloc(arena, len + 1);

    base64url_encode((const unsigned char *)text.at, text.len, out);
    return (struct str){ out, len };
}

struct str web_push_authorize(
    struct arena *arena, const struct web_push_pair *own, struct str origin, struct str contact, int64_t until_s)
{
    struct str claims = arena_printf(arena, "{\"aud\":\"%.*s\",\"exp\":%lld,\"sub\":\"%.*s\"}", STR_ARG(origin),
        (long long)until_s, STR_ARG(contact));
    struct str head = encoded(arena, STR("{\"typ\":\"JWT\",\"alg\":\"ES256\"}")), body = encoded(arena, claims);
    struct str text = arena_printf(arena, "%.*s.%.*s", STR_ARG(head), STR_ARG(body));
    struct str point = encoded(arena, (struct str){ (const char *)own->point, sizeof own->point });
    char signature[ES256_CHARS + 1];
    EVP_PKEY *key = private_key(own);

    require(es256_sign(key, text, signature));
    EVP_PKEY_free(key);
    return arena_printf(arena, "vapid t=%.*s.%s, k=%.*s", STR_ARG(text), signature, STR_ARG(point));
}

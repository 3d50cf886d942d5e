/* id_token.c - the tokens of other providers, with OpenSSL. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/oauth/id_token.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/wire/json.h"

#define DEPTH_MAX      16
#define TOKEN_MAX      16384
#define RSA_BYTES_MIN  256
#define RSA_BYTES_MAX  1024
#define EXPONENT_BYTES 4
#define P256_BYTES     32
#define SKEW_S         60 /* that its clock may be behind or ahead */

struct token_parts {
    struct str signed_part, signature; /* the signature's bytes */
    struct str alg, kid;               /* kid: STR_NONE: it names none */
    struct str claims;
};

static bool is_object(struct str text)
{
    return text.len > 0 && text.at[0] == '{' && json_check(text, DEPTH_MAX) == JSON_FINE;
}

static struct str decode_part(struct arena *arena, struct str text)
{
    if (!base64url_is_canonical(text)) return STR_NONE;
    char *bytes = arena_alloc(arena, text.len);
    return (struct str){ bytes, base64url_decode(text, (unsigned char *)bytes) };
}

/* RFC 7515 4.1.11: what we do not know and have to. */
static bool read_head(struct arena *arena, struct str head, struct token_parts *out)
{
    struct str raw;

    if (!is_object(head) || json_find(head, "crit", &raw) || !json_find_text(head, "alg", arena, &out->alg))
        return false;
    return !json_find(head, "kid", &raw) || json_decode_text(raw, arena, &out->kid);
}

static bool split_token(struct arena *arena, struct str token, struct token_parts *out)
{
    struct str rest = token, head, body;

    *out = (struct token_parts){ .kid = STR_NONE };
    if (token.len > TOKEN_MAX) return false;
    head = str_cut(&rest, '.');
    body = str_cut(&rest, '.');
    if (head.len == 0 || body.len == 0 || rest.at == NULL) return false;
    out->signed_part = (struct str){ token.at, head.len + 1 + body.len };
    out->signature = decode_part(arena, rest);
    out->claims = decode_part(arena, body);
    return out->signature.len > 0 && is_object(out->claims) && read_head(arena, decode_part(arena, head), out);
}

/* --- keys --- */

static struct str member_of(struct arena *arena, struct str key, const char *name)
{
    struct str text;

    return json_find_text(key, name, arena, &text) ? text : STR_NONE;
}

/* RFC 7517 4: absent, or this. */
static bool is_or_absent(struct arena *arena, struct str key, const char *name, const char *wanted)
{
    struct str raw;

    return !json_find(key, name, &raw) || str_is(member_of(arena, key, name), wanted);
}

static const char *kty_of(struct str alg)
{
    if (str_is(alg, "RS256")) return "RSA";
    return str_is(alg, "ES256") ? "EC" : NULL;
}

static bool key_fits(struct arena *arena, struct str key, const struct token_parts *token)
{
    const char *kty = kty_of(token->alg);

    if (kty == NULL || !str_is(member_of(arena, key, "kty"), kty)) return false;
    if (!is_or_absent(arena, key, "use", "sig") || !is_or_absent(arena, key, "alg", arena_cstr(arena, token->alg)))
        return false;
    return token->kid.at == NULL || str_eq(member_of(arena, key, "kid"), token->kid);
}

/* The one that fits; of a token that names none there may be one alone. */
static struct str find_key(struct arena *arena, struct str keys, const struct token_parts *token)
{
    struct str list, item, found = STR_NONE;
    struct json_open array = { 0 };
    struct json_in in;
    size_t n = 0;

    if (!is_object(keys) || !json_find(keys, "keys", &list)) return STR_NONE;
    json_begin(&in, list, DEPTH_MAX);
    if (json_peek(&in) == '[' && json_open_array(&in, &array))
        while (json_next_item(&in, &array) && json_skip(&in, &item))
            if (key_fits(arena, item, token)) {
                found = item;
                n++;
            }
    json_end(&in);
    return n == 1 ? found : STR_NONE;
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1)
        if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

/* Neither one that anybody factors, nor one that takes seconds to verify with. */
static EVP_PKEY *read_rsa(struct arena *arena, struct str jwk)
{
    struct str n = decode_part(arena, member_of(arena, jwk, "n")), e = decode_part(arena, member_of(arena, jwk, "e"));
    EVP_PKEY *key = NULL;

    if (n.len < RSA_BYTES_MIN || n.len > RSA_BYTES_MAX || n.at[0] == '\0' || e.len == 0 || e.len > EXPONENT_BYTES)
        return NULL;
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.at, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.at, (int)e.len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (modulus != NULL && exponent != NULL && build != NULL && BN_is_odd(exponent) && !BN_is_one(exponent) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = make_key("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

static EVP_PKEY *read_p256(struct arena *arena, struct str jwk)
{
    struct str x = decode_part(arena, member_of(arena, jwk, "x")), y = decode_part(arena, member_of(arena, jwk, "y"));
    unsigned char point[1 + 2 * P256_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
    EVP_PKEY *key = NULL;

    if (!str_is(member_of(arena, jwk, "crv"), "P-256") || x.len != P256_BYTES || y.len != P256_BYTES) return NULL;
    memcpy(point + 1, x.at, P256_BYTES);
    memcpy(point + 1 + P256_BYTES, y.at, P256_BYTES);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build != NULL && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        key = make_key("EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

/* --- the signature --- */

/* RFC 7518 3.4: two numbers, which OpenSSL wants in DER. */
static struct str der_of(struct arena *arena, struct str signature)
{
    struct str der = STR_NONE;
    unsigned char *bytes = NULL;

    if (signature.len != 2 * P256_BYTES) return STR_NONE;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn((const unsigned char *)signature.at, P256_BYTES, NULL);
    BIGNUM *s = BN_bin2bn((const unsigned char *)signature.at + P256_BYTES, P256_BYTES, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else {
        int len = i2d_ECDSA_SIG(pair, &bytes);
        if (len > 0) der = arena_str(arena, (struct str){ (const char *)bytes, (size_t)len });
        OPENSSL_free(bytes);
    }
    ECDSA_SIG_free(pair);
    return der;
}

static bool verifies(EVP_PKEY *key, struct str text, struct str signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, (const unsigned char *)signature.at, signature.len,
                    (const unsigned char *)text.at, text.len) == 1;

    EVP_MD_CTX_free(context);
    return good;
}

static bool is_signed(struct arena *arena, struct str jwk, const struct token_parts *token)
{
    bool is_rsa = str_is(token->alg, "RS256");
    EVP_PKEY *key = is_rsa ? read_rsa(arena, jwk) : read_p256(arena, jwk);
    struct str signature = is_rsa ? token->signature : der_of(arena, token->signature);
    bool good = key != NULL && signature.len > 0 && verifies(key, token->signed_part, signature);

    EVP_PKEY_free(key);
    return good;
}

/* --- the claims --- */

static bool is_issuer(struct str said, struct str wanted)
{
    if (str_eq(said, wanted)) return true;
    return str_starts(wanted, STR("https://")) && str_eq(said, str_skip(wanted, 8));
}

/* One text, or a list with ours in it; who else may use it is said by azp, which has to be us. */
static bool is_for_us(struct arena *arena, struct str claims, struct str client)
{
    struct str raw, item, text, azp;
    struct json_open array = { 0 };
    struct json_in in;
    bool is_ours = false;

    if (json_find(claims, "azp", &raw) && !(json_decode_text(raw, arena, &azp) && str_eq(azp, client))) return false;
    if (!json_find(claims, "aud", &raw)) return false;
    if (json_decode_text(raw, arena, &text)) return str_eq(text, client);
    json_begin(&in, raw, 2);
    if (json_peek(&in) == '[' && json_open_array(&in, &array))
        while (json_next_item(&in, &array) && json_skip(&in, &item))
            is_ours = is_ours || (json_decode_text(item, arena, &text) && str_eq(text, client));
    return json_end(&in) == JSON_FINE && is_ours;
}

static bool read_seconds(struct str claims, const char *name, int64_t *out)
{
    struct str raw;

    return json_find(claims, name, &raw) && str_to_int(raw, out) && *out >= 0 && *out < INT64_C(1) << 40;
}

static const char *check_claims(struct arena *arena, struct str claims, const struct id_token_wants *wants)
{
    int64_t expires, issued;

    if (!is_issuer(member_of(arena, claims, "iss"), wants->issuer)) return "other_issuer";
    if (!is_for_us(arena, claims, wants->client)) return "other_audience";
    if (!read_seconds(claims, "exp", &expires) || expires + SKEW_S <= wants->now_s) return "expired";
    if (!read_seconds(claims, "iat", &issued) || issued > wants->now_s + SKEW_S) return "not_yet";
    return str_eq(member_of(arena, claims, "nonce"), wants->nonce) ? NULL : "other_nonce";
}

const char *id_token_check(
    struct arena *arena, struct str keys, struct str token, const struct id_token_wants *wants, struct str *claims)
{
    struct token_parts parts;

    if (!split_token(arena, token, &parts)) return "no_token";
    struct str jwk = find_key(arena, keys, &parts);
    if (jwk.at == NULL) return "no_key";
    if (!is_signed(arena, jwk, &parts)) return "bad_signature";
    *claims = parts.claims;
    return check_claims(arena, parts.claims, wants);
}

bool id_token_key_is_there(struct arena *arena, struct str keys, struct str token)
{
    struct token_parts parts;

    return !split_token(arena, token, &parts) || find_key(arena, keys, &parts).at != NULL;
}

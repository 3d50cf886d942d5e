/* signing_key.c - ES256 pairs: made, named by their thumbprint, turned over. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/tokens/signing_key.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/log.h"
#include "libshared/db/rows.h"

static struct str take_bio(struct arena *arena, BIO *bio)
{
    char *at;
    long len = BIO_get_mem_data(bio, &at);
    struct str text = arena_str(arena, (struct str){ at, (size_t)len });

    BIO_free(bio);
    return text;
}

void signing_key_make(struct arena *arena, struct str *private_pem, struct str *public_pem)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    BIO *secret = BIO_new(BIO_s_secmem()), *open = BIO_new(BIO_s_mem());
    int good = pair != NULL && PEM_write_bio_PrivateKey(secret, pair, NULL, NULL, 0, NULL, NULL) &&
               PEM_write_bio_PUBKEY(open, pair);

    assert(good);
    *private_pem = take_bio(arena, secret);
    *public_pem = take_bio(arena, open);
    EVP_PKEY_free(pair);
}

static bool read_point(struct str public_pem, unsigned char point[65])
{
    BIO *bio = BIO_new_mem_buf(public_pem.at, (int)public_pem.len);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    size_t len = 0;
    bool good = key != NULL && EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, 65, &len) == 1 &&
                len == 65 && point[0] == 4; /* 4: both coordinates, in full */

    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

bool signing_key_jwk(struct str public_pem, struct jwk *out)
{
    unsigned char point[65], hash[32];
    char canonical[200];

    if (!read_point(public_pem, point)) return false;
    base64url_encode(point + 1, 32, out->x);
    base64url_encode(point + 33, 32, out->y);
    int len = snprintf(
        canonical, sizeof canonical, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", out->x, out->y);
    if (EVP_Digest(canonical, (size_t)len, hash, NULL, EVP_sha256(), NULL) != 1) return false;
    base64url_encode(hash, 32, out->kid);
    return true;
}

static const char LOCK_KEYS[] = "SELECT pg_advisory_xact_lock(hashtextextended('madang.auth.signing_key', 0))";

static const char NEWEST_KEY[] = "SELECT created_at AS at FROM signing_key WHERE retires_at IS NULL";

static const char RETIRE_KEY[] = "UPDATE signing_key SET retires_at = $1 WHERE retires_at IS NULL";

static const char INSERT_KEY[] =
    "INSERT INTO signing_key (kid, private_pem, public_pem, created_at, active_at) VALUES ($1, $2, $3, $4, $5)";

static const char FORGET_RETIRED[] =
    "UPDATE signing_key SET private_pem = NULL WHERE retires_at < $1 AND private_pem IS NOT NULL";

struct newest {
    int64_t at;
};
static const struct wire_field newest_fields[] = { ROW_FIELD(struct newest, at, TIME), ROW_END };
static const struct wire_shape newest_shape = { "newest", "", sizeof(struct newest), newest_fields };

static enum err insert_key(struct pg *pg, struct arena *arena, int64_t now, int64_t active_at)
{
    struct str private_pem, public_pem;
    struct jwk jwk;

    signing_key_make(arena, &private_pem, &public_pem);
    if (!signing_key_jwk(public_pem, &jwk)) return ERR_INTERNAL;
    LOG(INFO, "auth.signing_key", F_TEXT("kid", jwk.kid), F_INT("active_at", active_at));
    return pg_run(pg, arena, INSERT_KEY,
        PG_ARGS(pg_text(str_of(jwk.kid)), pg_text(private_pem), pg_text(public_pem), pg_time(now), pg_time(active_at)),
        NULL);
}

enum err signing_keys_turn(
    struct pg *pg, struct arena *arena, int64_t now, int64_t days, int64_t ttl_max_s, bool *changed)
{
    struct newest newest = { 0 };

    *changed = false;
    TRY(pg_run(pg, arena, LOCK_KEYS, PG_NO_ARGS, NULL));
    TRY(pg_run(pg, arena, FORGET_RETIRED, PG_ARGS(pg_time(now)), NULL));

    enum err e = pg_one(pg, arena, &newest_shape, &newest, NEWEST_KEY, PG_NO_ARGS);
    bool is_first = e == ERR_NOT_FOUND;
    if (e != OK && !is_first) return e;
    if (!is_first && now - newest.at < days * 86400000) return OK;

    int64_t active_at = is_first ? now : now + SIGNING_KEY_LEAD_MS;
    TRY(pg_run(pg, arena, RETIRE_KEY, PG_ARGS(pg_time(active_at + ttl_max_s * 1000 + SIGNING_KEY_LEAD_MS)), NULL));
    *changed = true;
    return insert_key(pg, arena, now, active_at);
}

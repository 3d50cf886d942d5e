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
#include "services/auth/auth.h"
#include "services/auth/sealed/auth_columns.h"

#define KEYS_KEPT_MAX   1000
#define FORMER_KEYS_MAX 14

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

/* --- in the database --- */

static const char LOCK_KEYS[] = "SELECT pg_advisory_xact_lock(hashtextextended('madang.auth.signing_key', 0))";

static const char PLAIN_KEYS[] = "SELECT kid, private_pem FROM signing_key WHERE private_pem IS NOT NULL";

static const char SEAL_KEY[] = "UPDATE signing_key SET sealed = $2, private_pem = NULL WHERE kid = $1";

static const char NEWEST_KEY[] =
    "SELECT kid, created_at, active_at, sealed, (SELECT count(*) FROM signing_key WHERE retires_at > $1) AS n_former"
    " FROM signing_key WHERE retires_at IS NULL";

static const char RETIRE_KEY[] = "UPDATE signing_key SET retires_at = $1 WHERE retires_at IS NULL";

static const char INSERT_KEY[] =
    "INSERT INTO signing_key (kid, sealed, public_pem, created_at, active_at) VALUES ($1, $2, $3, $4, $5)";

static const char FORGET_RETIRED[] =
    "UPDATE signing_key SET sealed = NULL WHERE retires_at < $1 AND sealed IS NOT NULL";

struct plain_key {
    struct str kid, private_pem;
};
struct plain_key_list {
    struct plain_key *at;
    size_t len;
};
static const struct wire_field plain_fields[] = {
    ROW_FIELD(struct plain_key, kid, TEXT),
    ROW_FIELD(struct plain_key, private_pem, TEXT),
    ROW_END,
};
static const struct wire_shape plain_shape = { "plain_key", "", sizeof(struct plain_key), plain_fields };

struct newest_key {
    struct str kid, sealed;
    int64_t created_at, active_at, n_former;
};
static const struct wire_field newest_fields[] = {
    ROW_FIELD(struct newest_key, kid, TEXT),
    ROW_FIELD(struct newest_key, sealed, BYTES),
    ROW_FIELD(struct newest_key, created_at, TIME),
    ROW_FIELD(struct newest_key, active_at, TIME),
    ROW_FIELD(struct newest_key, n_former, INT),
    ROW_END,
};
static const struct wire_shape newest_shape = { "newest", "", sizeof(struct newest_key), newest_fields };

enum err signing_key_open(struct arena *arena, struct str kid, struct str sealed, struct str *private_pem)
{
    return column_unseal(arena, &sealed_signing_key_sealed, kid, sealed, private_pem);
}

static enum err insert_key(struct pg *pg, struct arena *arena, int64_t now, int64_t active_at)
{
    struct str private_pem, public_pem;
    struct jwk jwk;

    signing_key_make(arena, &private_pem, &public_pem);
    if (!signing_key_jwk(public_pem, &jwk)) return ERR_INTERNAL;
    struct str kid = str_of(jwk.kid), sealed = column_seal(arena, &sealed_signing_key_sealed, kid, private_pem);
    LOG(INFO, "auth.signing_key", F_TEXT("kid", jwk.kid), F_INT("active_at", active_at));
    return pg_run(pg, arena, INSERT_KEY,
        PG_ARGS(pg_text(kid), pg_bytes(sealed), pg_text(public_pem), pg_time(now), pg_time(active_at)), NULL);
}

/* Of a version that kept them as they are. */
static enum err seal_plain_keys(struct pg *pg, struct arena *arena, size_t *n)
{
    struct plain_key_list plain;

    TRY(pg_all(pg, arena, &plain_shape, &plain, KEYS_KEPT_MAX, PLAIN_KEYS, PG_NO_ARGS));
    for (size_t i = 0; i < plain.len; i++) {
        struct plain_key *key = &plain.at[i];
        struct str sealed = column_seal(arena, &sealed_signing_key_sealed, key->kid, key->private_pem);
        TRY(pg_run(pg, arena, SEAL_KEY, PG_ARGS(pg_text(key->kid), pg_bytes(sealed)), NULL));
        LOG(INFO, "auth.signing_key_sealed", F_STR("kid", key->kid));
    }
    *n = plain.len;
    return OK;
}

static enum err turn_over(struct pg *pg, struct arena *arena, int64_t now, int64_t active_at, int64_t ttl_max_s)
{
    TRY(pg_run(pg, arena, RETIRE_KEY, PG_ARGS(pg_time(active_at + ttl_max_s * 1000 + SIGNING_KEY_LEAD_MS)), NULL));
    return insert_key(pg, arena, now, active_at);
}

static bool is_due(const struct newest_key *newest, int64_t now, int64_t days, size_t n_plain)
{
    return n_plain > 0 || now - newest->created_at >= days * 86400000;
}

enum err signing_keys_turn(
    struct pg *pg, struct arena *arena, int64_t now, int64_t days, int64_t ttl_max_s, bool *changed)
{
    struct newest_key newest = { .active_at = 0 };
    size_t n_plain;

    *changed = false;
    TRY(pg_run(pg, arena, LOCK_KEYS, PG_NO_ARGS, NULL));
    TRY(pg_run(pg, arena, FORGET_RETIRED, PG_ARGS(pg_time(now)), NULL));
    TRY(seal_plain_keys(pg, arena, &n_plain));

    enum err e = pg_one(pg, arena, &newest_shape, &newest, NEWEST_KEY, PG_ARGS(pg_time(now)));
    bool is_first = e == ERR_NOT_FOUND;
    if (e != OK && !is_first) return e;
    if (!is_first && !is_due(&newest, now, days, n_plain)) return OK;

    *changed = true;
    return turn_over(pg, arena, now, is_first ? now : now + SIGNING_KEY_LEAD_MS, ttl_max_s);
}

/* --- by an admin --- */

static const char LIST_KEYS[] =
    "SELECT kid, created_at, active_at, retires_at, CASE WHEN retires_at <= $1 THEN 'retired' WHEN active_at > $1 THEN"
    " 'next' WHEN active_at = (SELECT max(active_at) FROM signing_key WHERE active_at <= $1) THEN 'active' ELSE "
    "'former'"
    " END AS state FROM signing_key ORDER BY active_at DESC LIMIT 100";

enum err signing_key_list(struct call *call, const struct nothing *req, struct signing_key_page *rep)
{
    (void)req;
    return pg_all(call->pg, call->arena, signing_key_entry_shape(), &rep->signing_keys, 100, LIST_KEYS,
        PG_ARGS(pg_time(call->now)));
}

/* Gateways know 16 keys: one more would push out one whose tokens hold. */
static enum err check_rotation(struct call *call, const struct newest_key *newest)
{
    if (newest->active_at > call->now)
        return call_fail(call, ERR_CONFLICT, "The next key takes over in %lld s",
            (long long)((newest->active_at - call->now + 999) / 1000));
    if (newest->n_former >= FORMER_KEYS_MAX)
        return call_fail(call, ERR_CONFLICT, "There are %d former keys whose tokens still hold; wait for one to retire",
            FORMER_KEYS_MAX);
    return OK;
}

enum err signing_key_rotate(struct call *call, const struct nothing *req, struct signing_key_page *rep)
{
    struct newest_key newest = { .active_at = 0 };

    TRY(pg_run(call->pg, call->arena, LOCK_KEYS, PG_NO_ARGS, NULL));
    TRY(pg_one(call->pg, call->arena, &newest_shape, &newest, NEWEST_KEY, PG_ARGS(pg_time(call->now))));
    TRY(check_rotation(call, &newest));
    TRY(turn_over(
        call->pg, call->arena, call->now, call->now + SIGNING_KEY_LEAD_MS, auth_settings(call)->token_ttl_max_s));
    TRY(audit_add(call, "signing_key.rotate", newest.kid, STR("{}")));
    trust_changed(call);
    return signing_key_list(call, req, rep);
}

/* token_cost.c - microseconds of CPU that a gateway takes to check a token: seen for the first time, and remembered; beside one
 * verification of its signature by OpenSSL alone, in turns. */
// SPDX-License-Identifier: Apache-2.0
#include <ev.h>
#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/base/clock.h"
#include "libshared/base/es256.h"
#include "services/gateway/identity/bearer.h"

#define TOKENS 500
#define ROUNDS 20
#define TEXT   STR("a token's head and claims, some three hundred bytes of them")

static EVP_PKEY *pair;
static char secret_pem[1000], public_pem[1000];
static char *tokens[TOKENS];
static unsigned char signature[200];
static size_t signature_len = sizeof signature;

/* Of this process: what else the machine does is not in it. */
static int64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void give_up(const char *what)
{
    fprintf(stderr, "token_cost: %s\n", what);
    exit(1);
}

static void read_pem(BIO *bio, char *to, size_t size)
{
    int n = BIO_read(bio, to, (int)size - 1);

    if (n <= 0) give_up("no key");
    to[n] = '\0';
    BIO_free(bio);
}

static void make_keys(void)
{
    BIO *secret = BIO_new(BIO_s_mem()), *public = BIO_new(BIO_s_mem());

    pair = EVP_EC_gen("P-256");
    PEM_write_bio_PrivateKey(secret, pair, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_PUBKEY(public, pair);
    read_pem(secret, secret_pem, sizeof secret_pem);
    read_pem(public, public_pem, sizeof public_pem);
}

/* As auth makes them. */
static char *make_token(int n)
{
    long now = (long)(clock_ms() / 1000);
    char subject[40];
    jwt_t *jwt = NULL;

    snprintf(subject, sizeof subject, "subject-%d", n);
    if (jwt_new(&jwt) != 0 ||
        jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)secret_pem, (int)strlen(secret_pem)) != 0)
        give_up("no token");
    jwt_add_header(jwt, "kid", "k1");
    jwt_add_grant(jwt, "iss", "madang");
    jwt_add_grant(jwt, "aud", "bench");
    jwt_add_grant(jwt, "sub", subject);
    jwt_add_grant(jwt, "pol", "chat");
    jwt_add_grant(jwt, "key", "key1");
    jwt_add_grant_int(jwt, "iat", now);
    jwt_add_grant_int(jwt, "exp", now + 3600);
    char *text = jwt_encode_str(jwt);
    if (text == NULL) give_up("no signature");
    es256_canonicalize(text + strlen(text) - ES256_CHARS);
    jwt_free(jwt);
    return text;
}

static void on_change(void *arg, const struct trust *page)
{
    (void)arg, (void)page;
}

static void take_trust(struct trusted *trusted)
{
    struct policy_rule rules[] = { { .effect = STR("allow") } };
    struct policy policies[] = { { .name = STR("chat"), .rules = { rules, 1 } } };
    struct signing_key keys[] = { { STR("k1"), str_of(public_pem) } };
    struct trust_key api_keys[] = { { .key = STR("key1"), .impersonate = true } };
    struct trust record = { .issuer = STR("madang"),
        .audience = STR("bench"),
        .keys = { keys, 1 },
        .policies = { policies, 1 },
        .api_keys = { api_keys, 1 },
        .position = 1 };
    struct buf bytes = BUF(100000);

    if (wire_encode(trust_shape(), &record, &bytes) != OK || trusted_take(trusted, buf_str(&bytes)) != OK)
        give_up("no trust");
    buf_free(&bytes);
}

static int64_t check_all(struct bearers *bearers)
{
    int64_t began = cpu_us();

    for (int i = 0; i < TOKENS; i++) {
        struct rights rights = { 0 };
        if (rights_get(bearers, str_of(tokens[i]), STR("192.0.2.1"), &rights) != OK) give_up("a token is no good");
        rights_drop(&rights);
    }
    return cpu_us() - began;
}

static int64_t verify_all(void)
{
    int64_t began = cpu_us();

    for (int i = 0; i < TOKENS; i++) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pair) != 1 ||
            EVP_DigestVerify(ctx, signature, signature_len, (const unsigned char *)TEXT.at, TEXT.len) != 1)
            give_up("a signature is no good");
        EVP_MD_CTX_free(ctx);
    }
    return cpu_us() - began;
}

static void sign_text(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pair) != 1 ||
        EVP_DigestSign(ctx, signature, &signature_len, (const unsigned char *)TEXT.at, TEXT.len) != 1)
        give_up("nothing is signed");
    EVP_MD_CTX_free(ctx);
}

int main(void)
{
    struct trusted *trusted = trusted_create(ev_default_loop(0), on_change, NULL, NULL);
    struct bearers *bearers = bearers_create(trusted);
    int64_t alone = 0, first = 0, again = 0;

    make_keys();
    sign_text();
    take_trust(trusted);
    for (int i = 0; i < TOKENS; i++) tokens[i] = make_token(i);
    for (int i = 0; i < ROUNDS; i++) {
        bearers_forget(bearers);
        alone += verify_all();
        first += check_all(bearers);
        again += check_all(bearers);
    }
    double n = TOKENS * ROUNDS;
    printf("token checks   not cached %.1f us, %.2f x one verification by OpenSSL alone (%.1f us); cached %.2f us, "
           "%.0f x less\n",
        (double)first / n, (double)first / (double)alone, (double)alone / n, (double)again / n,
        (double)first / (double)again);
    for (int i = 0; i < TOKENS; i++) free(tokens[i]);
    EVP_PKEY_free(pair);
    bearers_destroy(&bearers);
    trusted_destroy(&trusted);
    return again * 2 < first ? 0 : 1; /* what is remembered is not verified again */
}

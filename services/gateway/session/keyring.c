/* keyring.c - API keys as credentials: exchanged for tokens, which are remembered. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/session/keyring.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "libshared/base/table.h"
#include "libshared/policy/api_key.h"
#include "services/gateway/methods.h"
#include "services/gateway/session/refusal.h"

#define HELD_MAX        10000
#define WAITING_MAX     1000 /* for one key */
#define WAITING_ALL_MAX 10000
#define RETRY_MS        1000 /* what `overloaded` advises */
#define ADDRESS_MAX     64
#define ASK_BYTES_MAX   4096
#define ARENA_BYTES     65536

struct waiting {
    keyring_done *done;
    void *arg;
};

/* One key from one address. */
struct held {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct keyring *home;
    char id[API_KEY_ID_CHARS + 1], address[ADDRESS_MAX + 1];
    char *token;      /* NULL: auth has to be asked */
    int64_t renew_at; /* ask for the next one */
    bool known;       /* auth took it once: it is no guess */
    bool asked;       /* token.issue is under way */
    bool loose;       /* and what is trusted has changed since: out of the table, freed with the answer */
    struct waiting *waiting;
    size_t n_waiting, cap;
    UT_hash_handle hh; /* in the order of their coming */
};

struct keyring {
    struct bearers *bearers;
    struct rates *rates;
    struct rpc_client *auth;
    struct held *table;
    size_t n_waiting; /* of all */
};

struct keyring *keyring_create(struct bearers *bearers, struct rates *rates, struct rpc_client *auth)
{
    struct keyring *keyring = mem_zero(sizeof *keyring);

    keyring->bearers = bearers;
    keyring->rates = rates;
    keyring->auth = auth;
    return keyring;
}

static void free_held(struct held *held)
{
    mem_free(held->token);
    mem_free(held->waiting);
    mem_free(held);
}

static void forget(struct held *held)
{
    if (!held->loose) HASH_DEL(held->home->table, held);
    free_held(held);
}

void keyring_destroy(struct keyring **keyring)
{
    if (*keyring == NULL) return;
    while ((*keyring)->table != NULL) forget((*keyring)->table);
    mem_free(*keyring);
    *keyring = NULL;
}

static void forget_token(struct held *held)
{
    mem_free(held->token);
    held->token = NULL;
}

/* An answer under way may be older than the change: it serves those who wait already, and nobody after them. */
static void let_loose(struct held *held)
{
    HASH_DEL(held->home->table, held);
    held->loose = true;
}

void keyring_doubt(struct keyring *keyring)
{
    struct held *held, *next;

    HASH_ITER(hh, keyring->table, held, next)
    {
        if (held->asked)
            let_loose(held);
        else
            forget_token(held);
    }
}

bool keyring_is_key(struct str credential)
{
    return str_starts(credential, STR("mdk_"));
}

/* --- what auth answers --- */

struct verdict {
    enum err e;
    struct failure why;
    struct token token; /* OK */
};

static struct verdict read_verdict(enum err status, struct str body, struct arena *arena)
{
    struct verdict verdict = { .e = status };
    struct wire_error why;

    if (status != OK)
        rpc_failure_read(body, arena, &verdict.why);
    else if (wire_decode(token_shape(), body, arena, &verdict.token, &why) != OK)
        verdict = (struct verdict){ .e = ERR_INTERNAL, .why = refusal_plain(ERR_INTERNAL) };
    return verdict;
}

static void remember(struct held *held, const struct token *token)
{
    int64_t now = clock_ms();

    forget_token(held);
    held->token = mem_zero(token->token.len + 1);
    memcpy(held->token, token->token.at, token->token.len);
    held->renew_at = now + (token->expires_at - now) / 10 * 9;
    held->known = true;
}

/* May free it.  A token that still serves stays if auth is only away. */
static void settle(struct held *held, const struct verdict *verdict)
{
    bool refused = refusal_is_of_credential(verdict->e);

    if (!held->known && !refused) rates_give_back(held->home->rates, RATE_auth, str_of(held->address));
    if (verdict->e == OK) remember(held, &verdict->token);
    if (held->loose || refused || !held->known) forget(held);
}

static void refuse(const struct waiting *to, enum err e, int64_t retry_after_ms)
{
    struct failure why = refusal_later(e, retry_after_ms);

    to->done(to->arg, e, &why, NULL);
}

static void tell(const struct waiting *to, enum err e, const struct rights *rights)
{
    if (e == OK)
        to->done(to->arg, OK, NULL, rights);
    else
        refuse(to, e, 0);
}

static void answer(struct keyring *keyring, struct str address, const struct waiting *to, const struct verdict *verdict)
{
    struct rights rights = { 0 };

    if (verdict->e != OK)
        to->done(to->arg, verdict->e, &verdict->why, NULL);
    else
        tell(to, rights_get(keyring->bearers, verdict->token.token, address, &rights), &rights);
}

/* Whom we answer may come back with the next request at once: by then `held` is as it shall be, or gone. */
static void on_reply(void *arg, enum err status, struct str body)
{
    struct held *held = arg;
    struct keyring *keyring = held->home;
    struct waiting *waiting = held->waiting;
    size_t n = held->n_waiting;
    /* bound: a token or a failure, which have no lists */
    struct arena *arena = arena_create("keyring", ARENA_BYTES);
    const char *address = arena_cstr(arena, str_of(held->address)); /* settle() may free it */
    struct verdict verdict = read_verdict(status, body, arena);

    LOG(INFO, "gateway.key", F_TEXT("key", held->id), F_TEXT("address", held->address),
        F_TEXT("code", err_code(verdict.e)), F_INT("requests", n));
    keyring->n_waiting -= n;
    held->asked = false;
    held->waiting = NULL;
    held->n_waiting = held->cap = 0;
    settle(held, &verdict);
    for (size_t i = 0; i < n; i++) answer(keyring, str_of(address), &waiting[i], &verdict);
    mem_free(waiting);
    arena_destroy(&arena);
}

/* As POST /auth/token with nothing but the key. */
static void ask(struct held *held, struct str key, struct str trace)
{
    const struct wire_shape *shape = methods[M_token_issue].req();
    struct token_draft draft = { .api_key = key, .ttl_s = wire_find(shape, STR("ttl_s"))->fallback };
    struct principal who = { .kind = STR("anonymous"), .address = str_of(held->address) };
    struct buf body = BUF(ASK_BYTES_MAX);
    enum err e = wire_encode(shape, &draft, &body);

    assert(e == OK);
    held->asked = true;
    method_call(held->home->auth, M_token_issue, &who, trace, buf_str(&body), on_reply, held);
    secret_wipe(body.at, body.len);
    buf_free(&body);
}

/* --- who asks --- */

static void digest_of(struct str key, struct str address, unsigned char out[SHA256_DIGEST_LENGTH])
{
    char both[API_KEY_CHARS + ADDRESS_MAX];

    assert(key.len == API_KEY_CHARS && address.len <= ADDRESS_MAX);
    memcpy(both, key.at, key.len);
    memcpy(both + key.len, address.at, address.len);
    SHA256((const unsigned char *)both, key.len + address.len, out);
    secret_wipe(both, sizeof both);
}

static bool make_room(struct keyring *keyring)
{
    struct held *held, *next;

    if (HASH_COUNT(keyring->table) < HELD_MAX) return true;
    HASH_ITER(hh, keyring->table, held, next)
    {
        if (held->asked) continue;
        forget(held);
        return true;
    }
    return false;
}

static struct held *hold(
    struct keyring *keyring, const unsigned char *digest, const struct api_key_parts *parts, struct str address)
{
    struct held *held = mem_zero(sizeof *held);

    held->home = keyring;
    memcpy(held->digest, digest, sizeof held->digest);
    memcpy(held->id, parts->id.at, parts->id.len);
    memcpy(held->address, address.at, address.len);
    HASH_ADD(hh, keyring->table, digest, sizeof held->digest, held);
    return held;
}

static void wait_for(struct held *held, struct waiting who)
{
    if (held->n_waiting == held->cap) {
        held->cap = held->cap > 0 ? held->cap * 2 : 4;
        held->waiting = mem_grow(held->waiting, held->cap * sizeof who);
    }
    held->waiting[held->n_waiting++] = who;
    held->home->n_waiting++;
}

/* A guess, until auth says otherwise.  false: there were too many, and he was told. */
static bool may_guess(struct keyring *keyring, struct str address, const struct waiting *who)
{
    int64_t retry_ms = rates_take(keyring->rates, RATE_auth, address, clock_mono_us());

    if (retry_ms > 0) refuse(who, ERR_RATE_LIMITED, retry_ms);
    return retry_ms == 0;
}

/* false: there is no token, or its time is over. */
static bool use_token(struct held *held, struct str key, struct str trace, const struct waiting *who)
{
    struct rights rights = { 0 };

    if (held == NULL || held->token == NULL) return false;
    enum err e = rights_get(held->home->bearers, str_of(held->token), str_of(held->address), &rights);
    if (e == ERR_TOKEN_EXPIRED) return false;
    if (!held->asked && held->renew_at <= clock_ms()) ask(held, key, trace);
    tell(who, e, &rights);
    return true;
}

static bool has_place(struct keyring *keyring, const struct held *held)
{
    if (keyring->n_waiting >= WAITING_ALL_MAX) return false;
    return held != NULL ? held->n_waiting < WAITING_MAX : make_room(keyring);
}

void keyring_rights(
    struct keyring *keyring, struct str key, struct str address, struct str trace, keyring_done *done, void *arg)
{
    const struct waiting who = { done, arg };
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct api_key_parts parts;
    struct held *held;

    if (!api_key_parse(key, &parts)) {
        if (may_guess(keyring, address, &who)) refuse(&who, ERR_KEY_INVALID, 0);
        return;
    }
    digest_of(key, address, digest);
    HASH_FIND(hh, keyring->table, digest, sizeof digest, held);
    if (use_token(held, key, trace, &who)) return;
    if (held == NULL && !may_guess(keyring, address, &who)) return; /* before another has to go for it */
    if (!has_place(keyring, held)) {
        refuse(&who, ERR_OVERLOADED, RETRY_MS);
        return;
    }
    if (held == NULL) held = hold(keyring, digest, &parts, address);
    wait_for(held, who);
    if (!held->asked) ask(held, key, trace);
}

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
    char *token;         /* NULL: auth has to be asked */
    int64_t renew_at;    /* ask for the next one */
    bool known;          /* auth took it once */
    bool asked;          /* token.issue is under way, or waits for its turn */
    bool loose;          /* and what is trusted has changed since: out of the table, freed with the answer */
    struct guess *guess; /* while token.issue is under way */
    char *key, *trace;   /* while it waits for its turn */
    struct waiting *waiting;
    size_t n_waiting, cap;
    UT_hash_handle hh; /* in the order of their coming */
};

struct keyring {
    struct bearers *bearers;
    struct guesses *guesses;
    struct rates *rates;
    struct rpc_client *auth;
    struct held *table;
    size_t n_waiting; /* of all */
};

struct keyring *keyring_create(
    struct bearers *bearers, struct guesses *guesses, struct rates *rates, struct rpc_client *auth)
{
    struct keyring *keyring = mem_zero(sizeof *keyring);

    keyring->bearers = bearers;
    keyring->guesses = guesses;
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
static void settle(struct held *held, const struct verdict *verdict, bool refused)
{
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
static void conclude(struct held *held, const struct verdict *verdict, bool refused)
{
    struct keyring *keyring = held->home;
    struct waiting *waiting = held->waiting;
    size_t n = held->n_waiting;
    char address[ADDRESS_MAX + 1]; /* settle() may free it */

    memcpy(address, held->address, sizeof address);
    LOG(INFO, "gateway.key", F_TEXT("key", held->id), F_TEXT("address", held->address),
        F_TEXT("code", err_code(verdict->e)), F_INT("requests", n));
    keyring->n_waiting -= n;
    held->asked = false;
    held->waiting = NULL;
    held->n_waiting = held->cap = 0;
    settle(held, verdict, refused);
    for (size_t i = 0; i < n; i++) answer(keyring, str_of(address), &waiting[i], verdict);
    mem_free(waiting);
}

static void on_reply(void *arg, enum err status, struct str body)
{
    struct held *held = arg;
    struct guess *guess = held->guess;
    /* bound: a token or a failure, which have no lists */
    struct arena *arena = arena_create("keyring", ARENA_BYTES);
    struct verdict verdict = read_verdict(status, body, arena);

    held->guess = NULL;
    bool refused = refusal_is_of_credential(verdict.e);
    int64_t retry_ms = guess_end(guess, verdict.e);
    if (retry_ms > 0)
        verdict = (struct verdict){ .e = ERR_RATE_LIMITED,
            .why = refusal_of_rate(ERR_RATE_LIMITED, held->home->rates, RATE_auth, retry_ms) };
    conclude(held, &verdict, refused);
    arena_destroy(&arena);
}

/* As POST /auth/token with nothing but the key. */
static void ask(struct held *held)
{
    const struct wire_shape *shape = methods[M_token_issue].req();
    struct token_draft draft = { .api_key = str_of(held->key), .ttl_s = wire_find(shape, STR("ttl_s"))->fallback };
    struct principal who = { .kind = STR("anonymous"), .address = str_of(held->address) };
    struct buf body = BUF(ASK_BYTES_MAX);
    enum err e = wire_encode(shape, &draft, &body);

    assert(e == OK);
    method_call(held->home->auth, M_token_issue, &who, str_of(held->trace), buf_str(&body), on_reply, held);
    secret_wipe(body.at, body.len);
    buf_free(&body);
}

static void forget_key(struct held *held)
{
    secret_wipe(held->key, strlen(held->key));
    mem_free(held->key);
    mem_free(held->trace);
    held->key = held->trace = NULL;
}

static void on_turn(void *arg, enum err e, int64_t retry_after_ms, struct guess *guess)
{
    struct held *held = arg;

    held->guess = guess;
    if (e == OK) ask(held);
    forget_key(held);
    if (e != OK)
        conclude(held,
            &(struct verdict){ .e = e, .why = refusal_of_rate(e, held->home->rates, RATE_auth, retry_after_ms) },
            false);
}

static char *copy(struct str text)
{
    char *out = mem_zero(text.len + 1);

    memcpy(out, text.at, text.len);
    return out;
}

static void ask_in_turn(struct held *held, struct str key, struct str trace)
{
    held->asked = true;
    held->key = copy(key);
    held->trace = copy(trace);
    guess_begin(held->home->guesses, held->digest, str_of(held->address), on_turn, held);
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

/* What is no key at all is no guess either: it costs nobody a question, and keeps no key out. */
static void refuse_malformed(struct keyring *keyring, struct str address, const struct waiting *to)
{
    int64_t retry_ms = rates_take(keyring->rates, RATE_malformed, address, clock_mono_us());
    enum err e = retry_ms > 0 ? ERR_RATE_LIMITED : ERR_KEY_INVALID;
    struct failure why = refusal_of_rate(e, keyring->rates, RATE_malformed, retry_ms);

    to->done(to->arg, e, &why, NULL);
}

void keyring_present(struct keyring *keyring, struct str key, struct str address, guess_turn *turn, void *arg)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    digest_of(key, address, digest);
    guess_begin(keyring->guesses, digest, address, turn, arg);
}

/* false: there is no token, or its time is over. */
static bool use_token(struct held *held, struct str key, struct str trace, const struct waiting *who)
{
    struct rights rights = { 0 };

    if (held == NULL || held->token == NULL) return false;
    enum err e = rights_get(held->home->bearers, str_of(held->token), str_of(held->address), &rights);
    if (e == ERR_TOKEN_EXPIRED) return false;
    if (!held->asked && held->renew_at <= clock_ms()) ask_in_turn(held, key, trace);
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
        refuse_malformed(keyring, address, &who);
        return;
    }
    digest_of(key, address, digest);
    HASH_FIND(hh, keyring->table, digest, sizeof digest, held);
    if (use_token(held, key, trace, &who)) return;
    if (!has_place(keyring, held)) {
        refuse(&who, ERR_OVERLOADED, RETRY_MS);
        return;
    }
    if (held == NULL) held = hold(keyring, digest, &parts, address);
    wait_for(held, who);
    if (!held->asked) ask_in_turn(held, key, trace);
}

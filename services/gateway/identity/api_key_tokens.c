/* api_key_tokens.c - API keys as credentials: exchanged for tokens, which are remembered. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/api_key_tokens.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/ask_cache.h"
#include "libshared/base/clock.h"
#include "libshared/base/container_of.h"
#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "libshared/policy/api_key.h"
#include "services/gateway/methods.h"
#include "services/gateway/identity/refusal.h"

#define HELD_MAX        10000
#define WAITING_MAX     1000 /* for one key */
#define WAITING_ALL_MAX 10000
#define RETRY_MS        1000 /* what `overloaded` advises */
#define ADDRESS_MAX     64
#define ASK_BYTES_MAX   4096
#define ARENA_BYTES     65536

struct token_waiter {
    struct asker asker;
    api_key_tokens_done *done;
    void *arg;
};

/* One key from one address.  Asked about: token.issue is under way, or waits for its turn. */
struct key_token {
    struct ask_entry entry; /* weighs one */
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct api_key_tokens *home;
    char id[API_KEY_ID_CHARS + 1], address[ADDRESS_MAX + 1];
    char *token;         /* NULL: auth never gave one */
    int64_t renew_at;    /* ask for the next one */
    struct guess *guess; /* while token.issue is under way */
    char *key, *trace;   /* while it waits for its turn */
};

struct api_key_tokens {
    struct bearers *bearers;
    struct guesses *guesses;
    struct rates *rates;
    const struct service_pipes *auth;
    struct ask_cache cache;
    size_t n_waiting; /* of all */
};

static struct key_token *held_of(struct ask_entry *entry)
{
    return entry == NULL ? NULL : CONTAINER_OF(entry, struct key_token, entry);
}

static struct token_waiter *next_waiting(struct askers *askers)
{
    struct asker *asker = askers_next(askers);

    return asker == NULL ? NULL : CONTAINER_OF(asker, struct token_waiter, asker);
}

static void free_held(struct ask_entry *entry)
{
    struct key_token *held = held_of(entry);
    struct token_waiter *who;

    while ((who = next_waiting(&entry->askers)) != NULL) mem_free(who);
    mem_free(held->token);
    mem_free(held);
}

struct api_key_tokens *api_key_tokens_create(
    struct bearers *bearers, struct guesses *guesses, struct rates *rates, const struct service_pipes *auth)
{
    struct api_key_tokens *api_key_tokens = mem_zero(sizeof *api_key_tokens);

    ask_cache_init(&api_key_tokens->cache, HELD_MAX, free_held);
    api_key_tokens->bearers = bearers;
    api_key_tokens->guesses = guesses;
    api_key_tokens->rates = rates;
    api_key_tokens->auth = auth;
    return api_key_tokens;
}

void api_key_tokens_destroy(struct api_key_tokens **api_key_tokens)
{
    if (*api_key_tokens == NULL) return;
    ask_cache_clear(&(*api_key_tokens)->cache);
    mem_free(*api_key_tokens);
    *api_key_tokens = NULL;
}

void api_key_tokens_recheck(struct api_key_tokens *api_key_tokens)
{
    ask_cache_invalidate(&api_key_tokens->cache);
}

bool api_key_tokens_is_key(struct str credential)
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

static void remember_token(struct key_token *held, const struct token *token)
{
    int64_t now = clock_ms();

    mem_free(held->token);
    held->token = mem_zero(token->token.len + 1);
    memcpy(held->token, token->token.at, token->token.len);
    held->renew_at = now + (token->expires_at - now) / 10 * 9;
}

/* May free it.  A token that still serves stays if auth is only away. */
static void settle_held(struct key_token *held, const struct verdict *verdict, bool refused)
{
    if (verdict->e == OK) remember_token(held, &verdict->token);
    if (refused || held->token == NULL)
        ask_forget(&held->entry);
    else
        ask_keep(&held->entry);
}

static void refuse_waiting(const struct token_waiter *to, enum err e, int64_t retry_after_ms)
{
    struct failure why = refusal_later(e, retry_after_ms);

    to->done(to->arg, e, &why, NULL);
}

static void tell_waiting(const struct token_waiter *to, enum err e, const struct rights *rights)
{
    if (e == OK)
        to->done(to->arg, OK, NULL, rights);
    else
        refuse_waiting(to, e, 0);
}

static void answer_waiting(struct api_key_tokens *api_key_tokens, struct str address, const struct token_waiter *to,
    const struct verdict *verdict)
{
    struct rights rights = { 0 };

    if (verdict->e != OK)
        to->done(to->arg, verdict->e, &verdict->why, NULL);
    else
        tell_waiting(to, rights_get(api_key_tokens->bearers, verdict->token.token, address, &rights), &rights);
}

/* Strangers bring wrong keys as often as they like. */
static void log_verdict(const struct key_token *held, enum err e, size_t requests)
{
    static struct log_bound refused;
    int64_t left_out = 0;

    if (e != OK && !log_may_write(&refused, &left_out)) return;
    LOG(INFO, "gateway.key", F_TEXT("key", held->id), F_TEXT("address", held->address), F_TEXT("code", err_code(e)),
        F_INT("requests", requests), F_SOME("left_out", left_out));
}

/* The caller of an answered request may send the next one at once: by then `held` is as it shall be, or gone. */
static void conclude_guess(struct key_token *held, const struct verdict *verdict, bool refused)
{
    struct api_key_tokens *api_key_tokens = held->home;
    struct askers askers = ask_take(&held->entry);
    struct token_waiter *who;
    char address[ADDRESS_MAX + 1]; /* settle() may free it */

    memcpy(address, held->address, sizeof address);
    log_verdict(held, verdict->e, askers.n);
    assert(api_key_tokens->n_waiting >= askers.n);
    api_key_tokens->n_waiting -= askers.n;
    settle_held(held, verdict, refused);
    while ((who = next_waiting(&askers)) != NULL) {
        answer_waiting(api_key_tokens, str_of(address), who, verdict);
        mem_free(who);
    }
}

static void on_reply(void *arg, enum err status, struct str body)
{
    struct key_token *held = arg;
    struct guess *guess = held->guess;
    /* bound: a token or a failure, which have no lists */
    struct arena *arena = arena_create("api_key_tokens", ARENA_BYTES);
    struct verdict verdict = read_verdict(status, body, arena);

    held->guess = NULL;
    bool refused = refusal_is_of_credential(verdict.e);
    int64_t retry_ms = guess_end(guess, verdict.e);
    if (retry_ms > 0)
        verdict = (struct verdict){ .e = ERR_RATE_LIMITED,
            .why = refusal_of_rate(ERR_RATE_LIMITED, held->home->rates, RATE_auth, retry_ms) };
    conclude_guess(held, &verdict, refused);
    arena_destroy(&arena);
}

/* As POST /auth/token with nothing but the key. */
static void ask_auth(struct key_token *held)
{
    const struct wire_shape *shape = methods[M_auth_token_issue].req();
    struct token_draft draft = { .api_key = str_of(held->key), .ttl_s = wire_find(shape, STR("ttl_s"))->fallback };
    struct principal who = { .kind = STR("service"), .address = str_of(held->address) };
    struct buf body = BUF(ASK_BYTES_MAX);
    enum err e = wire_encode(shape, &draft, &body);

    assert(e == OK);
    method_call(held->home->auth, M_auth_token_issue, &who, str_of(held->trace), buf_str(&body), on_reply, held);
    secret_wipe(body.at, body.len);
    buf_free(&body);
}

static void forget_key(struct key_token *held)
{
    secret_wipe(held->key, strlen(held->key));
    mem_free(held->key);
    mem_free(held->trace);
    held->key = held->trace = NULL;
}

static void on_turn(void *arg, enum err e, int64_t retry_after_ms, struct guess *guess)
{
    struct key_token *held = arg;

    held->guess = guess;
    if (e == OK) ask_auth(held);
    forget_key(held);
    if (e != OK)
        conclude_guess(held,
            &(struct verdict){ .e = e, .why = refusal_of_rate(e, held->home->rates, RATE_auth, retry_after_ms) },
            false);
}

static char *copy_text(struct str text)
{
    char *out = mem_zero(text.len + 1);

    memcpy(out, text.at, text.len);
    return out;
}

static void ask_in_turn(struct key_token *held, struct str key, struct str trace)
{
    held->key = copy_text(key);
    held->trace = copy_text(trace);
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

static struct key_token *add_held(struct api_key_tokens *api_key_tokens, const unsigned char *digest,
    const struct api_key_parts *parts, struct str address)
{
    struct key_token *held = mem_zero(sizeof *held);

    held->home = api_key_tokens;
    memcpy(held->digest, digest, sizeof held->digest);
    memcpy(held->id, parts->id.at, parts->id.len);
    memcpy(held->address, address.at, address.len);
    ask_add(&api_key_tokens->cache, &held->entry, held->digest, sizeof held->digest);
    ask_weigh(&held->entry, 1);
    return held;
}

static void wait_for(struct key_token *held, const struct token_waiter *who)
{
    struct token_waiter *waiting = mem_alloc(sizeof *waiting);

    *waiting = *who;
    ask_wait(&held->entry, &waiting->asker);
    held->home->n_waiting++;
}

/* What is no key at all is no guess either: it costs nobody a question, and keeps no key out. */
static void refuse_malformed(struct api_key_tokens *api_key_tokens, struct str address, const struct token_waiter *to)
{
    int64_t retry_ms = rates_take(api_key_tokens->rates, RATE_malformed, address, clock_mono_us());
    enum err e = retry_ms > 0 ? ERR_RATE_LIMITED : ERR_KEY_INVALID;
    struct failure why = refusal_of_rate(e, api_key_tokens->rates, RATE_malformed, retry_ms);

    to->done(to->arg, e, &why, NULL);
}

void api_key_tokens_present(
    struct api_key_tokens *api_key_tokens, struct str key, struct str address, guess_turn *turn, void *arg)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    digest_of(key, address, digest);
    guess_begin(api_key_tokens->guesses, digest, address, turn, arg);
}

/* false: there is no token, or its time is over. */
static bool use_token(struct key_token *held, struct str key, struct str trace, const struct token_waiter *who)
{
    struct rights rights = { 0 };

    if (held == NULL || held->token == NULL) return false;
    enum err e = rights_get(held->home->bearers, str_of(held->token), str_of(held->address), &rights);
    if (e == ERR_TOKEN_EXPIRED || e == ERR_SESSION_ENDED) return false;
    if (held->entry.is_kept && held->renew_at <= clock_ms()) {
        ask_again(&held->entry);
        ask_in_turn(held, key, trace);
    } else if (held->entry.is_kept) {
        ask_touch(&held->entry);
    }
    tell_waiting(who, e, &rights);
    return true;
}

static bool has_place(struct api_key_tokens *api_key_tokens, const struct key_token *held)
{
    if (api_key_tokens->n_waiting >= WAITING_ALL_MAX) return false;
    return held != NULL ? held->entry.askers.n < WAITING_MAX : ask_cache_has_room(&api_key_tokens->cache);
}

void api_key_tokens_get_rights(struct api_key_tokens *api_key_tokens, struct str key, struct str address,
    struct str trace, api_key_tokens_done *done, void *arg)
{
    const struct token_waiter who = { .done = done, .arg = arg };
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct api_key_parts parts;
    struct key_token *held;

    if (!api_key_parse(key, &parts)) {
        refuse_malformed(api_key_tokens, address, &who);
        return;
    }
    digest_of(key, address, digest);
    held = held_of(ask_find(&api_key_tokens->cache, digest, sizeof digest));
    if (use_token(held, key, trace, &who)) return;
    if (!has_place(api_key_tokens, held)) {
        refuse_waiting(&who, ERR_OVERLOADED, RETRY_MS);
        return;
    }
    bool is_first = held == NULL || held->entry.is_kept;
    if (held == NULL)
        held = add_held(api_key_tokens, digest, &parts, address);
    else if (is_first)
        ask_again(&held->entry);
    wait_for(held, &who);
    if (is_first) ask_in_turn(held, key, trace);
}

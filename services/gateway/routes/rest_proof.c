/* rest_proof.c - requests whose answer judges a credential in them: presented in its turn, counted once it is known to be
 * good. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "services/gateway/routes/rest_private.h"

static void keep_body(struct rest *rest, struct str body)
{
    rest->body = mem_alloc(body.len);
    rest->body_len = body.len;
    memcpy(rest->body, body.at, body.len);
}

/* The client hung up while its credential waited: nothing is asked. */
static void give_up_turn(struct rest *rest)
{
    if (rest->guess != NULL) guess_end(rest->guess, ERR_UNAVAILABLE);
    rest_end(rest);
}

/* Nobody's guesses use up what a key, or an address, may ask for: it is counted once it is known to be good. */
static void ask_for_verdict(struct rest *rest)
{
    if (guess_is_known(rest->guess) && !rest_charge_call(rest)) {
        guess_end(rest->guess, ERR_RATE_LIMITED);
        rest_refuse(rest, ERR_RATE_LIMITED, NULL);
    } else {
        rest_forward(rest, (struct str){ rest->body, rest->body_len });
    }
}

static void on_turn(void *arg, enum err e, int64_t retry_after_ms, struct guess *guess)
{
    struct rest *rest = arg;
    struct failure failure = refusal_of_rate(e, rest->routes->rates, RATE_auth, retry_after_ms);

    rest_end_wait(rest);
    rest->guess = guess;
    if (rest->http == NULL)
        give_up_turn(rest);
    else if (e != OK)
        rest_fail_with(rest, e, &failure, NULL);
    else
        ask_for_verdict(rest);
}

/* The fields that are the credential; how many of them are there. */
static size_t read_proof(struct rest *rest, struct str body, struct str proof[ROUTE_PROOFS_MAX])
{
    const struct wire_shape *shape = methods[rest->row->method].req();
    char *record = arena_zero(http_arena(rest->http), shape->size);
    struct wire_error why;
    size_t n = 0;
    enum err e = wire_decode(shape, body, http_arena(rest->http), record, &why);

    assert(e == OK); /* it was made by that shape */
    (void)e;
    for (size_t i = 0; rest->row->proof[i] != NULL; i++) {
        proof[i] = *(const struct str *)(const void *)(record + wire_find(shape, str_of(rest->row->proof[i]))->at);
        n += proof[i].len > 0;
    }
    return n;
}

static void refuse_malformed(struct rest *rest, enum err e)
{
    rest_refuse(rest, rest_count_malformed(rest, e), &(struct wire_error){ .field = "" });
}

static void present_key(struct rest *rest, struct str key)
{
    struct api_key_parts parts;

    if (!api_key_parse(key, &parts)) {
        refuse_malformed(rest, ERR_KEY_INVALID);
        return;
    }
    memcpy(rest->key, parts.id.at, parts.id.len);
    rest_begin_wait(rest);
    api_key_tokens_present(rest->routes->api_key_tokens, key, http_address(rest->http), on_turn, rest);
}

static void present_proof(struct rest *rest, const struct str proof[ROUTE_PROOFS_MAX])
{
    unsigned char digest[GUESS_DIGEST_BYTES];
    size_t n = 0;

    while (rest->row->proof[n] != NULL) n++;
    guess_digest(rest->row->path, proof, n, http_address(rest->http), digest);
    rest_begin_wait(rest);
    guess_begin(rest->routes->guesses, digest, http_address(rest->http), on_turn, rest);
}

void rest_present(struct rest *rest, struct str body)
{
    struct str proof[ROUTE_PROOFS_MAX] = { STR_NONE };

    if (read_proof(rest, body, proof) == 0) {
        refuse_malformed(rest, ERR_UNAUTHENTICATED);
        return;
    }
    keep_body(rest, body);
    if (strcmp(rest->row->proof[0], "api_key") == 0)
        present_key(rest, proof[0]);
    else
        present_proof(rest, proof);
}

bool rest_has_proof(const struct rest *rest)
{
    return rest->row->who == WHO_PROOF;
}

enum err rest_count_malformed(struct rest *rest, enum err e)
{
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1 } };

    payer.who[BY_ADDRESS] = http_address(rest->http);
    bool good = rates_charge(rest->routes->rates, CLASS_malformed, &payer, clock_mono_us(), &rest->rate);
    return good ? e : ERR_RATE_LIMITED;
}

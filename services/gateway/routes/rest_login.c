/* rest_login.c - requests with a credential in their body: presented in its turn, counted once it is known to be good. */
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

/* Nobody's guesses use up what a key may ask for: it is counted once it is known to be good. */
static void ask_for_token(struct rest *rest)
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
        ask_for_token(rest);
}

static struct str key_of(struct rest *rest, struct str body)
{
    struct token_draft draft = { 0 };
    struct wire_error why;
    enum err e = wire_decode(token_draft_shape(), body, http_arena(rest->http), &draft, &why);

    assert(e == OK); /* it was made by that shape */
    (void)e;
    return draft.api_key;
}

void rest_present(struct rest *rest, struct str body)
{
    struct str key = key_of(rest, body);
    struct api_key_parts parts;

    if (!api_key_parse(key, &parts)) {
        rest_refuse(rest, rest_count_malformed(rest, ERR_KEY_INVALID), &(struct wire_error){ .field = "" });
        return;
    }
    rest_begin_wait(rest);
    keep_body(rest, body);
    memcpy(rest->key, parts.id.at, parts.id.len);
    api_key_tokens_present(rest->routes->api_key_tokens, key, http_address(rest->http), on_turn, rest);
}

bool rest_is_login(const struct rest *rest)
{
    return rest->row->class == CLASS_login;
}

enum err rest_count_malformed(struct rest *rest, enum err e)
{
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1 } };

    payer.who[BY_ADDRESS] = http_address(rest->http);
    bool good = rates_charge(rest->routes->rates, CLASS_malformed, &payer, clock_mono_us(), &rest->rate);
    return good ? e : ERR_RATE_LIMITED;
}

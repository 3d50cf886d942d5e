/* rest_admit.c - who asks, what it costs them, and whether they may: before the body is read, as far as the headers say it. */
// SPDX-License-Identifier: Apache-2.0
#include <strings.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/holding.h"
#include "libshared/base/plain_text.h"
#include "libshared/http/message/media_type.h"
#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rest_private.h"

#define AGENT_CHARS_MAX 200 /* proto/common.def: principal.agent */

/* --- who asks --- */

/* As much of it as is plain. */
static struct str plain_agent(struct http *http)
{
    struct str agent = http_header(http, "user-agent");
    char *plain = arena_alloc(http_arena(http), agent.len + 1);

    if (!utf8_is_valid(agent.at, agent.len)) return STR_NONE;
    return (struct str){ plain, text_plain_part(agent, AGENT_CHARS_MAX, plain) };
}

struct principal rest_principal(const struct rest *rest)
{
    const struct bearer *bearer = rest->rights.bearer;

    if (bearer == NULL)
        return (struct principal){ .kind = STR("anonymous"),
            .address = http_address(rest->http),
            .agent = plain_agent(rest->http),
            .request = id_new() };
    return bearer_principal(rest->routes->bearers, bearer, bearer_session(bearer), http_address(rest->http));
}

/* A key speaks for a program, a user's token for a person. */
static bool is_user(const struct bearer *bearer)
{
    return bearer != NULL && !str_is(bearer_kind_name(bearer), "key");
}

/* It brings a signature instead of a token: an <img> has none to bring. */
static bool is_signed(const struct rest *rest)
{
    struct str signature;

    return rest->row->who == WHO_SIGNED && http_header(rest->http, "authorization").at == NULL &&
           http_param(rest->http, "signature", &signature);
}

bool rest_wants_token(const struct rest *rest)
{
    enum route_who who = rest->row->who;

    return who == WHO_BEARER || who == WHO_PENDING || (who == WHO_SIGNED && !is_signed(rest));
}

/* --- what it costs --- */

static bool charge_class(struct rest *rest, enum rate_class class, struct rate_payer *payer)
{
    struct rate_state state;
    bool good = rates_charge(rest->routes->rates, class, payer, clock_mono_us(), &state);

    if (state.name != NULL) rest->rate = state;
    return good;
}

static bool charge_request(struct rest *rest, struct rate_payer *payer)
{
    const struct bearer *bearer = rest->rights.bearer;

    payer->who[BY_ADDRESS] = http_address(rest->http);
    if (bearer != NULL) payer->who[BY_SUBJECT] = bearer_subject(bearer);
    payer->who[BY_KEY] = bearer != NULL ? bearer_key(bearer) : str_of(rest->key);
    if (is_user(bearer)) payer->who[BY_USER] = bearer_subject(bearer);
    return charge_class(rest, is_signed(rest) ? CLASS_public : rest->row->class, payer);
}

bool rest_charge_call(struct rest *rest)
{
    int64_t announced = http_content_length(rest->http);
    struct rate_payer payer = {
        .amount = { [UNIT_CALLS] = 1, [UNIT_REQUESTS] = 1, [UNIT_BYTES] = announced > 0 ? announced : 0 }
    };

    return charge_request(rest, &payer);
}

bool rest_charge_bytes(struct rest *rest, int64_t bytes)
{
    struct rate_payer payer = { .amount = { [UNIT_BYTES] = bytes } };

    return charge_request(rest, &payer);
}

bool rest_charge_bytes_to(struct rest *rest, struct str subject, int64_t bytes)
{
    struct rate_payer payer = { .who = { [BY_SUBJECT] = subject, [BY_ADDRESS] = http_address(rest->http) },
        .amount = { [UNIT_BYTES] = bytes } };

    return charge_class(rest, rest->row->class, &payer);
}

bool rest_charge_chunks(struct rest *rest, size_t bytes)
{
    return http_content_length(rest->http) >= 0 || rest_charge_bytes(rest, (int64_t)bytes);
}

bool rest_charge_items(struct rest *rest, int64_t items)
{
    struct rate_payer payer = { .amount = { [UNIT_ITEMS] = items } };

    return charge_request(rest, &payer);
}

/* --- what the headers decide --- */

bool rest_body_is_packed(const struct rest *rest)
{
    struct str coding = http_header(rest->http, "content-encoding");

    return http_content_length(rest->http) != 0 && coding.len > 0 &&
           !(coding.len == 8 && strncasecmp(coding.at, "identity", 8) == 0);
}

/* Does the request bring what its row takes, and take what its row answers? */
static enum err check_media(const struct rest *rest)
{
    struct http *http = rest->http;

    if (rest_body_is_packed(rest)) return ERR_UNSUPPORTED_MEDIA;
    if (http_content_length(http) != 0 && !media_type_is(http_header(http, "content-type"), route_takes(rest->row)))
        return ERR_UNSUPPORTED_MEDIA;
    const char *answers = route_answers(rest->row);
    bool accepted = answers == NULL || media_type_accepted(http_header(http, "accept"), answers);
    return accepted ? OK : ERR_NOT_ACCEPTABLE;
}

bool rest_is_allowed(const struct rest *rest, struct str room)
{
    return rest->row->event[0] == '\0' || is_signed(rest) ||
           rights_allow(&rest->rights, str_of(rest->row->nsp), str_of(rest->row->event), room, rest->row->action);
}

/* Which room it is about.  false: the body says that, or the path is no good. */
static bool knows_room(const struct rest *rest, struct str *room)
{
    const struct route_params *params = &rest->params;

    *room = STR_NONE;
    for (size_t i = 0; i < params->n; i++)
        if (str_is(params->at[i].name, "room"))
            return query_decode(params->at[i].value, false, http_arena(rest->http), room);
    return wire_find(methods[rest->row->method].req(), STR("room")) == NULL;
}

static enum err check_policy(struct rest *rest)
{
    struct str room;

    if (!knows_room(rest, &room)) return OK;
    rest->allowed = rest_is_allowed(rest, room);
    return rest->allowed ? OK : ERR_FORBIDDEN;
}

void rest_admit(struct rest *rest)
{
    struct wire_error why = { 0 };
    enum err e = OK;

    if (rest->whole) {
        rest_ask_service(rest);
        return;
    }
    if (rest->rights.bearer != NULL) e = holding_belongs(http_holding(rest->http), bearer_subject(rest->rights.bearer));
    if (e == OK && !rest_has_proof(rest) && !rest_charge_call(rest)) e = ERR_RATE_LIMITED;
    if (e == OK) e = rest_tus_check(rest);
    if (e == OK) e = check_media(rest);
    if (e == OK) e = rest_check_sender(rest);
    if (e == OK) e = check_policy(rest);
    if (e == OK && rest->rights.bearer != NULL) key_uses_note(rest->routes->key_uses, bearer_key(rest->rights.bearer));
    if (e != OK && rest_has_proof(rest)) e = rest_count_malformed(rest, e);
    if (e == OK && rest->row->takes == TAKES_LINES)
        e = rest_intake_begin(rest, &why);
    else if (e == OK && route_is_streamed(rest->row))
        e = rest_upload_begin(rest, &why);
    else if (e == OK)
        http_pause(rest->http, false);
    if (e != OK) rest_refuse(rest, e, &why);
}

static void on_rights(void *arg, enum err e, const struct failure *why, const struct rights *rights)
{
    struct rest *rest = arg;

    rest_end_wait(rest);
    if (e == OK) rest->rights = *rights;
    if (rest->http == NULL)
        rest_end(rest);
    else if (e != OK)
        rest_fail_with(rest, e, why, NULL);
    else
        rest_admit(rest);
}

/* auth may have to be asked what it may do: the body waits for that. */
static void authenticate_key(struct rest *rest, struct str key)
{
    if (!rest->whole) http_pause(rest->http, true);
    rest_begin_wait(rest);
    api_key_tokens_get_rights(
        rest->routes->api_key_tokens, key, http_address(rest->http), str_of(rest->trace), on_rights, rest);
}

static void authenticate_token(struct rest *rest, struct str token)
{
    bool may_pend = rest->row->who == WHO_PENDING;
    enum err e = (may_pend ? rights_get_pending : rights_get)(
        rest->routes->bearers, token, http_address(rest->http), &rest->rights);
    int64_t retry_ms = guess_count_token(rest->routes->rates, http_address(rest->http), &e);
    struct failure failure = refusal_of_rate(e, rest->routes->rates, RATE_auth, retry_ms);

    if (e != OK)
        rest_fail_with(rest, e, &failure, NULL);
    else
        rest_admit(rest);
}

/* Until what a gateway missed is known, nobody's rights are. */
static void hold_request(struct rest *rest)
{
    if (!rest->whole) http_pause(rest->http, true);
    rest_begin_wait(rest);
    DL_APPEND(rest->routes->held, rest);
}

/* STR_NONE: none is given, or one of another scheme. */
static struct str given_credential(const struct rest *rest)
{
    struct str header = http_header(rest->http, "authorization");

    if (header.len < 7 || strncasecmp(header.at, "Bearer ", 7) != 0) return STR_NONE;
    return str_trim(str_skip(header, 7));
}

static void authenticate_now(struct rest *rest)
{
    struct str credential = given_credential(rest);

    if (rest_is_visit(rest))
        rest_authenticate_visit(rest);
    else if (credential.len == 0)
        rest_fail(rest, ERR_UNAUTHENTICATED);
    else if (rest->row->who != WHO_PENDING && api_key_tokens_is_key(credential))
        authenticate_key(rest, credential);
    else
        authenticate_token(rest, credential);
}

void rest_authenticate(struct rest *rest)
{
    if (rest->routes->is_held)
        hold_request(rest);
    else
        authenticate_now(rest);
}

void routes_hold(struct routes *routes, bool hold)
{
    struct rest *rest;

    routes->is_held = hold;
    while (!routes->is_held && (rest = routes->held) != NULL) {
        DL_DELETE(routes->held, rest);
        rest_end_wait(rest);
        if (rest->http == NULL)
            rest_end(rest);
        else
            authenticate_now(rest);
    }
}

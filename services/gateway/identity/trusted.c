/* trusted.c - what auth says is to be trusted. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/trusted.h"

#include <openssl/evp.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/es256.h"
#include "libshared/base/log.h"
#include "libshared/base/table.h"
#include "services/gateway/methods.h"

#define RETRY_S     0.5
#define FRESH_US    2000000 /* an answer of auth's holds so long for what it did not know */
#define PAGE_BYTES  (64u << 20)
#define NAMES_BYTES 65536 /* issuer, audience and the names of keys */
#define KEYS_MAX    16    /* proto/auth.def: trust.keys */

struct known_policy {
    struct policy_compiled *compiled;
    UT_hash_handle hh; /* by its name */
};

/* One state of the trust; NULL where nothing is known. */
struct trust_state {
    struct id epoch;
    int64_t position;
    struct arena *arena; /* of the texts below */
    struct str issuer, audience;
    struct public_key {
        struct str kid;
        EVP_PKEY *key;
    } keys[KEYS_MAX];
    size_t n_keys;
    struct known_policy *policies;
    struct ended *ended;
    struct key_states *key_states;
    struct bans *bans;
    struct limits *limits;
    struct announcements *announcements;
};

struct trusted {
    trusted_changed_fn *changed;
    void (*asked)(void *arg);
    void *arg;
    struct trust_state *now;
    struct trust_state *next; /* all of it anew, page by page */
    const struct service_pipes *auth;
    int64_t answered_us; /* all that was asked for was there */
    bool asking, again;  /* again: something may have happened behind what is being asked for */
    struct ev_loop *loop;
    ev_timer retry;
};

/* --- a state --- */

static struct trust_state *open_state(void)
{
    struct trust_state *state = mem_zero(sizeof *state);

    /* bound: NAMES_BYTES, by the bounds of the record's fields */
    state->arena = arena_create("trusted", NAMES_BYTES);
    state->ended = ended_create();
    state->key_states = key_states_create();
    state->bans = bans_create();
    state->limits = limits_create();
    state->announcements = announcements_create();
    return state;
}

static void remove_policy(struct trust_state *state, struct str name)
{
    struct known_policy *policy;

    HASH_FIND(hh, state->policies, name.at, name.len, policy);
    if (policy == NULL) return;
    HASH_DEL(state->policies, policy);
    policy_ref_drop(&policy->compiled);
    mem_free(policy);
}

static void forget_keys(struct trust_state *state)
{
    while (state->n_keys > 0) EVP_PKEY_free(state->keys[--state->n_keys].key);
}

static void close_state(struct trust_state *state)
{
    if (state == NULL) return;
    forget_keys(state);
    while (state->policies != NULL) remove_policy(state, policy_name(state->policies->compiled));
    ended_destroy(&state->ended);
    key_states_destroy(&state->key_states);
    bans_destroy(&state->bans);
    limits_destroy(&state->limits);
    announcements_destroy(&state->announcements);
    arena_destroy(&state->arena);
    mem_free(state);
}

/* A policy that we can't read allows nothing: it is left out. */
static void set_policy(struct trust_state *state, const struct policy *rules)
{
    struct known_policy *policy = mem_zero(sizeof *policy);
    struct wire_error why;

    remove_policy(state, rules->name);
    if (policy_compile(rules->name, &rules->rules, &policy->compiled, &why) == OK) {
        struct str name = policy_name(policy->compiled);
        HASH_ADD_KEYPTR(hh, state->policies, name.at, name.len, policy);
    } else {
        LOG(ERROR, "gateway.bad_policy", F_STR("policy", rules->name), F_TEXT("why", why.text));
        mem_free(policy);
    }
}

/* With one that we can't read nothing is signed. */
static void add_signing_key(struct trust_state *state, const struct signing_key *from)
{
    EVP_PKEY *key = es256_key_read(from->pem);

    if (key == NULL)
        LOG(ERROR, "gateway.bad_signing_key", F_STR("kid", from->kid));
    else
        state->keys[state->n_keys++] = (struct public_key){ arena_str(state->arena, from->kid), key };
}

static void set_signing_keys(struct trust_state *state, const struct trust *page)
{
    if (page->keys.len == 0) return;
    forget_keys(state);
    arena_reset(state->arena);
    state->issuer = arena_str(state->arena, page->issuer);
    state->audience = arena_str(state->arena, page->audience);
    for (size_t i = 0; i < page->keys.len && i < KEYS_MAX; i++) add_signing_key(state, &page->keys.at[i]);
}

static void set_api_key(struct trust_state *state, const struct trust_key *key)
{
    key_states_set(state->key_states, key);
    if (key->revoked) ended_note(state->ended, ENDED_KEY, key->key, INT64_MAX, key->until > 0 ? key->until : INT64_MAX);
}

static void note_end(struct trust_state *state, const struct trust_end *end)
{
    if (end->subject.len > 0) ended_note(state->ended, ENDED_SUBJECT, end->subject, end->ended_at, end->until);
    if (end->session.len > 0) ended_note(state->ended, ENDED_SESSION, end->session, end->ended_at, end->until);
}

static void apply_page(struct trust_state *state, const struct trust *page)
{
    int64_t now = clock_ms();

    ended_forget(state->ended, now);
    key_states_forget(state->key_states, now);
    set_signing_keys(state, page);
    for (size_t i = 0; i < page->policies.len; i++) set_policy(state, &page->policies.at[i]);
    for (size_t i = 0; i < page->gone.len; i++) remove_policy(state, page->gone.at[i]);
    for (size_t i = 0; i < page->api_keys.len; i++) set_api_key(state, &page->api_keys.at[i]);
    for (size_t i = 0; i < page->ended.len; i++) note_end(state, &page->ended.at[i]);
    for (size_t i = 0; i < page->bans.len; i++) bans_set(state->bans, &page->bans.at[i]);
    for (size_t i = 0; i < page->limits.len; i++) limits_set(state->limits, &page->limits.at[i]);
    announcements_forget(state->announcements, now);
    for (size_t i = 0; i < page->notices.len; i++) announcements_set_notice(state->announcements, &page->notices.at[i]);
    for (size_t i = 0; i < page->alerts.len; i++)
        announcements_set_alert(state->announcements, &page->alerts.at[i], now);
    state->epoch = page->epoch;
    if (page->position > state->position) state->position = page->position;
}

/* --- what auth says --- */

static bool page_follows(const struct trust_state *state, const struct trust *page)
{
    return state != NULL && id_eq(state->epoch, page->epoch) && page->since <= state->position;
}

/* What is whole takes the place of what was known. */
static void finish_next(struct trusted *trusted)
{
    struct trust_state *old = trusted->now;

    trusted->now = trusted->next;
    trusted->next = NULL;
    trusted->changed(trusted->arg, NULL);
    close_state(old);
}

static enum err take_page(struct trusted *trusted, const struct trust *page)
{
    if (page->since == 0) {
        close_state(trusted->next);
        trusted->next = open_state();
        trusted->next->epoch = page->epoch;
    }
    if (page_follows(trusted->next, page)) {
        apply_page(trusted->next, page);
        if (!page->more) finish_next(trusted);
    } else if (page_follows(trusted->now, page)) {
        apply_page(trusted->now, page);
        trusted->changed(trusted->arg, page);
    } else {
        return ERR_CONFLICT;
    }
    return OK;
}

enum err trusted_take(struct trusted *trusted, struct str body)
{
    /* bound: the decoder asks; over it the former trust stays */
    struct arena *arena = arena_create("trust.page", PAGE_BYTES);
    struct trust page;
    struct wire_error why;
    enum err e = wire_decode(trust_shape(), body, arena, &page, &why);

    if (e != OK)
        LOG(ERROR, "gateway.bad_trust", F_TEXT("field", why.field), F_TEXT("why", why.text));
    else
        e = take_page(trusted, &page);
    arena_destroy(&arena);
    return e;
}

static void ask_on(struct trusted *trusted);

static void on_page(void *arg, enum err status, struct str body)
{
    struct trusted *trusted = arg;

    trusted->asking = false;
    if (status == OK) status = trusted_take(trusted, body);
    if (status != OK) {
        LOG(ERROR, "gateway.no_trust", F_TEXT("code", err_code(status)));
        ev_timer_again(trusted->loop, &trusted->retry);
    } else if (trusted->next != NULL || trusted->again) {
        ask_on(trusted);
    } else {
        trusted->answered_us = clock_mono_us();
        trusted->asked(trusted->arg);
    }
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)events;
    ev_timer_stop(loop, timer);
    ask_on(timer->data);
}

static void ask_on(struct trusted *trusted)
{
    const struct trust_state *from = trusted->next != NULL ? trusted->next : trusted->now;
    struct trust_position position = { .position = 0 };

    if (trusted->asking) return;
    trusted->asking = true;
    trusted->again = false;
    if (from != NULL) position = (struct trust_position){ from->epoch, from->position };
    method_ask(trusted->auth, M_auth_trust_since, &position, on_page, trusted);
}

void trusted_ask(struct trusted *trusted, const struct service_pipes *auth)
{
    trusted->auth = auth;
    trusted->again = trusted->asking;
    ask_on(trusted);
}

bool trusted_recheck(struct trusted *trusted)
{
    bool is_fresh = trusted->answered_us > 0 && clock_mono_us() - trusted->answered_us < FRESH_US;

    if (trusted->auth == NULL || (is_fresh && !trusted->asking)) return false;
    ask_on(trusted);
    return true;
}

bool trusted_event(
    struct trusted *trusted, const struct service_pipes *auth, const struct frame_event *head, struct str body)
{
    if (!str_is(head->name, "trust.moved")) return false;
    enum err e = trusted_take(trusted, body);
    if (e == ERR_CONFLICT)
        trusted_ask(trusted, auth);
    else if (e != OK)
        LOG(ERROR, "gateway.no_trust", F_TEXT("code", err_code(e)));
    return true;
}

/* --- its life --- */

struct trusted *trusted_create(struct ev_loop *loop, trusted_changed_fn *changed, void (*asked)(void *arg), void *arg)
{
    struct trusted *trusted = mem_zero(sizeof *trusted);

    trusted->changed = changed;
    trusted->asked = asked;
    trusted->arg = arg;
    trusted->loop = loop;
    ev_timer_init(&trusted->retry, on_retry, 0., RETRY_S);
    trusted->retry.data = trusted;
    return trusted;
}

void trusted_destroy(struct trusted **trusted)
{
    if (*trusted == NULL) return;
    ev_timer_stop((*trusted)->loop, &(*trusted)->retry);
    close_state((*trusted)->now);
    close_state((*trusted)->next);
    mem_free(*trusted);
    *trusted = NULL;
}

/* --- what is known --- */

bool trusted_is_known(const struct trusted *trusted)
{
    return trusted->now != NULL;
}

int64_t trusted_position(const struct trusted *trusted)
{
    return trusted->now != NULL ? trusted->now->position : 0;
}

struct str trusted_issuer(const struct trusted *trusted)
{
    return trusted->now->issuer;
}

struct str trusted_audience(const struct trusted *trusted)
{
    return trusted->now->audience;
}

EVP_PKEY *trusted_find_key(const struct trusted *trusted, struct str kid)
{
    for (size_t i = 0; i < trusted->now->n_keys; i++)
        if (str_eq(trusted->now->keys[i].kid, kid)) return trusted->now->keys[i].key;
    return NULL;
}

struct policy_compiled *trusted_find_policy(const struct trusted *trusted, struct str name)
{
    struct known_policy *policy;

    HASH_FIND(hh, trusted->now->policies, name.at, name.len, policy);
    return policy != NULL ? policy->compiled : NULL;
}

const struct ended *trusted_ended(const struct trusted *trusted)
{
    return trusted->now->ended;
}

const struct key_states *trusted_key_states(const struct trusted *trusted)
{
    return trusted->now->key_states;
}

struct bans *trusted_bans(const struct trusted *trusted)
{
    return trusted->now != NULL ? trusted->now->bans : NULL;
}

struct limits *trusted_limits(const struct trusted *trusted)
{
    return trusted->now != NULL ? trusted->now->limits : NULL;
}

const struct announcements *trusted_announcements(const struct trusted *trusted)
{
    return trusted->now->announcements;
}

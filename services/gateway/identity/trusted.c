/* trusted.c - what auth says is to be trusted. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/trusted.h"

#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/table.h"
#include "services/gateway/methods.h"

#define RETRY_S     0.5
#define PAGE_BYTES  (64u << 20)
#define NAMES_BYTES 65536 /* issuer, audience and 16 public keys */

struct known_policy {
    struct policy_compiled *compiled;
    UT_hash_handle hh; /* by its name */
};

/* One state of the trust; NULL where nothing is known. */
struct store {
    struct id epoch;
    int64_t position;
    struct arena *arena; /* of the texts below */
    struct str issuer, audience;
    struct signing_key_list keys;
    struct known_policy *policies;
    struct ended *ended;
    struct bound_keys *bound;
    struct limits *limits;
};

struct trusted {
    trusted_changed_fn *changed;
    void (*asked)(void *arg);
    void *arg;
    struct store *now;
    struct store *next; /* all of it anew, page by page */
    struct rpc_client *auth;
    bool asking, again; /* again: something may have happened behind what is being asked for */
    struct ev_loop *loop;
    ev_timer retry;
};

/* --- a state --- */

static struct store *open_store(void)
{
    struct store *store = mem_zero(sizeof *store);

    /* bound: NAMES_BYTES, by the bounds of the record's fields */
    store->arena = arena_create("trusted", NAMES_BYTES);
    store->ended = ended_create();
    store->bound = bound_keys_create();
    store->limits = limits_create();
    return store;
}

static void remove_policy(struct store *store, struct str name)
{
    struct known_policy *policy;

    HASH_FIND(hh, store->policies, name.at, name.len, policy);
    if (policy == NULL) return;
    HASH_DEL(store->policies, policy);
    policy_ref_drop(&policy->compiled);
    mem_free(policy);
}

static void close_store(struct store *store)
{
    if (store == NULL) return;
    while (store->policies != NULL) remove_policy(store, policy_name(store->policies->compiled));
    ended_destroy(&store->ended);
    bound_keys_destroy(&store->bound);
    limits_destroy(&store->limits);
    arena_destroy(&store->arena);
    mem_free(store);
}

/* A policy that we can't read allows nothing: it is left out. */
static void set_policy(struct store *store, const struct policy *rules)
{
    struct known_policy *policy = mem_zero(sizeof *policy);
    struct wire_error why;

    remove_policy(store, rules->name);
    if (policy_compile(rules->name, &rules->rules, &policy->compiled, &why) == OK) {
        struct str name = policy_name(policy->compiled);
        HASH_ADD_KEYPTR(hh, store->policies, name.at, name.len, policy);
    } else {
        LOG(ERROR, "gateway.bad_policy", F_STR("policy", rules->name), F_TEXT("why", why.text));
        mem_free(policy);
    }
}

static void set_signing_keys(struct store *store, const struct trust *page)
{
    struct signing_key *keys;

    if (page->keys.len == 0) return;
    arena_reset(store->arena);
    store->issuer = arena_str(store->arena, page->issuer);
    store->audience = arena_str(store->arena, page->audience);
    keys = arena_alloc(store->arena, page->keys.len * sizeof *keys);
    for (size_t i = 0; i < page->keys.len; i++)
        keys[i] = (struct signing_key){ arena_str(store->arena, page->keys.at[i].kid),
            arena_str(store->arena, page->keys.at[i].pem) };
    store->keys = (struct signing_key_list){ keys, page->keys.len };
}

static void set_api_key(struct store *store, const struct trust_key *key)
{
    bound_keys_set(store->bound, key);
    if (key->revoked) ended_note(store->ended, ENDED_KEY, key->key, INT64_MAX, key->until > 0 ? key->until : INT64_MAX);
}

static void note_end(struct store *store, const struct trust_end *end)
{
    if (end->subject.len > 0) ended_note(store->ended, ENDED_SUBJECT, end->subject, end->ended_at, end->until);
    if (end->session.len > 0) ended_note(store->ended, ENDED_SESSION, end->session, end->ended_at, end->until);
}

static void apply(struct store *store, const struct trust *page)
{
    ended_forget(store->ended, clock_ms());
    set_signing_keys(store, page);
    for (size_t i = 0; i < page->policies.len; i++) set_policy(store, &page->policies.at[i]);
    for (size_t i = 0; i < page->gone.len; i++) remove_policy(store, page->gone.at[i]);
    for (size_t i = 0; i < page->api_keys.len; i++) set_api_key(store, &page->api_keys.at[i]);
    for (size_t i = 0; i < page->ended.len; i++) note_end(store, &page->ended.at[i]);
    for (size_t i = 0; i < page->limits.len; i++) limits_set(store->limits, &page->limits.at[i]);
    store->epoch = page->epoch;
    if (page->position > store->position) store->position = page->position;
}

/* --- what auth says --- */

static bool follows(const struct store *store, const struct trust *page)
{
    return store != NULL && id_eq(store->epoch, page->epoch) && page->since <= store->position;
}

/* What is whole takes the place of what was known. */
static void finish_next(struct trusted *trusted)
{
    struct store *old = trusted->now;

    trusted->now = trusted->next;
    trusted->next = NULL;
    trusted->changed(trusted->arg, NULL);
    close_store(old);
}

static enum err take_page(struct trusted *trusted, const struct trust *page)
{
    if (page->since == 0) {
        close_store(trusted->next);
        trusted->next = open_store();
        trusted->next->epoch = page->epoch;
    }
    if (follows(trusted->next, page)) {
        apply(trusted->next, page);
        if (!page->more) finish_next(trusted);
    } else if (follows(trusted->now, page)) {
        apply(trusted->now, page);
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
    const struct store *from = trusted->next != NULL ? trusted->next : trusted->now;
    struct trust_position position = { .position = 0 };

    if (trusted->asking) return;
    trusted->asking = true;
    trusted->again = false;
    if (from != NULL) position = (struct trust_position){ from->epoch, from->position };
    method_ask(trusted->auth, M_auth_trust_since, &position, on_page, trusted);
}

void trusted_ask(struct trusted *trusted, struct rpc_client *auth)
{
    trusted->auth = auth;
    trusted->again = trusted->asking;
    ask_on(trusted);
}

bool trusted_event(struct trusted *trusted, struct rpc_client *auth, const struct frame_event *head, struct str body)
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
    close_store((*trusted)->now);
    close_store((*trusted)->next);
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

struct str trusted_find_key(const struct trusted *trusted, struct str kid)
{
    for (size_t i = 0; i < trusted->now->keys.len; i++)
        if (str_eq(trusted->now->keys.at[i].kid, kid)) return trusted->now->keys.at[i].pem;
    return STR_NONE;
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

const struct bound_keys *trusted_bound_keys(const struct trusted *trusted)
{
    return trusted->now->bound;
}

struct limits *trusted_limits(const struct trusted *trusted)
{
    return trusted->now != NULL ? trusted->now->limits : NULL;
}

/* key_states.c - API keys that are others than their tokens say. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/key_states.h"

#include <string.h>

#include "libshared/base/network.h"
#include "libshared/base/table.h"

#define KEY_ID_MAX 32  /* proto/auth.def: trust_key.key */
#define POLICY_MAX 256 /* trust_key.policy: 64 code points */

struct key_state {
    char key[KEY_ID_MAX], policy[POLICY_MAX];
    size_t key_len, policy_len;
    bool disabled, impersonate, act_as_users;
    bool is_bound, binds_subjects; /* to its networks; its tokens for subjects, too */
    int64_t ends_at;               /* 0: as its tokens say */
    int64_t until;                 /* it is forgotten after that; 0: never */
    UT_hash_handle hh;             /* in the order in which they came */
    size_t n;
    struct network networks[];
};

struct key_states {
    struct key_state *table;
};

struct key_states *key_states_create(void)
{
    return mem_zero(sizeof(struct key_states));
}

static void remove_state(struct key_states *keys, struct key_state *state)
{
    HASH_DEL(keys->table, state);
    mem_free(state);
}

void key_states_destroy(struct key_states **keys)
{
    if (*keys == NULL) return;
    while ((*keys)->table != NULL) remove_state(*keys, (*keys)->table);
    mem_free(*keys);
    *keys = NULL;
}

static struct key_state *find_state(const struct key_states *keys, struct str key)
{
    struct key_state *state = NULL;

    if (key.len > 0 && key.len <= KEY_ID_MAX) HASH_FIND(hh, keys->table, key.at, key.len, state);
    return state;
}

const struct key_state *key_states_find(const struct key_states *keys, struct str key)
{
    return find_state(keys, key);
}

/* What is no network admits nobody: a bound key without one that is understood is used from nowhere. */
static void read_networks(struct key_state *state, struct str_list networks)
{
    state->is_bound = networks.len > 0;
    for (size_t i = 0; i < networks.len; i++)
        if (network_parse(networks.at[i], &state->networks[state->n])) state->n++;
}

static void add_state(struct key_states *keys, const struct trust_key *key)
{
    struct key_state *state = mem_zero(sizeof *state + key->networks.len * sizeof *state->networks);

    memcpy(state->key, key->key.at, key->key.len);
    state->key_len = key->key.len;
    if (key->policy.len > 0) memcpy(state->policy, key->policy.at, key->policy.len);
    state->policy_len = key->policy.len;
    state->disabled = key->disabled;
    state->impersonate = key->impersonate;
    state->act_as_users = key->act_as_users;
    state->binds_subjects = key->subjects;
    state->ends_at = key->ends_at;
    state->until = key->until;
    read_networks(state, key->networks);
    HASH_ADD_KEYPTR(hh, keys->table, state->key, state->key_len, state);
}

void key_states_set(struct key_states *keys, const struct trust_key *key)
{
    struct key_state *was = find_state(keys, key->key);

    if (was != NULL) remove_state(keys, was);
    if (!key->revoked && key->key.len <= KEY_ID_MAX && key->policy.len <= POLICY_MAX) add_state(keys, key);
}

/* They came in the order in which they end, but for those that stay for good. */
void key_states_forget(struct key_states *keys, int64_t now)
{
    struct key_state *state, *next;

    HASH_ITER(hh, keys->table, state, next) {
        if (state->until >= now) break;
        if (state->until != 0) remove_state(keys, state);
    }
}

size_t key_states_count(const struct key_states *keys)
{
    return HASH_COUNT(keys->table);
}

void key_states_each(
    const struct key_states *keys, struct str policy, void (*visit)(void *arg, struct str key), void *arg)
{
    for (const struct key_state *state = keys->table; state != NULL; state = state->hh.next)
        if (str_eq((struct str){ state->policy, state->policy_len }, policy))
            visit(arg, (struct str){ state->key, state->key_len });
}

bool key_state_admits(const struct key_state *key, enum bearer_kind kind, struct str address)
{
    struct in6_addr from;

    if (key == NULL || !key->is_bound || (kind != BEARER_KEY && !key->binds_subjects)) return true;
    if (!address_parse(address, &from)) return false;
    for (size_t i = 0; i < key->n; i++)
        if (network_has(&key->networks[i], &from)) return true;
    return false;
}

static bool may_speak(const struct key_state *key, enum bearer_kind kind)
{
    return kind == BEARER_ACTING ? key->act_as_users : kind != BEARER_NAMED || key->impersonate;
}

enum err key_state_check(const struct key_state *key, enum bearer_kind kind, struct str address, int64_t now)
{
    if (key == NULL) return OK;
    if (key->disabled) return ERR_KEY_DISABLED;
    if (key->ends_at != 0 && key->ends_at <= now) return ERR_KEY_EXPIRED;
    if (!may_speak(key, kind)) return ERR_SESSION_ENDED;
    return key_state_admits(key, kind, address) ? OK : ERR_ADDRESS_REFUSED;
}

struct str key_state_policy(const struct key_state *key, struct str said)
{
    return key != NULL && key->policy_len > 0 ? (struct str){ key->policy, key->policy_len } : said;
}

int64_t key_state_end(const struct key_state *key, int64_t said)
{
    return key != NULL && key->ends_at != 0 && key->ends_at < said ? key->ends_at : said;
}

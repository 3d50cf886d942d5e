/* bound_keys.c - API keys that may be used from some networks only, looked up for each request of their tokens. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/bound_keys.h"

#include <string.h>

#include "libshared/base/network.h"
#include "libshared/base/table.h"

#define KEY_ID_MAX 32 /* proto/auth.def: trust_key.key */

struct bound {
    char key[KEY_ID_MAX];
    size_t key_len;
    bool subjects;
    UT_hash_handle hh;
    size_t n;
    struct network networks[];
};

struct bound_keys {
    struct bound *table;
};

struct bound_keys *bound_keys_create(void)
{
    return mem_zero(sizeof(struct bound_keys));
}

static void remove_bound(struct bound_keys *keys, struct bound *bound)
{
    HASH_DEL(keys->table, bound);
    mem_free(bound);
}

void bound_keys_destroy(struct bound_keys **keys)
{
    if (*keys == NULL) return;
    while ((*keys)->table != NULL) remove_bound(*keys, (*keys)->table);
    mem_free(*keys);
    *keys = NULL;
}

static struct bound *find_bound(const struct bound_keys *keys, struct str key)
{
    struct bound *bound = NULL;

    if (key.len > 0 && key.len <= KEY_ID_MAX) HASH_FIND(hh, keys->table, key.at, key.len, bound);
    return bound;
}

/* What is no network admits nobody: a key without one that is understood is used from nowhere. */
static void add_bound(struct bound_keys *keys, const struct trust_key *key)
{
    struct bound *bound = mem_zero(sizeof *bound + key->networks.len * sizeof *bound->networks);

    memcpy(bound->key, key->key.at, key->key.len);
    bound->key_len = key->key.len;
    bound->subjects = key->subjects;
    for (size_t i = 0; i < key->networks.len; i++)
        if (network_parse(key->networks.at[i], &bound->networks[bound->n])) bound->n++;
    HASH_ADD_KEYPTR(hh, keys->table, bound->key, bound->key_len, bound);
}

void bound_keys_set(struct bound_keys *keys, const struct trust_key *key)
{
    struct bound *was = find_bound(keys, key->key);

    if (was != NULL) remove_bound(keys, was);
    if (key->networks.len > 0 && !key->revoked && key->key.len <= KEY_ID_MAX) add_bound(keys, key);
}

bool bound_keys_admit(const struct bound_keys *keys, struct str key, bool for_itself, struct str address)
{
    const struct bound *bound = find_bound(keys, key);
    struct in6_addr from;

    if (bound == NULL || (!for_itself && !bound->subjects)) return true;
    if (!address_parse(address, &from)) return false;
    for (size_t i = 0; i < bound->n; i++)
        if (network_has(&bound->networks[i], &from)) return true;
    return false;
}

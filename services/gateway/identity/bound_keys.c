/* bound_keys.c - API keys that may be used from some networks only, looked up for each request of their tokens. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/bound_keys.h"

#include <stdlib.h>

#include "libshared/base/network.h"

struct bound {
    struct str key;
    bool subjects;
    size_t n;
    struct network *networks;
};

struct bound_keys {
    size_t n;
    struct bound at[];
};

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct bound *)a)->key, ((const struct bound *)b)->key);
}

/* What is no network admits nobody: a key without one that is understood is used from nowhere. */
static void read_networks(struct arena *arena, struct str_list list, struct bound *out)
{
    out->networks = arena_alloc(arena, (list.len + 1) * sizeof *out->networks);
    for (size_t i = 0; i < list.len; i++)
        if (network_parse(list.at[i], &out->networks[out->n])) out->n++;
}

struct bound_keys *bound_keys_make(struct arena *arena, const struct bound_key_list *list)
{
    struct bound_keys *keys = arena_zero(arena, sizeof *keys + list->len * sizeof *keys->at);

    keys->n = list->len;
    for (size_t i = 0; i < list->len; i++) {
        keys->at[i].key = list->at[i].key;
        keys->at[i].subjects = list->at[i].subjects;
        read_networks(arena, list->at[i].networks, &keys->at[i]);
    }
    qsort(keys->at, keys->n, sizeof *keys->at, by_key);
    return keys;
}

bool bound_keys_admit(const struct bound_keys *keys, struct str key, bool for_itself, struct str address)
{
    struct bound wanted = { .key = key };
    const struct bound *bound = keys != NULL ? bsearch(&wanted, keys->at, keys->n, sizeof *keys->at, by_key) : NULL;
    struct in6_addr from;

    if (bound == NULL || (!for_itself && !bound->subjects)) return true;
    if (!address_parse(address, &from)) return false;
    for (size_t i = 0; i < bound->n; i++)
        if (network_has(&bound->networks[i], &from)) return true;
    return false;
}

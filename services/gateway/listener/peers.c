/* peers.c - how many there are of one address. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/listener/peers.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/table.h"

struct peer {
    struct in6_addr from;
    int64_t count;
    UT_hash_handle hh;
};

struct peers {
    struct peer *by_address;
};

static struct in6_addr network_of(const struct in6_addr *from)
{
    struct in6_addr key = *from;
    if (!IN6_IS_ADDR_V4MAPPED(from)) memset(key.s6_addr + 8, 0, 8);
    return key;
}

static struct peer *find(const struct peers *peers, const struct in6_addr *from)
{
    struct in6_addr key = network_of(from);
    struct peer *peer;
    HASH_FIND(hh, peers->by_address, &key, sizeof key, peer);
    return peer;
}

struct peers *peers_create(void)
{
    return mem_zero(sizeof(struct peers));
}

void peers_destroy(struct peers *peers)
{
    assert(peers->by_address == NULL);
    mem_free(peers);
}

int64_t peers_count(const struct peers *peers, const struct in6_addr *from)
{
    const struct peer *peer = find(peers, from);
    return peer != NULL ? peer->count : 0;
}

void peers_enter(struct peers *peers, const struct in6_addr *from)
{
    struct peer *peer = find(peers, from);
    if (peer == NULL) {
        peer = mem_zero(sizeof *peer);
        peer->from = network_of(from);
        HASH_ADD(hh, peers->by_address, from, sizeof peer->from, peer);
    }
    peer->count++;
}

void peers_leave(struct peers *peers, const struct in6_addr *from)
{
    struct peer *peer = find(peers, from);
    assert(peer != NULL);
    if (--peer->count > 0) return;
    HASH_DELETE(hh, peers->by_address, peer);
    mem_free(peer);
}

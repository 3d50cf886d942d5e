/* peers.c - how many connections there are from one address.  Of IPv6 the first 64 bits count: a host owns them all. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/table.h"
#include "services/gateway/listener/conn.h"

#include <assert.h>
#include <string.h>

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

static struct peer *find(struct peers *peers, const struct in6_addr *from)
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

bool peers_enter(struct peers *peers, const struct in6_addr *from, int64_t max)
{
    struct peer *peer = find(peers, from);
    if (peer != NULL && peer->count >= max) return false;
    if (peer == NULL) {
        peer = mem_zero(sizeof *peer);
        peer->from = network_of(from);
        HASH_ADD(hh, peers->by_address, from, sizeof peer->from, peer);
    }
    peer->count++;
    return true;
}

void peers_leave(struct peers *peers, const struct in6_addr *from)
{
    struct peer *peer = find(peers, from);
    assert(peer != NULL);
    if (--peer->count > 0) return;
    HASH_DELETE(hh, peers->by_address, peer);
    mem_free(peer);
}

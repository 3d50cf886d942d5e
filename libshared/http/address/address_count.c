/* address_count.c - how much there is of one address. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/address/address_count.h"

#include <assert.h>

#include "libshared/base/arena.h"
#include "libshared/base/network.h"
#include "libshared/base/table.h"

struct peer {
    struct in6_addr from;
    int64_t count;
    UT_hash_handle hh;
};

struct address_count {
    struct peer *by_address;
};

static struct peer *find_peer(const struct address_count *count, const struct in6_addr *from)
{
    struct in6_addr key = address_block(from);
    struct peer *peer;
    HASH_FIND(hh, count->by_address, &key, sizeof key, peer);
    return peer;
}

struct address_count *address_count_create(void)
{
    return mem_zero(sizeof(struct address_count));
}

void address_count_destroy(struct address_count *count)
{
    assert(count->by_address == NULL);
    mem_free(count);
}

int64_t address_count_get(const struct address_count *count, const struct in6_addr *from)
{
    const struct peer *peer = find_peer(count, from);
    return peer != NULL ? peer->count : 0;
}

void address_count_add(struct address_count *count, const struct in6_addr *from, int64_t n)
{
    struct peer *peer = find_peer(count, from);
    if (peer == NULL) {
        peer = mem_zero(sizeof *peer);
        peer->from = address_block(from);
        HASH_ADD(hh, count->by_address, from, sizeof peer->from, peer);
    }
    peer->count += n;
}

void address_count_remove(struct address_count *count, const struct in6_addr *from, int64_t n)
{
    struct peer *peer = find_peer(count, from);
    assert(peer != NULL && peer->count >= n);
    peer->count -= n;
    if (peer->count > 0) return;
    HASH_DELETE(hh, count->by_address, peer);
    mem_free(peer);
}

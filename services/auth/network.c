/* network.c - is this address in that network? */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/network.h"

#include <arpa/inet.h>
#include <string.h>

struct network {
    int family;
    unsigned char at[16];
    int bits;
};

static bool parse_address(struct str text, struct network *out)
{
    char copy[INET6_ADDRSTRLEN + 1];

    if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, 0, text.len) != NULL) return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    memset(out, 0, sizeof *out);
    out->family = strchr(copy, ':') ? AF_INET6 : AF_INET;
    out->bits = out->family == AF_INET6 ? 128 : 32;
    return inet_pton(out->family, copy, out->at) == 1;
}

/* ::ffff:192.0.2.1 is 192.0.2.1 that came by a socket for both. */
static void unmap(struct network *address)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (address->family != AF_INET6 || memcmp(address->at, mapped, sizeof mapped) != 0) return;
    memmove(address->at, address->at + 12, 4);
    memset(address->at + 4, 0, 12);
    address->family = AF_INET;
    address->bits = 32;
}

static bool bit(const unsigned char *at, int i)
{
    return at[i / 8] >> (7 - i % 8) & 1;
}

static bool parse_network(struct str text, struct network *out)
{
    size_t slash;
    int64_t bits;
    bool has_prefix = str_find(text, '/', &slash);

    if (!parse_address((struct str){ text.at, has_prefix ? slash : text.len }, out)) return false;
    if (!has_prefix) return true;
    if (!str_to_int(str_skip(text, slash + 1), &bits) || bits < 0 || bits > out->bits) return false;
    for (int i = (int)bits; i < out->bits; i++)
        if (bit(out->at, i)) return false;
    out->bits = (int)bits;
    return true;
}

bool network_is_valid(struct str cidr)
{
    struct network network;

    return parse_network(cidr, &network);
}

bool network_holds(struct str cidr, struct str address)
{
    struct network network, one;

    if (!parse_network(cidr, &network) || !parse_address(address, &one)) return false;
    unmap(&one);
    if (network.family != one.family) return false;
    for (int i = 0; i < network.bits; i++)
        if (bit(network.at, i) != bit(one.at, i)) return false;
    return true;
}

/* network.c - is this address in that network? */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define MAPPED_BITS 96 /* of ::ffff:0:0/96, where IPv4 is */

bool address_parse(struct str text, struct in6_addr *out)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, 0, text.len) != NULL) return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (strchr(copy, ':') != NULL) return inet_pton(AF_INET6, copy, out) == 1;
    *out = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
    return inet_pton(AF_INET, copy, out->s6_addr + 12) == 1;
}

void address_print(const struct in6_addr *address, char out[INET6_ADDRSTRLEN])
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, address->s6_addr + 12, out, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
}

struct in6_addr address_block(const struct in6_addr *address)
{
    struct in6_addr block = *address;

    if (!IN6_IS_ADDR_V4MAPPED(address)) memset(block.s6_addr + 8, 0, 8);
    return block;
}

struct str address_block_name(struct str address, char out[INET6_ADDRSTRLEN])
{
    struct in6_addr at;

    if (!address_parse(address, &at) || IN6_IS_ADDR_V4MAPPED(&at)) return address;
    at = address_block(&at);
    address_print(&at, out);
    return str_of(out);
}

struct str address_network_name(struct str address, char out[ADDRESS_NETWORK_CHARS + 1])
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr at;

    if (!address_parse(address, &at)) return address;
    bool is_ipv4 = IN6_IS_ADDR_V4MAPPED(&at);
    at = address_block(&at);
    if (is_ipv4) at.s6_addr[15] = 0;
    address_print(&at, text);
    snprintf(out, ADDRESS_NETWORK_CHARS + 1, "%s/%d", text, is_ipv4 ? 24 : 64);
    return str_of(out);
}

static bool bit(const struct in6_addr *address, int i)
{
    return address->s6_addr[i / 8] >> (7 - i % 8) & 1;
}

bool network_parse(struct str cidr, struct network *out)
{
    size_t colon;
    int64_t bits;
    struct str prefix = cidr, address = str_cut(&prefix, '/');
    int before = str_find(address, ':', &colon) ? 0 : MAPPED_BITS;

    if (!address_parse(address, &out->at)) return false;
    out->bits = 128;
    if (prefix.at == NULL) return true;
    if (!str_to_int(prefix, &bits) || bits < 0 || bits > 128 - before) return false;
    out->bits = before + (int)bits;
    for (int i = out->bits; i < 128; i++)
        if (bit(&out->at, i)) return false;
    return true;
}

bool network_is_ipv4(const struct network *network)
{
    return network->bits >= MAPPED_BITS && IN6_IS_ADDR_V4MAPPED(&network->at);
}

void network_print(const struct network *network, char out[NETWORK_CHARS])
{
    char text[INET6_ADDRSTRLEN];

    address_print(&network->at, text);
    snprintf(out, NETWORK_CHARS, "%s/%d", text, network->bits - (network_is_ipv4(network) ? MAPPED_BITS : 0));
}

bool network_has(const struct network *network, const struct in6_addr *address)
{
    if (network_is_ipv4(network) != (bool)IN6_IS_ADDR_V4MAPPED(address)) return false;
    for (int i = 0; i < network->bits; i++)
        if (bit(&network->at, i) != bit(address, i)) return false;
    return true;
}

bool network_list_parse(struct str text, struct network_list *out, struct str *bad)
{
    out->n = 0;
    while (text.len > 0) {
        *bad = str_trim(str_cut(&text, ','));
        if (bad->len == 0) continue;
        if (out->n == NETWORKS_MAX || !network_parse(*bad, &out->at[out->n])) return false;
        out->n++;
    }
    return true;
}

bool network_list_has(const struct network_list *list, const struct in6_addr *address)
{
    for (size_t i = 0; i < list->n; i++)
        if (network_has(&list->at[i], address)) return true;
    return false;
}

bool network_is_valid(struct str cidr)
{
    struct network network;

    return network_parse(cidr, &network);
}

bool network_holds(struct str cidr, struct str address)
{
    struct network network;
    struct in6_addr one;

    return network_parse(cidr, &network) && address_parse(address, &one) && network_has(&network, &one);
}

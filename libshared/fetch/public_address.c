/* public_address.c - the networks that are not the public Internet, from IANA's special-purpose registries. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/fetch/public_address.h"

#include "libshared/base/network.h"

/* Of IPv4 everything is public but these. */
static const char *const IPV4_INSIDE[] = {
    "0.0.0.0/8",       /* this host */
    "10.0.0.0/8",      /* private */
    "100.64.0.0/10",   /* behind a carrier's NAT */
    "127.0.0.0/8",     /* loopback */
    "169.254.0.0/16",  /* link-local, where clouds have their metadata */
    "172.16.0.0/12",   /* private */
    "192.0.0.0/24",    /* protocol assignments */
    "192.0.2.0/24",    /* documentation */
    "192.88.99.0/24",  /* 6to4 relays */
    "192.168.0.0/16",  /* private */
    "198.18.0.0/15",   /* benchmarks */
    "198.51.100.0/24", /* documentation */
    "203.0.113.0/24",  /* documentation */
    "224.0.0.0/4",     /* multicast */
    "240.0.0.0/4",     /* reserved, and broadcast */
};

/* Of IPv6 only this is public, so forms that carry an IPv4 address (mapped, compatible, NAT64) are not; */
static const char IPV6_GLOBAL[] = "2000::/3";
/* and of it, not these. */
static const char *const IPV6_INSIDE[] = {
    "2001::/23",     /* protocol assignments, Teredo and ORCHID among them */
    "2001:db8::/32", /* documentation */
    "2002::/16",     /* 6to4 carries any IPv4 address */
    "3fff::/20",     /* documentation */
};

static bool is_in(const char *cidr, const struct in6_addr *address)
{
    struct network network;

    return network_parse(str_of(cidr), &network) && network_has(&network, address);
}

static bool is_in_any(const char *const *cidrs, size_t n, const struct in6_addr *address)
{
    for (size_t i = 0; i < n; i++)
        if (is_in(cidrs[i], address)) return true;
    return false;
}

bool address_is_public(const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        return !is_in_any(IPV4_INSIDE, sizeof IPV4_INSIDE / sizeof *IPV4_INSIDE, address);
    return is_in(IPV6_GLOBAL, address) && !is_in_any(IPV6_INSIDE, sizeof IPV6_INSIDE / sizeof *IPV6_INSIDE, address);
}

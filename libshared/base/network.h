/* network.h - Internet addresses, and CIDRs: the networks that a key may be used from, or that a proxy stands in. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>

#include "libshared/base/str.h"

/* IPv4 is mapped into IPv6 (::ffff:192.0.2.1), so that there is one kind of address. */
struct network {
    struct in6_addr at;
    int bits;
};

/* As inet_pton() has them: no port, no brackets, no zone. */
bool address_parse(struct str text, struct in6_addr *out);
/* What was mapped is written as IPv4. */
void address_print(const struct in6_addr *address, char out[INET6_ADDRSTRLEN]);
/* What counts as one client: of IPv6 the first 64 bits, for a host owns them all. */
struct in6_addr address_block(const struct in6_addr *address);
/* The same of a text, which may be written to `out`; what is no IPv6 address is itself. */
struct str address_block_name(struct str address, char out[INET6_ADDRSTRLEN]);
/* The network around it, as it is counted for guesses: "192.0.2.0/24", "2001:db8:1::/64"; what is no address is itself. */
#define ADDRESS_NETWORK_CHARS (INET6_ADDRSTRLEN + 3)
struct str address_network_name(struct str address, char out[ADDRESS_NETWORK_CHARS + 1]);

/* "10.0.0.0/8", "2001:db8::/32", or one address.  Bits behind the prefix have to be zero, as PostgreSQL wants them. */
bool network_parse(struct str cidr, struct network *out);
/* "192.0.2.0/24", "192.0.2.7/32": one spelling for each. */
#define NETWORK_CHARS (INET6_ADDRSTRLEN + 4)
void network_print(const struct network *network, char out[NETWORK_CHARS]);
bool network_is_ipv4(const struct network *network);
/* "::/0" is all of IPv6, and nothing of IPv4. */
bool network_has(const struct network *network, const struct in6_addr *address);

#define NETWORKS_MAX 64
struct network_list {
    size_t n;
    struct network at[NETWORKS_MAX];
};
/* Of CIDRs, separated by commas.  false: *bad is what is none, or the first that is too many. */
bool network_list_parse(struct str text, struct network_list *out, struct str *bad);
bool network_list_has(const struct network_list *list, const struct in6_addr *address);

bool network_is_valid(struct str cidr);
/* What is no address is in no network. */
bool network_holds(struct str cidr, struct str address);

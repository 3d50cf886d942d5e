/* network.h - CIDRs that a key may be used from. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

/* "10.0.0.0/8", "2001:db8::/32", or one address.  Bits behind the prefix have to be zero, as PostgreSQL wants them. */
bool network_is_valid(struct str cidr);
/* An IPv4 address may come mapped into IPv6.  What is no address is in no network. */
bool network_holds(struct str cidr, struct str address);

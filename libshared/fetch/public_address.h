/* public_address.h - is this an address of the public Internet?  Everything else is somebody's inside. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

/* IPv4 is mapped (libshared/base/network.h). */
bool address_is_public(const struct in6_addr *address);

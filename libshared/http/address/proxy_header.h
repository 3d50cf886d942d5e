/*
 * proxy_header.h - whom a proxy brings, in front of everything that it brings: the PROXY protocol, versions 1 and 2.
 *
 *      PROXY TCP4 198.51.100.7 10.0.0.5 56324 443\r\n                                    version 1: a line of 107 bytes at most
 *      \r\n\r\n\0\r\nQUIT\n | 21 | 11 | length, 2 | addresses, ports | more, skipped      version 2
 *
 * It is in the clear, before TLS.  Read from the proxies that the settings name, and from nobody else: from them it has to be
 * there.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>

#include "libshared/base/str.h"

#define PROXY_HEADER_MAX                                                                                               \
    1024 /* more than any that names an address; what a proxy adds beside it is a few hundred bytes */

enum proxy_header {
    PROXY_MORE /* not all of it is here */,
    PROXY_CLIENT,
    PROXY_NOBODY /* it asks for itself */,
    PROXY_BAD
};

/* Of the bytes that came first; *len: how many of them are the header's. */
enum proxy_header proxy_header_read(struct str bytes, size_t *len, struct in6_addr *client);

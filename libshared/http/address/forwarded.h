/*
 * forwarded.h - whose request it is that a proxy brings: X-Forwarded-For, as far as it comes from proxies of ours.
 *
 *      X-Forwarded-For: 198.51.100.7, 203.0.113.9, 10.0.0.5        from 10.0.0.4; ours: 10.0.0.0/24
 *                       anybody's     the client   our outer proxy
 *
 *      Forwarded: for=198.51.100.7, for="[2001:db8::9]:4711";proto=https         RFC 7239
 *
 * Each proxy adds at the right end whom it was called by.  So the walk begins at the TCP peer and goes on to the left
 * while the last hop is one of ours; what a hop says that is not ours is not read.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/network.h"
#include "libshared/http/message/http_head.h"

/* `header` is "x-forwarded-for" or "forwarded".  The rightmost address that is not one of ours, beginning with the peer.  Where there is none, or something that is no
 * address, it is the last hop before that. */
struct in6_addr forwarded_client(
    const struct network_list *ours, const struct http_head *head, const char *header, const struct in6_addr *peer);

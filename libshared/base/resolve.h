/* resolve.h - a host's address, asked for on a thread: a name server that does not answer holds nobody up. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct errand;
struct ev_loop;

/* `found(arg, address, why)` is called on the loop, once and later: its first address as text, one of IPv4 if it has any, or NULL and the reason.
 * errand_end() ends it, before or after.  NULL: there can be no further thread. */
struct errand *resolve_begin(
    struct ev_loop *loop, const char *host, void (*found)(void *arg, const char *address, const char *why), void *arg);

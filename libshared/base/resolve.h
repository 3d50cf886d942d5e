/*
 * resolve.h - a host's address, asked for on a thread: a name server that does not answer holds nobody up.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct ev_loop;
struct resolve;

/* `found(arg, address, why)` is called on the loop, once and later: the first address as text, or NULL and the reason. */
struct resolve *resolve_begin(
    struct ev_loop *loop, const char *host, void (*found)(void *arg, const char *address, const char *why), void *arg);
/* Not called any more.  NULL is fine; to be called after `found`, too. */
void resolve_end(struct resolve **resolve);

/*
 * typing.h - ephemeral events on their way to a room's listeners; of `typing` to those from whom no block hides its sender.
 *
 *      any other event        --> each gateway with a listener
 *      typing, typing:start   --> whom does a block hide them from? known, as they are there --> with those names --> each gateway
 *                                 not known --> read, and what they send meanwhile waits --^
 *
 * It is hidden as presence is, both ways: else who is blocked would see somebody type who is offline.  What one subject sends stays in its order.
 * Loop thread only.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

struct typing;

struct typing *typing_create(void);
void typing_destroy(struct typing **typing); /* what still waits is not answered */

/* To all who may hear it; `done` comes once, perhaps before this returns.  The relay's texts live until then. */
typedef void relay_carried_fn(void *arg, enum err e);
void relay_carry(struct call *call, const struct relay *relay, relay_carried_fn *done, void *arg);

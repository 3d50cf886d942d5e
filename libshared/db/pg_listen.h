/* pg_listen.h - notifications of one channel, on the loop: a connection of its own, opened again when lost. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

struct ev_loop;
struct pg_listen;

/* `heard(arg, payload)` for each notification, and with payload NULL after each connection, since some may have been missed. */
struct pg_listen *pg_listen_create(struct ev_loop *loop, const char *conninfo, const char *channel,
    void (*heard)(void *arg, const char *payload), void *arg);
/* After the loop: it waits until the connection is closed, 4 s at most. */
void pg_listen_destroy(struct pg_listen **listen);
bool pg_listen_is_up(const struct pg_listen *listen);

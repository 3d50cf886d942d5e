/*
 * connections.h - who is connected to this gateway, and who shall not be any more: what chat asks for operators.
 *
 *      chat --connection.asked--> a walk over all sessions, a slice of it in each turn of the loop --connection.report--> chat
 *
 * Nothing is kept for it: what is told of a session is what there is of it anyway, and a session is found by looking at all.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/engineio/eio.h"

struct clients;
struct connections;
struct service_pipes;

#define CONNECTIONS_SEEN_MAX 500 /* sessions looked at in one turn, */
#define CONNECTIONS_DONE_MAX 50  /* and of these told of, or ended */

struct connections *connections_create(
    struct ev_loop *loop, const struct service_pipes *chat, const struct clients *clients);
/* Its sessions are some of them; before the first is asked for. */
void connections_serve(struct connections *connections, struct eio *eio); /* NULL, both: nothing */
void connections_stop(struct connections *connections);                   /* before the paths are destroyed */

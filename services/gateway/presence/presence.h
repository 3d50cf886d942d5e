/*
 * presence.h - who has sockets here is told to chat; and who is there of a room is told to the sockets that watch it.
 *
 *      first socket of a subject, last one --together, each 0.25 s--> every process of chat
 *
 *      presence:watch --presence.room, once for all who watch it--> members, and who of them is there
 *      presence.changed: some people --> their rooms --> the sockets that watch these: noted, and told together later
 *
 * What a socket is told last is right, and one event stands for all that happened since the one before.  It comes within two seconds, and the
 * later the more was in the one before: so a crowd that comes back at once is one or two of them.  What it was told is not kept: of each person
 * it is known when they changed last, and of each watch how much of that it knows.
 *
 * Of a room with more than 200 members there is a number alone, which is asked for now and then.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/methods.h"
#include "services/gateway/identity/client.h"

struct ev_loop;
struct gateway_presence;

struct gateway_presence *presence_create(struct ev_loop *loop, const struct service_pipes *chat);

/* not_joined; too_large: it watches too many.  What it watches it hears until it leaves the room. */
enum err presence_watch(struct client *client, struct id room) MUST_CHECK;
enum err presence_unwatch(struct client *client, struct id room) MUST_CHECK;

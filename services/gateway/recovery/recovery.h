/*
 * recovery.h - a connection that was lost is taken up again: same sid, same rooms, and all that it missed.
 *
 *      the client   keeps `pid`, a secret, and `offset`: how far it has heard each of its rooms (rooms/offset.h)
 *      Redis        keeps who the pid belongs to and where it sits (record.h, shelf.h), for recovery_ms
 *      store        has what was missed
 *
 *      CONNECT {pid, offset} -> authentication, policy -> the record: same subject? -> member of each room still?
 *          -> the rooms' heads -> what was missed -> claim the record -> EVENTs, CONNECT with the same sid and pid
 *
 * All or nothing, and the claim is the last step: whatever fails before it changes nothing, and the socket begins anew.
 * A gateway that is killed loses nothing, and it need not be the same one.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/recovery/record.h"
#include "services/gateway/session/client.h"

struct recovery;

/* NULL: settings want none. */
struct recovery *recovery_create(struct ev_loop *loop, struct rpc_client *chat, struct rpc_client *store);
void recovery_destroy(struct recovery **recovery); /* after the last client, before the pipes */

/* Let somebody in who has the right to connect: as who he was, or anew. */
void recovery_enter(struct recovery *recovery, struct clients *clients, struct sio_socket *socket,
    struct rights *rights, struct str auth);
/* It joined or left a room: put that on record, then call `done`, once. */
void recovery_note(struct client *client, void (*done)(void *arg), void *arg);
/*
 * Rooms by name, that back ends put a socket into (interop/roster.h), are on record too.  What is sent to them is never
 * stored: it is lost on whoever is away, as all ephemeral events are, and so are requests to join or leave.
 */
void recovery_named(struct client *client, const struct str *names, size_t n); /* it is in these now, and no others */
void recovery_put_back(struct recovery *recovery, record_put_back_fn *put_back, void *arg);
/* While the guest still has its seats. */
void recovery_closed(struct client *client, const char *reason);

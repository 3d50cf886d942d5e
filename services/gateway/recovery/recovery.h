/*
 * recovery.h - a connection that was lost is taken up again: same sid, same rooms, and all that it missed.
 *
 *      the client   keeps `pid`, a secret, and `offset`: how far it has heard each of its rooms (rooms/offset.h)
 *      Redis        keeps whose the pid is and which rooms it is in (record.h, recovery_records.h), for recovery_ms
 *      store        has what was missed
 *
 *      CONNECT {pid, offset} -> authentication, policy -> the record: same subject? -> the rooms' heads -> member of each
 *          room still? -> what was missed, up to the heads -> claim the record -> policy, as it is now
 *          -> EVENTs, CONNECT with the same sid and pid
 *
 * Rooms by name, that back ends put a socket into (interop/roster.h), are on record too.  What is sent to them is never
 * stored: it is lost on whoever is away, as all ephemeral events are, and so are requests to join or leave.
 *
 * All or nothing, and the claim is the last step but one: whatever fails before it changes nothing, and the socket begins anew.
 * Nothing is sent from behind the heads, which were there before chat was asked; and whose membership ends after that is asked
 * about once more before it hears anything else (rooms/inquiry.c).
 * A gateway that is killed loses nothing, and it need not be the same one.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/recovery/record.h"
#include "services/gateway/features.h"

struct rooms;
struct recovery;

/* Of recovery, and of the echo in tests/echo.  The texts outlive what is made with it. */
struct recovery_config {
    const char *redis_url; /* empty: none */
    const char *key_dir;   /* with the gateways' CURVE key */
    int64_t recovery_ms;   /* how long a lost connection can be taken up again; 0: none */
    int64_t rooms_max;     /* of a socket that is on record, by name or joined */
    int64_t socket_rooms_max, max_payload, queue_bytes, pending_max, connect_timeout_ms;
    bool has_names; /* sockets here have rooms by name */
};

/* NULL: the config wants none. */
struct recovery *recovery_create(struct ev_loop *loop, struct rooms *rooms, const struct service_pipes *chat,
    const struct service_pipes *store, const struct recovery_config *config);
/* It joined or left a room: put that on record, then call `done`, once. */
void recovery_note(struct client *client, void (*done)(void *arg), void *arg);

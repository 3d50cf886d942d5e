/*
 * halls.h - rooms as this gateway sees them: who of its sockets sits in which, and how far each has heard.
 *
 *      hall   a room with at least one local socket: subscribed at chat, with the newest seq that was handed out
 *      guest  a local socket (the slot of this feature in its client)
 *      seat   a guest's place in a hall:
 *
 *          waiting --head known--> live <--all heard-- fetching <--drained-- behind
 *                     |             |                    ^  ^                  ^
 *                     |             +---- its socket is slow ------------------+
 *                     +---- `since` is older than the head ---+
 *
 * Every message of a hall is heard by each live seat once and in the order of seq.  Chat only announces; what it may
 * have lost (it restarted, a queue was full, a socket was slow) comes from the store, which has it all.  So nothing
 * here has to be kept for long: what is held is bounded, and dropping it costs a question to the store.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "libshared/rpc/rpc_client.h"
#include "services/gateway/features.h"

#define HALLS_NAMESPACE "/chat" /* where messages are heard: the HEAR rows of proto/public.def */

struct halls;
struct seat;
struct kept;

struct guest {
    struct halls *home;
    struct sio_socket *socket;
    struct str subject; /* its owner's text */
    bool tracked;       /* what it is sent says how far it has heard: see guest_track */
    bool lost;          /* its seats are not on record: nothing that it is told now can be taken up again */
    char epoch;
    uint32_t next_mark;
    struct sio_offsets offsets;
    uint64_t changes;    /* of its seats */
    struct seat **seats; /* in the order in which they were taken */
    size_t n, cap;
    struct kept *kept; /* newest state events, while it is slow */
    unsigned n_kept;
};

/* rooms_max: of one socket. */
struct halls *halls_create(struct ev_loop *loop, struct rpc_client *chat, struct rpc_client *store, size_t rooms_max);
void halls_destroy(struct halls **halls); /* after the last guest */
size_t halls_count(const struct halls *halls);
/* The sockets that sit in this room. */
void halls_each_socket(
    struct halls *halls, struct id room, void (*visit)(void *arg, struct sio_socket *socket), void *arg);

/* Until it is another, nobody has ceased to be a member of this room without us hearing it; 0: this room is not heard. */
uint64_t halls_moment(struct halls *halls, struct id room);

/* From chat's pipe: true if the event was one of ours. */
bool halls_event(struct halls *halls, const struct frame_event *head, struct str body);
void halls_chat_up(struct halls *halls);  /* or events were lost */
void halls_store_up(struct halls *halls); /* or a store may have died before it published */

/* The slot: NULL where a gateway has no rooms. */
struct guest *client_subscriber(struct client *client);
void guest_begin(struct guest *guest, struct halls *halls, struct sio_socket *socket, struct str subject);
void guest_end(struct guest *guest);     /* leaves all; those who wait for a seat are told shutting_down */
void guest_drained(struct guest *guest); /* the socket is not slow any more */

/* From now on its messages end with an offset (rooms/offset.h): up to where it has heard each of its rooms. */
void guest_track(struct guest *guest, char epoch, uint32_t next_mark);
void guest_untrack(struct guest *guest);
/* The i-th seat; false: it is not known yet from where on it hears. */
bool guest_mark(const struct guest *guest, size_t i, struct guest_mark *out);
/* Sit down again, having heard all up to seq.  It is not refused: what is away is asked until it is back. */
void guest_resume(struct guest *guest, const struct guest_mark *mark, int64_t seq);
/* The packet of a message, without an offset.  The caller has the reference. */
struct eio_packet *frame_of_message(const struct message *message);

/* seq: the newest one of the room; everything after it will be heard. */
typedef void guest_seated_fn(void *arg, enum err e, int64_t seq);
/* Sit down.  since >= 0: everything after it is sent first.  `seated` comes once, perhaps before this returns.
 * Who sits there already hears what came after `since`, if that is given, no second time. */
void guest_sit(struct guest *guest, struct id room, int64_t since, guest_seated_fn *seated, void *arg);
bool guest_leave(struct guest *guest, struct id room); /* false: did not sit there */
bool guest_sits(const struct guest *guest, struct id room);
/* Leave the rooms for which `may` says no, each with room:removed. */
void guest_review(struct guest *guest, bool (*may)(void *arg, struct id room), void *arg);

/*
 * rooms.h - rooms as this gateway sees them: which of its sockets hear which, and how far each has heard.
 *
 *      local_room     a room with at least one local socket: subscribed at chat, with the newest seq that was handed out
 *      subscriber     a local socket (the slot of this feature in its client)
 *      subscription   that subscriber hears that room:
 *
 *          waiting --head known--> live <--all heard-- fetching <--drained-- behind
 *                     |             |                    ^  ^                  ^
 *                     |             +---- its socket is slow ------------------+
 *                     +---- `since` is older than the head ---+
 *
 *          It waits for the head, and for chat to say that its subscriber is a member: inquiry.c.
 *
 * Every message of a room is heard by each live subscription once and in the order of seq.  Chat only announces; what it may
 * have lost (it restarted, a queue was full, a socket was slow) comes from the store, which has it all.  So nothing
 * here has to be kept for long: what is held is bounded, and dropping it costs a question to the store.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "services/gateway/features.h"
#include "services/gateway/methods.h"

struct rooms;
struct subscription;
struct latest_state;

struct subscriber {
    struct rooms *home;
    struct sio_socket *socket;
    struct str subject; /* its owner's text */
    bool tracked;       /* what it is sent says how far it has heard: see subscriber_track */
    bool lost;          /* its subscriptions are not on record: nothing that it is told now can be taken up again */
    char epoch;
    uint8_t n_states;
    uint32_t next_room_no;
    struct sio_offsets offsets;
    uint64_t changes;                    /* of its subscriptions */
    uint64_t news;                       /* of users: the last one that it was told */
    struct subscription **subscriptions; /* in the order in which they were taken */
    size_t n, cap;
    struct latest_state *states; /* newest state events, while it is slow: n_kept of them */
};

/* Rooms that one socket is in, and those that are listened to for one subject: of one address three times as many. */
struct rooms_bounds {
    size_t of_socket, of_subject;
};
struct rooms *rooms_create(struct ev_loop *loop, const struct service_pipes *chat, const struct service_pipes *store,
    struct rooms_bounds bounds);
void rooms_destroy(struct rooms **rooms); /* after the last subscriber */
size_t rooms_count(const struct rooms *rooms);
/* The sockets that are in this room. */
void rooms_each_socket(
    struct rooms *rooms, struct id room_id, void (*visit)(void *arg, struct sio_socket *socket), void *arg);

/* As long as it stays the same, no membership of this room has ended without this gateway hearing of it.  0: this room is not
 * subscribed. */
uint64_t rooms_membership_stamp(struct rooms *rooms, struct id room_id);

/* From chat's pipe: true if the event was one of ours. */
bool rooms_take_event(struct rooms *rooms, struct service_part from, const struct frame_event *head, struct str body);
/* A process of chat is there again, or events of it were lost. */
void rooms_chat_up(struct rooms *rooms, struct service_part part);
/* A store is there again, or may have died before it published: of the rooms that this process speaks for. */
void rooms_recheck(struct rooms *rooms, struct service_part part);

/* The slot: NULL where a gateway has no rooms. */
struct subscriber *client_subscriber(struct client *client);
void subscriber_begin(
    struct subscriber *subscriber, struct rooms *rooms, struct sio_socket *socket, struct str subject);
void subscriber_end(
    struct subscriber *subscriber); /* leaves all; those who wait for a subscription are told shutting_down */
void subscriber_drained(struct subscriber *subscriber); /* the socket is not slow any more */

/* From now on its messages end with an offset (rooms/offset.h): up to where it has heard each of its rooms. */
void subscriber_track(struct subscriber *subscriber, char epoch, uint32_t next_room_no);
void subscriber_untrack(struct subscriber *subscriber);
/* The i-th subscription; false: it is not known yet from where on it hears. */
bool subscriber_room_start(const struct subscriber *subscriber, size_t i, struct room_start *out);
/* Subscribe again, having heard all up to seq.  It is not refused: what is away is asked until it is back.  membership: as below. */
void subscriber_resume(
    struct subscriber *subscriber, const struct room_start *start, struct membership membership, int64_t seq);
/* The packet of an entry, without an offset, as it is heard by who reads what was stored after `reads_after`.  The caller has the reference. */
struct eio_packet *message_packet_for(const struct message *entry, int64_t reads_after);

/* seq: the newest one of the room; everything after it will be heard.  first: the log begins there, and `since` was before that; 0: nothing is
 * missing. */
struct joined_at {
    int64_t seq, first;
};
/* over: the rate that was, of ERR_RATE_LIMITED; or NULL. */
typedef void subscriber_joined_fn(void *arg, enum err e, struct joined_at at, const struct rate_state *over);
/* Subscribe.  membership: what chat said, and rooms_membership_stamp() when it was asked; if that is another one
 * now, chat is asked again before anything is heard.  since >= 0: everything after it is sent first.  `joined` is called once,
 * perhaps before this returns.  A socket that is there already hears what came after `since`, if that is given, no second time. */
void subscriber_join(struct subscriber *subscriber, struct id room_id, struct membership membership, int64_t since,
    subscriber_joined_fn *joined, void *arg);
bool subscriber_leave(struct subscriber *subscriber, struct id room_id); /* false: was not in it */
bool subscriber_is_in(const struct subscriber *subscriber, struct id room_id);
/* Leave the rooms for which `may` says no, each with room:removed. */
void subscriber_review(struct subscriber *subscriber, bool (*may)(void *arg, struct id room_id), void *arg);

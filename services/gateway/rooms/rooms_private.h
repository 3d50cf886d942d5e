/* rooms_private.h - what the files of rooms/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/metrics.h"
#include "libshared/base/places.h"
#include "services/gateway/rooms/rooms.h"
#include "libshared/base/table.h"

#define BACKLOG_MAX    256 /* messages of one room kept while the store is asked */
#define BACKLOG_BYTES  (1u << 20)
#define BACKLOGS_BYTES (32u << 20) /* of all rooms together */
#define FILL_LIMIT     500         /* messages of one page, for a room */
#define FETCH_LIMIT    100         /* and for a subscription */
#define ASKING_MAX     256         /* rooms of a lane that ask at a time */
#define HEADS_MAX      256         /* rooms in one question for heads */
#define RETRY_S        0.5

/* An entry of a log as ready packets.  `blind` is for who may not read the message that it is done to; the same as `packet` if there is
 * nothing to hide. */
struct entry_packets {
    int64_t seq, at, target_at; /* when that message was stored; 0: it is done to none */
    struct eio_packet *packet, *blind;
};

/* Some of them, by seq. */
struct backlog {
    struct entry_packets *at;
    size_t n, bytes;
    size_t *all; /* bytes of all backlogs of its kind */
};
bool backlog_is_full(const struct backlog *b);
void backlog_add(struct backlog *b, const struct entry_packets *entry); /* takes references */
void backlog_shift(struct backlog *b, size_t n);                        /* forget the first n */
void backlog_clear(struct backlog *b);                                  /* and free */

struct local_room {
    struct id id;
    uint64_t serial; /* tells it from an earlier one of the same room */
    struct rooms *home;
    struct subscription **subscriptions;
    size_t n, cap;
    int64_t seq;           /* newest that was handed out; -1: the head is not known yet */
    int64_t newest_known;  /* newest that is known to exist */
    struct backlog ahead;  /* ahead of seq, with a gap before them */
    struct backlog recent; /* up to seq, as long as a subscription is fetching */
    unsigned fetching;     /* subscriptions */
    bool subscribed, head_known;
    bool asking, queued;
    struct chat_lane *lane;         /* of its process of chat */
    struct local_room *prev, *next; /* in the lane's queue */
    struct subscription *payer;     /* for whom it is listened to: the first, or who is left of those that came later */
    struct place place;             /* that it takes */
    UT_hash_handle hh;
};

/* What a subscription costs; a room whose only subscription it is counts with it. */
#define SUBSCRIPTION_BYTES                                                                                             \
    (sizeof(struct subscription) + sizeof(struct local_room) + 64 + sizeof(struct subscription *))

struct rooms {
    struct ev_loop *loop;
    const struct service_pipes *chat, *store;
    struct rooms_bounds bounds;
    struct places listened; /* one for each room */
    struct local_room *table;
    struct chat_lane {
        struct local_room *queue;
        unsigned asking;
    } lanes[PARTS_MAX]; /* one for each process of chat: those of one that is away keep nobody else waiting */
    size_t n_lanes;
    size_t backlog_bytes; /* of all backlogs */
    struct heads *heads;  /* the next question for heads, being collected */
    uint64_t
        generation; /* grows whenever known heads may be stale; what was asked for under an older value is asked for again */
    uint64_t endings;          /* of memberships: those that were heard of, and those that may have been missed */
    struct inquiry *inquiries; /* questions for memberships: the last is being collected */
    unsigned inquiring;        /* of them on their way */
    ev_timer flush, inquire, retry;
    struct arena *arena; /* one event or reply */
    uint64_t serials;
    uint64_t news;     /* of users that were heard: the number of the last one */
    struct buf offset; /* scratch: the offset of the message that is being sent */
    struct {
        struct eio_packet *of, *packet; /* `of` with the offset in `text` */
        struct buf text;
        char epoch; /* where that is of one room only, it says no more than these; else 0 */
        uint32_t room_no;
    } last_packet; /* the last that was made: the next socket often needs the same */
    struct metric *delivered, *paused, *gaps, *dropped, *open;
};

enum subscription_state { SUBSCRIPTION_WAITING, SUBSCRIPTION_FETCHING, SUBSCRIPTION_BEHIND, SUBSCRIPTION_LIVE };

struct subscription {
    struct subscriber *subscriber;
    struct local_room *room;
    size_t in_room, in_subscriber; /* its index there */
    enum subscription_state state;
    bool entered; /* it was live once, and its features know */
    uint32_t room_no;
    int64_t start_seq;   /* the first message that its subscriber hears has this seq + 1; -1: not known yet */
    int64_t reads_after; /* chat says: its subscriber hears nothing that was stored up to then; 0: all */
    int64_t seq;         /* the newest that it heard; live, all up to the room's; before that: since */
    int64_t first;       /* the log begins with this seq, and it asked for what came before; 0: nothing is missing */
    bool sure;           /* its subscriber is a member, or chat will say so on its pipe: see inquiry.c */
    struct inquiry *inquiry; /* what asks about that, or will; it is the in_inquiry-th there */
    size_t in_inquiry;
    struct subscription_fetch *fetch; /* the question that is on its way */
    subscriber_joined_fn *joined;     /* NULL once answered */
    void *arg;
};

/* local_room_check.c */
void local_room_check(const struct local_room *room);

/* local_room.c */
struct local_room *local_room_find(struct rooms *rooms, struct id room_id);
struct local_room *local_room_get(struct rooms *rooms, struct id room_id); /* opens it if need be */
void local_room_close_if_empty(struct local_room *room);
/* May one more be listened to for this socket? */
bool rooms_have_room_for(const struct rooms *rooms, const struct subscriber *subscriber);
void local_room_find_payer(struct local_room *room); /* one has come, or gone */
void local_room_enqueue(struct local_room *room);    /* it has something to ask */
struct local_room *lane_dequeue(struct chat_lane *lane);
struct chat_lane *rooms_lane(struct rooms *rooms, struct id room_id);

/* subscription_send.c */
int64_t subscription_newest_sent(const struct subscription *subscription); /* the newest seq that it was sent */
/* As much of it as its subscriber may read; false: nothing. */
bool subscription_send(struct subscription *subscription, const struct entry_packets *entry);
void rooms_forget_last_packet(struct rooms *rooms);

/* subscription.c */
void subscription_begin(struct subscription *subscription); /* the room's seq is known, and the subscription is sure */
void subscription_pause(
    struct subscription *subscription); /* live, but its socket is slow: before the next one is handed out */
void subscription_fetch(struct subscription *subscription);
void subscription_answer(struct subscription *subscription, enum err e);
void subscription_leave(struct subscription *subscription); /* frees it, and may close the room */
void subscription_remove(
    struct subscription *subscription); /* the same, and tells the client: who is still joining is refused */

/* inquiry.c */
void subscription_inquire(
    struct subscription *subscription); /* is unsure now, and asked about; its room is subscribed */
void subscription_forget_inquiry(struct subscription *subscription);
void rooms_inquire_init(struct rooms *rooms);
void rooms_inquire_stop(struct rooms *rooms);

/* message_packet.c; the caller has the references. */
struct entry_packets entry_packets_make(const struct message *entry);
void entry_packets_drop(const struct entry_packets *entry);
size_t entry_packets_bytes(const struct entry_packets *entry);

/* deliver.c */
void local_room_take_message(struct local_room *room, const struct message *message);
void local_room_release_ahead(struct local_room *room);
void local_room_take_head(struct local_room *room, int64_t seq);     /* the store says so */
void local_room_refuse_waiting(struct local_room *room, enum err e); /* may close the room */

/* room_sync.c: a room asks for what it lacks: a subscription, its head, what lies in a gap. */
void local_room_sync(struct local_room *room);
void rooms_sync_all(struct rooms *rooms);
void rooms_sync_init(struct rooms *rooms);
void rooms_sync_stop(struct rooms *rooms);

/* ephemeral.c */
void rooms_take_relay(struct rooms *rooms, const struct relay *relay);
void rooms_take_receipts(struct rooms *rooms, struct str body); /* receipts.c */
/* Sent when it is slow no more, unless another of the same room and event has come; false: nothing can be kept for it any more. */
bool subscriber_keep_state(struct subscriber *subscriber, struct id room, struct str event, struct eio_packet *packet);
void rooms_take_person(struct rooms *rooms, struct str body); /* person_news.c */
void subscriber_send_states(struct subscriber *subscriber);
void subscriber_drop_states(struct subscriber *subscriber);

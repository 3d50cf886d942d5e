/* halls_inside.h - what the files of rooms/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/metrics.h"
#include "services/gateway/rooms/halls.h"
#include "libshared/base/table.h"

#define HELD_MAX    256 /* messages of one hall kept while the store is asked */
#define HELD_BYTES  (1u << 20)
#define KEPT_BYTES  (32u << 20) /* of all halls together */
#define FILL_LIMIT  500         /* messages of one page, for a hall */
#define FETCH_LIMIT 100         /* and for a seat */
#define ASKING_MAX  256         /* halls that ask at a time */
#define HEADS_MAX   256         /* halls in one question for heads */
#define RETRY_S     0.5

/* Messages as ready packets, by seq. */
struct backlog {
    struct backlog_item {
        int64_t seq;
        struct eio_packet *packet;
    } * at;
    size_t n, bytes;
    size_t *all; /* bytes of all backlogs of its kind */
};
bool backlog_is_full(const struct backlog *b);
void backlog_add(struct backlog *b, int64_t seq, struct eio_packet *packet); /* takes a reference */
void backlog_shift(struct backlog *b, size_t n);                             /* forget the first n */
void backlog_clear(struct backlog *b);                                       /* and free */

struct hall {
    struct id id;
    uint64_t serial; /* tells it from an earlier one of the same room */
    struct halls *home;
    struct seat **seats;
    size_t n, cap;
    int64_t seq;           /* newest that was handed out; -1: the head is not known yet */
    int64_t want;          /* newest that is known to exist */
    struct backlog held;   /* ahead of seq, with a gap before them */
    struct backlog recent; /* up to seq, as long as a seat is fetching */
    unsigned fetching;     /* seats */
    bool subscribed, head_known;
    bool asking, queued;
    struct hall *next_queued;
    UT_hash_handle hh;
};

/* What a seat costs; a room whose only seat it is counts with it. */
#define SEAT_BYTES (sizeof(struct seat) + sizeof(struct hall) + 64)

struct halls {
    struct ev_loop *loop;
    struct rpc_client *chat, *store;
    size_t rooms_max; /* of one socket */
    struct hall *table;
    struct hall *queue_first, **queue_last;
    unsigned asking;
    size_t kept_bytes;   /* of all backlogs */
    struct heads *heads; /* the next question for heads, being collected */
    uint64_t round;      /* how often what heads were known had to be doubted */
    uint64_t endings;    /* of memberships, heard or perhaps missed */
    ev_timer flush, retry;
    struct arena *arena; /* one event or reply */
    uint64_t serials;
    struct buf offset; /* the one of the moment */
    struct {
        struct eio_packet *of, *packet; /* `of` with the offset in `text` */
        struct buf text;
    } marked; /* the last that was made: the next socket often needs the same */
    struct metric *delivered, *paused, *gaps, *dropped, *open;
};

enum seat_state { SEAT_WAITING, SEAT_FETCHING, SEAT_BEHIND, SEAT_LIVE };

struct seat {
    struct guest *guest;
    struct hall *hall;
    size_t in_hall, in_guest; /* its index there */
    enum seat_state state;
    uint32_t mark;
    int64_t base;            /* what its guest heard here began behind this one; -1: not known yet */
    int64_t seq;             /* the newest that it heard; live, all up to the hall's; before that: since */
    struct fetch *fetch;     /* the question that is on its way */
    guest_seated_fn *seated; /* NULL once answered */
    void *arg;
};

/* check.c */
void hall_check(const struct hall *hall);

/* hall.c */
struct hall *hall_find(struct halls *halls, struct id room);
struct hall *hall_get(struct halls *halls, struct id room); /* opens it if need be */
void hall_close_if_empty(struct hall *hall);
void hall_enqueue(struct hall *hall); /* it has something to ask */
struct hall *halls_dequeue(struct halls *halls);

/* mark.c */
int64_t seat_heard(const struct seat *seat); /* the newest seq that it was sent */
void seat_send(struct seat *seat, int64_t seq, struct eio_packet *packet);
void halls_forget_marked(struct halls *halls);

/* seat.c */
void seat_begin(struct seat *seat); /* the hall's seq is known */
void seat_pause(struct seat *seat); /* live, but its socket is slow: before the next one is handed out */
void seat_fetch(struct seat *seat);
void seat_answer(struct seat *seat, enum err e);
void seat_leave(struct seat *seat);  /* frees it, and may close the hall */
void seat_remove(struct seat *seat); /* the same, and tells the client */

/* deliver.c */
void hall_heard(struct hall *hall, const struct message *message);
void hall_release_held(struct hall *hall);
void hall_head(struct hall *hall, int64_t seq);          /* the store says so */
void hall_refuse_waiting(struct hall *hall, enum err e); /* may close the hall */

/* pursue.c: a hall asks for what it lacks: a subscription, its head, what lies in a gap. */
void hall_pursue(struct hall *hall);
void halls_pursue_all(struct halls *halls);
void halls_pursue_init(struct halls *halls);
void halls_pursue_stop(struct halls *halls);

/* relay.c */
void halls_relayed(struct halls *halls, const struct relay *relay);
void guest_send_kept(struct guest *guest);
void guest_drop_kept(struct guest *guest);

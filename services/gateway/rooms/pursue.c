/*
 * pursue.c - a hall asks for what it lacks, one question at a time:
 *
 *      not subscribed --room.subscribe--> head not known --log.heads--> gap --log.since--> whole
 *
 * Chat's pipe keeps replies and events in order, so what is published after the reply is heard; the head is asked for
 * after that, so what was published before is known.  Few halls ask at a time; questions for heads go in batches.
 * What fails is tried again a little later.
 */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/log.h"
#include "services/gateway/methods.h"
#include "services/gateway/rooms/halls_inside.h"

/* Which hall asked: it may be gone, or another one of the same room, when the answer comes. */
struct asker {
    struct halls *halls;
    struct id room;
    uint64_t serial;
};
struct heads {
    struct halls *halls;
    uint64_t round; /* when it was asked */
    size_t n;
    struct id rooms[HEADS_MAX];
    uint64_t serials[HEADS_MAX];
};

static void pump(struct halls *halls);

static struct hall *asker_hall(struct halls *halls, struct id room, uint64_t serial)
{
    struct hall *hall = hall_find(halls, room);

    return hall != NULL && hall->serial == serial ? hall : NULL;
}

/* The answer is there: NULL if nobody waits for it any more. */
static struct hall *answered(struct asker *asker)
{
    struct hall *hall = asker_hall(asker->halls, asker->room, asker->serial);

    asker->halls->asking--;
    if (hall != NULL) hall->asking = false;
    mem_free(asker);
    return hall;
}

static void later(struct hall *hall, enum err e)
{
    struct halls *halls = hall->home;

    LOG(DEBUG, "gateway.room_retry", F_ID("room", hall->id), F_TEXT("code", err_code(e)));
    if (!ev_is_active(&halls->retry)) ev_timer_start(halls->loop, &halls->retry);
    hall_refuse_waiting(hall, e);
}

static void *ask_as(struct hall *hall)
{
    struct asker *asker = mem_alloc(sizeof *asker);

    *asker = (struct asker){ hall->home, hall->id, hall->serial };
    return asker;
}

static void on_subscribed(void *arg, enum err status, struct str body)
{
    struct halls *halls = ((struct asker *)arg)->halls;
    struct hall *hall = answered(arg);

    (void)body;
    if (hall != NULL && status == OK) {
        hall->subscribed = true;
        hall->head_known = false;
        hall_enqueue(hall);
    } else if (hall != NULL) {
        later(hall, status);
    }
    pump(halls);
}

static void head_failed(struct halls *halls, const struct heads *asked, enum err e)
{
    for (size_t i = 0; i < asked->n; i++) {
        struct hall *hall = asker_hall(halls, asked->rooms[i], asked->serials[i]);
        if (hall != NULL) {
            hall->asking = false;
            later(hall, e);
        }
    }
}

static void heads_answered(struct halls *halls, const struct heads *asked, const struct log_heads *found)
{
    for (size_t i = 0; i < asked->n && i < found->heads.len; i++) {
        struct hall *hall = asker_hall(halls, asked->rooms[i], asked->serials[i]);
        if (hall == NULL) continue;
        hall->asking = false;
        hall_head(hall, found->heads.at[i].seq);
        if (asked->round != halls->round) hall->head_known = false; /* the answer may be older than the doubt */
        hall_enqueue(hall);
    }
}

static bool is_answer_to(const struct heads *asked, const struct log_heads *found)
{
    if (found->heads.len != asked->n) return false;
    for (size_t i = 0; i < asked->n; i++)
        if (!id_eq(found->heads.at[i].room, asked->rooms[i])) return false;
    return true;
}

static void on_heads(void *arg, enum err status, struct str body)
{
    struct heads *asked = arg;
    struct halls *halls = asked->halls;
    struct log_heads found = { 0 };
    struct wire_error why;

    if (status == OK) status = wire_decode(log_heads_shape(), body, halls->arena, &found, &why);
    if (status == OK && !is_answer_to(asked, &found)) status = ERR_INTERNAL;
    halls->asking -= (unsigned)asked->n;
    if (status == OK)
        heads_answered(halls, asked, &found);
    else
        head_failed(halls, asked, status);
    mem_free(asked);
    arena_reset(halls->arena);
    pump(halls);
}

static void flush_heads(struct halls *halls)
{
    struct heads *asked = halls->heads;

    halls->heads = NULL;
    asked->round = halls->round;
    ev_timer_stop(halls->loop, &halls->flush);
    method_ask(halls->store, M_log_heads, &(struct log_rooms){ .rooms = { asked->rooms, asked->n } }, on_heads, asked);
}

static void on_flush(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    flush_heads(timer->data);
}

static void ask_head(struct hall *hall)
{
    struct halls *halls = hall->home;

    if (halls->heads == NULL) {
        halls->heads = mem_zero(sizeof *halls->heads);
        halls->heads->halls = halls;
        ev_timer_set(&halls->flush, 0., 0.);
        ev_timer_start(halls->loop, &halls->flush);
    }
    halls->heads->rooms[halls->heads->n] = hall->id;
    halls->heads->serials[halls->heads->n++] = hall->serial;
    if (halls->heads->n == HEADS_MAX) flush_heads(halls);
}

/* Nothing came though something must be there: the log was cut, or restored.  Go on with what we have. */
static void skip_gap(struct hall *hall)
{
    LOG_BOUNDED(ERROR, "gateway.log_gap", F_ID("room", hall->id), F_INT("after", hall->seq), F_INT("want", hall->want));
    hall->seq = hall->held.n > 0 ? hall->held.at[0].seq - 1 : hall->want;
}

static void fill(struct hall *hall, const struct message_page *page)
{
    int64_t before = hall->seq;

    for (size_t i = 0; i < page->messages.len; i++)
        if (page->messages.at[i].seq == hall->seq + 1) hall_heard(hall, &page->messages.at[i]);
    if (hall->seq == before && hall->want > hall->seq) skip_gap(hall);
    hall_release_held(hall);
}

static void on_missing(void *arg, enum err status, struct str body)
{
    struct halls *halls = ((struct asker *)arg)->halls;
    struct hall *hall = answered(arg);
    struct message_page page = { 0 };
    struct wire_error why;

    if (status == OK) status = wire_decode(message_page_shape(), body, halls->arena, &page, &why);
    if (hall != NULL && status == OK) {
        fill(hall, &page);
        hall_enqueue(hall);
    } else if (hall != NULL) {
        later(hall, status);
    }
    arena_reset(halls->arena);
    pump(halls);
}

static void ask_missing(struct hall *hall)
{
    metric_add(hall->home->gaps, 1);
    method_ask(hall->home->store, M_log_since,
        &(struct log_query){ .room = hall->id, .after = hall->seq, .limit = FILL_LIMIT }, on_missing, ask_as(hall));
}

static void ask(struct hall *hall)
{
    if (hall->subscribed && hall->head_known && hall->want <= hall->seq) return;
    hall->asking = true;
    hall->home->asking++;
    if (!hall->subscribed)
        method_ask(
            hall->home->chat, M_room_subscribe, &(struct room_ref){ .room = hall->id }, on_subscribed, ask_as(hall));
    else if (!hall->head_known)
        ask_head(hall);
    else
        ask_missing(hall);
}

static void pump(struct halls *halls)
{
    while (halls->queue_first != NULL && halls->asking < ASKING_MAX) ask(halls_dequeue(halls));
}

void hall_pursue(struct hall *hall)
{
    struct halls *halls = hall->home;

    hall_enqueue(hall);
    pump(halls);
}

void halls_pursue_all(struct halls *halls)
{
    for (struct hall *hall = halls->table; hall != NULL; hall = hall->hh.next) hall_enqueue(hall);
    pump(halls);
}

static void retry_seats(struct hall *hall)
{
    for (size_t i = 0; i < hall->n; i++)
        if (hall->seats[i]->state == SEAT_BEHIND && !sio_is_slow(hall->seats[i]->guest->socket))
            seat_fetch(hall->seats[i]);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct halls *halls = timer->data;

    (void)loop, (void)events;
    for (struct hall *hall = halls->table; hall != NULL; hall = hall->hh.next) retry_seats(hall);
    halls_pursue_all(halls);
}

void halls_pursue_init(struct halls *halls)
{
    ev_timer_init(&halls->flush, on_flush, 0., 0.);
    halls->flush.data = halls;
    ev_timer_init(&halls->retry, on_retry, RETRY_S, 0.);
    halls->retry.data = halls;
}

void halls_pursue_stop(struct halls *halls)
{
    ev_timer_stop(halls->loop, &halls->flush);
    ev_timer_stop(halls->loop, &halls->retry);
    mem_free(halls->heads);
}

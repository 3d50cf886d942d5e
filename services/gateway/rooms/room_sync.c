/*
 * room_sync.c - a room asks for what it lacks, one question at a time:
 *
 *      not subscribed --room.subscribe--> head not known --log.heads--> gap --log.since--> whole
 *                                    \--> inquiry.c
 *
 * Chat's pipe keeps replies and events in order, so what is published after the reply is heard; the head is asked for
 * after that, so what was published before is known.  Few rooms of a process of chat ask at a time; questions for heads go in
 * batches.
 * What fails is tried again a little later.
 */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/log.h"
#include "services/gateway/methods.h"
#include "services/gateway/rooms/rooms_private.h"

/* Which room asked: it may be gone, or another one of the same room, when the answer comes. */
struct room_question {
    struct rooms *rooms;
    struct id room;
    uint64_t serial;
};
struct heads {
    struct rooms *rooms;
    uint64_t generation; /* when it was asked */
    size_t n;
    struct id ids[HEADS_MAX];
    uint64_t serials[HEADS_MAX];
};

static void ask_queued(struct rooms *rooms);

static struct local_room *room_that_asked(struct rooms *rooms, struct id room_id, uint64_t serial)
{
    struct local_room *room = local_room_find(rooms, room_id);

    return room != NULL && room->serial == serial ? room : NULL;
}

/* The answer is there: NULL if nobody waits for it any more. */
static struct local_room *take_answer(struct room_question *question)
{
    struct local_room *room = room_that_asked(question->rooms, question->room, question->serial);

    rooms_lane(question->rooms, question->room)->asking--;
    if (room != NULL) room->asking = false;
    mem_free(question);
    return room;
}

static void retry_later(struct local_room *room, enum err e)
{
    struct rooms *rooms = room->home;

    LOG(DEBUG, "gateway.room_retry", F_ID("room", room->id), F_TEXT("code", err_code(e)));
    if (!ev_is_active(&rooms->retry)) ev_timer_start(rooms->loop, &rooms->retry);
    local_room_refuse_waiting(room, e);
}

static void *make_question(struct local_room *room)
{
    struct room_question *question = mem_alloc(sizeof *question);

    *question = (struct room_question){ room->home, room->id, room->serial };
    return question;
}

static void on_subscribed(void *arg, enum err status, struct str body)
{
    struct rooms *rooms = ((struct room_question *)arg)->rooms;
    struct local_room *room = take_answer(arg);

    (void)body;
    if (room != NULL && status == OK) {
        room->subscribed = true;
        room->head_known = false;
        for (size_t i = 0; i < room->n; i++) subscription_inquire(room->subscriptions[i]);
        local_room_enqueue(room);
    } else if (room != NULL) {
        retry_later(room, status);
    }
    ask_queued(rooms);
}

static void head_failed(struct rooms *rooms, const struct heads *asked, enum err e)
{
    for (size_t i = 0; i < asked->n; i++) {
        struct local_room *room = room_that_asked(rooms, asked->ids[i], asked->serials[i]);
        if (room != NULL) {
            room->asking = false;
            retry_later(room, e);
        }
    }
}

static void heads_answered(struct rooms *rooms, const struct heads *asked, const struct log_heads *found)
{
    for (size_t i = 0; i < asked->n && i < found->heads.len; i++) {
        struct local_room *room = room_that_asked(rooms, asked->ids[i], asked->serials[i]);
        if (room == NULL) continue;
        room->asking = false;
        local_room_take_head(room, found->heads.at[i].seq);
        if (asked->generation != rooms->generation)
            room->head_known = false; /* the answer may be older than what made the heads stale */
        local_room_enqueue(room);
    }
}

static bool is_answer_to(const struct heads *asked, const struct log_heads *found)
{
    if (found->heads.len != asked->n) return false;
    for (size_t i = 0; i < asked->n; i++)
        if (!id_eq(found->heads.at[i].room, asked->ids[i])) return false;
    return true;
}

static void on_heads(void *arg, enum err status, struct str body)
{
    struct heads *asked = arg;
    struct rooms *rooms = asked->rooms;
    struct log_heads found = { 0 };
    struct wire_error why;

    if (status == OK) status = wire_decode(log_heads_shape(), body, rooms->arena, &found, &why);
    if (status == OK && !is_answer_to(asked, &found)) status = ERR_INTERNAL;
    for (size_t i = 0; i < asked->n; i++) rooms_lane(rooms, asked->ids[i])->asking--;
    if (status == OK)
        heads_answered(rooms, asked, &found);
    else
        head_failed(rooms, asked, status);
    mem_free(asked);
    arena_reset(rooms->arena);
    ask_queued(rooms);
}

static void flush_heads(struct rooms *rooms)
{
    struct heads *asked = rooms->heads;

    rooms->heads = NULL;
    asked->generation = rooms->generation;
    ev_timer_stop(rooms->loop, &rooms->flush);
    method_ask(
        rooms->store, M_store_log_heads, &(struct log_rooms){ .rooms = { asked->ids, asked->n } }, on_heads, asked);
}

static void on_flush(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    flush_heads(timer->data);
}

static void ask_head(struct local_room *room)
{
    struct rooms *rooms = room->home;

    if (rooms->heads == NULL) {
        rooms->heads = mem_zero(sizeof *rooms->heads);
        rooms->heads->rooms = rooms;
        ev_timer_set(&rooms->flush, 0., 0.);
        ev_timer_start(rooms->loop, &rooms->flush);
    }
    rooms->heads->ids[rooms->heads->n] = room->id;
    rooms->heads->serials[rooms->heads->n++] = room->serial;
    if (rooms->heads->n == HEADS_MAX) flush_heads(rooms);
}

/* Nothing came though something must be there: the log was cut, or restored.  Go on with what we have. */
static void skip_gap(struct local_room *room)
{
    LOG_BOUNDED(
        ERROR, "gateway.log_gap", F_ID("room", room->id), F_INT("after", room->seq), F_INT("want", room->newest_known));
    room->seq = room->ahead.n > 0 ? room->ahead.at[0].seq - 1 : room->newest_known;
}

static void fill_gap(struct local_room *room, const struct message_page *page)
{
    int64_t before = room->seq;

    for (size_t i = 0; i < page->messages.len; i++)
        if (page->messages.at[i].seq == room->seq + 1) local_room_take_message(room, &page->messages.at[i]);
    if (room->seq == before && room->newest_known > room->seq) skip_gap(room);
    local_room_release_ahead(room);
}

static void on_missing(void *arg, enum err status, struct str body)
{
    struct rooms *rooms = ((struct room_question *)arg)->rooms;
    struct local_room *room = take_answer(arg);
    struct message_page page = { 0 };
    struct wire_error why;

    if (status == OK) status = wire_decode(message_page_shape(), body, rooms->arena, &page, &why);
    if (room != NULL && status == OK) {
        fill_gap(room, &page);
        local_room_enqueue(room);
    } else if (room != NULL) {
        retry_later(room, status);
    }
    arena_reset(rooms->arena);
    ask_queued(rooms);
}

static void ask_missing(struct local_room *room)
{
    metric_add(room->home->gaps, 1);
    method_ask(room->home->store, M_store_log_since,
        &(struct log_query){ .room = room->id, .after = room->seq, .limit = FILL_LIMIT }, on_missing,
        make_question(room));
}

static void ask_next(struct local_room *room)
{
    if (room->subscribed && room->head_known && room->newest_known <= room->seq) return;
    room->asking = true;
    room->lane->asking++;
    if (!room->subscribed)
        method_ask(room->home->chat, M_chat_room_subscribe, &(struct room_ref){ .room = room->id }, on_subscribed,
            make_question(room));
    else if (!room->head_known)
        ask_head(room);
    else
        ask_missing(room);
}

static void ask_queued(struct rooms *rooms)
{
    for (struct chat_lane *lane = rooms->lanes; lane < rooms->lanes + rooms->n_lanes; lane++)
        while (lane->queue != NULL && lane->asking < ASKING_MAX) ask_next(lane_dequeue(lane));
}

void local_room_sync(struct local_room *room)
{
    struct rooms *rooms = room->home;

    local_room_enqueue(room);
    ask_queued(rooms);
}

void rooms_sync_all(struct rooms *rooms)
{
    for (struct local_room *room = rooms->table; room != NULL; room = room->hh.next) local_room_enqueue(room);
    ask_queued(rooms);
}

static void retry_subscriptions(struct local_room *room)
{
    for (size_t i = 0; i < room->n; i++) {
        struct subscription *subscription = room->subscriptions[i];
        if (subscription->state == SUBSCRIPTION_BEHIND && !sio_is_slow(subscription->subscriber->socket))
            subscription_fetch(subscription);
        if (room->subscribed && !subscription->sure && subscription->inquiry == NULL)
            subscription_inquire(subscription);
    }
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct rooms *rooms = timer->data;

    (void)loop, (void)events;
    for (struct local_room *room = rooms->table; room != NULL; room = room->hh.next) retry_subscriptions(room);
    rooms_sync_all(rooms);
}

void rooms_sync_init(struct rooms *rooms)
{
    ev_timer_init(&rooms->flush, on_flush, 0., 0.);
    rooms->flush.data = rooms;
    ev_timer_init(&rooms->retry, on_retry, RETRY_S, 0.);
    rooms->retry.data = rooms;
}

void rooms_sync_stop(struct rooms *rooms)
{
    ev_timer_stop(rooms->loop, &rooms->flush);
    ev_timer_stop(rooms->loop, &rooms->retry);
    mem_free(rooms->heads);
}

/* halls.c - all halls, and what chat's pipe says of them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rooms/halls_inside.h"

#include "libshared/base/log.h"
#include "services/gateway/rooms/offset.h"

#define EVENT_ARENA_BYTES (64u << 20)

struct halls *halls_create(struct ev_loop *loop, struct rpc_client *chat, struct rpc_client *store, size_t rooms_max)
{
    struct halls *halls = mem_zero(sizeof *halls);

    halls->loop = loop;
    halls->chat = chat;
    halls->store = store;
    halls->rooms_max = rooms_max;
    halls->queue_last = &halls->queue_first;
    /* bound: the decoder asks; bodies are views */
    halls->arena = arena_create("halls", EVENT_ARENA_BYTES);
    halls->delivered = metric_counter("madang_deliveries_total", NULL, "Messages handed to sockets");
    halls->paused = metric_counter("madang_paused_total", NULL, "Times that a slow socket's room was paused");
    halls->gaps = metric_counter("madang_log_fetches_total", NULL, "Questions to the store for what a room missed");
    halls->dropped =
        metric_counter("madang_ephemeral_dropped_total", NULL, "Ephemeral events dropped for slow sockets");
    halls->offset = halls->marked.text = BUF(OFFSET_BYTES_MAX);
    halls->open = metric_gauge("madang_rooms", NULL, "Rooms with local sockets");
    halls_pursue_init(halls);
    return halls;
}

void halls_destroy(struct halls **halls)
{
    if (*halls == NULL) return;
    halls_pursue_stop(*halls);
    halls_forget_marked(*halls);
    buf_free(&(*halls)->offset);
    buf_free(&(*halls)->marked.text);
    arena_destroy(&(*halls)->arena);
    mem_free(*halls);
    *halls = NULL;
}

size_t halls_count(const struct halls *halls)
{
    return HASH_COUNT(halls->table);
}

void halls_each_socket(
    struct halls *halls, struct id room, void (*visit)(void *arg, struct sio_socket *socket), void *arg)
{
    struct hall *hall = hall_find(halls, room);

    for (size_t i = 0; hall != NULL && i < hall->n; i++) visit(arg, hall->seats[i]->guest->socket);
}

uint64_t halls_moment(struct halls *halls, struct id room)
{
    const struct hall *hall = hall_find(halls, room);

    return hall != NULL && hall->subscribed ? halls->endings + 1 : 0;
}

static void on_messages(struct halls *halls, struct str body)
{
    struct publication pub = { 0 };
    struct wire_error why;
    enum err e = wire_decode(publication_shape(), body, halls->arena, &pub, &why);
    struct hall *hall = e == OK ? hall_find(halls, pub.room) : NULL;

    if (e != OK) LOG(ERROR, "gateway.bad_event", F_TEXT("name", "room.messages"), F_TEXT("why", why.text));
    if (hall == NULL) return; /* left meanwhile */
    for (size_t i = 0; i < pub.messages.len; i++) hall_heard(hall, &pub.messages.at[i]);
    if (hall->want > hall->seq) hall_pursue(hall);
}

static void on_relayed(struct halls *halls, struct str body)
{
    struct relay relay = { 0 };
    struct wire_error why;

    if (wire_decode(relay_shape(), body, halls->arena, &relay, &why) == OK)
        halls_relayed(halls, &relay);
    else
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "room.relayed"), F_TEXT("why", why.text));
}

/* Only an end of membership matters here: who has a seat was allowed to take it. */
static void on_access(struct halls *halls, struct str body)
{
    struct access_change change = { 0 };
    struct wire_error why;

    if (wire_decode(access_change_shape(), body, halls->arena, &change, &why) != OK || change.role.len > 0) return;
    halls->endings++;
    struct hall *hall = hall_find(halls, change.room);
    for (size_t i = hall != NULL ? hall->n : 0; i-- > 0;) {
        bool last = hall->n == 1;
        if (str_eq(hall->seats[i]->guest->subject, change.subject)) seat_remove(hall->seats[i]);
        if (last) break; /* the hall may be closed */
    }
}

bool halls_event(struct halls *halls, const struct frame_event *head, struct str body)
{
    bool ours = true;

    if (str_is(head->name, "room.messages"))
        on_messages(halls, body);
    else if (str_is(head->name, "room.relayed"))
        on_relayed(halls, body);
    else if (str_is(head->name, "access.changed"))
        on_access(halls, body);
    else if (str_is(head->name, "resync"))
        halls_chat_up(halls);
    else if (str_is(head->name, "room.doubted"))
        halls_store_up(halls);
    else
        ours = false;
    arena_reset(halls->arena);
    return ours;
}

void halls_chat_up(struct halls *halls)
{
    halls->round++;
    halls->endings++;
    for (struct hall *hall = halls->table; hall != NULL; hall = hall->hh.next)
        hall->subscribed = hall->head_known = false;
    halls_pursue_all(halls);
}

void halls_store_up(struct halls *halls)
{
    halls->round++;
    for (struct hall *hall = halls->table; hall != NULL; hall = hall->hh.next) hall->head_known = false;
    halls_pursue_all(halls);
}

/* rooms.c - all rooms, and what chat's pipe says of them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rooms/rooms_private.h"

#include "libshared/base/log.h"
#include "services/gateway/rooms/offset.h"

#define EVENT_ARENA_BYTES (64u << 20)

struct rooms *rooms_create(struct ev_loop *loop, const struct service_pipes *chat, const struct service_pipes *store,
    struct rooms_bounds bounds)
{
    struct rooms *rooms = mem_zero(sizeof *rooms);

    rooms->loop = loop;
    rooms->chat = chat;
    rooms->n_lanes = chat == NULL ? 1 : chat->n;
    rooms->store = store;
    rooms->bounds = bounds;
    /* bound: the decoder asks; bodies are views */
    rooms->arena = arena_create("rooms", EVENT_ARENA_BYTES);
    rooms->delivered = metric_counter("madang_deliveries_total", NULL, "Messages handed to sockets");
    rooms->paused = metric_counter("madang_paused_total", NULL, "Times that a slow socket's room was paused");
    rooms->gaps = metric_counter("madang_log_fetches_total", NULL, "Questions to the store for what a room missed");
    rooms->dropped =
        metric_counter("madang_ephemeral_dropped_total", NULL, "Ephemeral events dropped for slow sockets");
    rooms->offset = rooms->last_packet.text = BUF(OFFSET_BYTES_MAX);
    rooms->open = metric_gauge("madang_rooms", NULL, "Rooms with local sockets");
    rooms_sync_init(rooms);
    rooms_inquire_init(rooms);
    return rooms;
}

void rooms_destroy(struct rooms **rooms)
{
    if (*rooms == NULL) return;
    rooms_sync_stop(*rooms);
    rooms_inquire_stop(*rooms);
    rooms_forget_last_packet(*rooms);
    buf_free(&(*rooms)->offset);
    buf_free(&(*rooms)->last_packet.text);
    arena_destroy(&(*rooms)->arena);
    mem_free(*rooms);
    *rooms = NULL;
}

size_t rooms_count(const struct rooms *rooms)
{
    return HASH_COUNT(rooms->table);
}

void rooms_each_socket(
    struct rooms *rooms, struct id room_id, void (*visit)(void *arg, struct sio_socket *socket), void *arg)
{
    struct local_room *room = local_room_find(rooms, room_id);

    for (size_t i = 0; room != NULL && i < room->n; i++) visit(arg, room->subscriptions[i]->subscriber->socket);
}

uint64_t rooms_membership_stamp(struct rooms *rooms, struct id room_id)
{
    const struct local_room *room = local_room_find(rooms, room_id);

    return room != NULL && room->subscribed ? rooms->endings + 1 : 0;
}

static void on_messages(struct rooms *rooms, struct str body)
{
    struct publication pub = { 0 };
    struct wire_error why;
    enum err e = wire_decode(publication_shape(), body, rooms->arena, &pub, &why);
    struct local_room *room = e == OK ? local_room_find(rooms, pub.room) : NULL;

    if (e != OK) LOG(ERROR, "gateway.bad_event", F_TEXT("name", "room.messages"), F_TEXT("why", why.text));
    if (room == NULL) return; /* left meanwhile */
    for (size_t i = 0; i < pub.messages.len; i++) local_room_take_message(room, &pub.messages.at[i]);
    if (room->newest_known > room->seq) local_room_sync(room);
}

static void on_relayed(struct rooms *rooms, struct str body)
{
    struct relay relay = { 0 };
    struct wire_error why;

    if (wire_decode(relay_shape(), body, rooms->arena, &relay, &why) == OK)
        rooms_take_relay(rooms, &relay);
    else
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "room.relayed"), F_TEXT("why", why.text));
}

/* Only an end of membership matters here: chat was asked before there was a subscription.  Of nobody in particular: the room's end. */
static void on_access(struct rooms *rooms, struct str body)
{
    struct access_change change = { 0 };
    struct wire_error why;

    if (wire_decode(access_change_shape(), body, rooms->arena, &change, &why) != OK || change.role.len > 0) return;
    rooms->endings++;
    struct local_room *room = local_room_find(rooms, change.room);
    if (room != NULL && change.subject.len == 0) {
        for (size_t i = 0; room->subscribed && i < room->n; i++) subscription_inquire(room->subscriptions[i]);
        return;
    }
    for (size_t i = room != NULL ? room->n : 0; i-- > 0;) {
        bool last = room->n == 1;
        if (str_eq(room->subscriptions[i]->subscriber->subject, change.subject))
            subscription_remove(room->subscriptions[i]);
        if (last) break; /* the room may be closed */
    }
}

bool rooms_take_event(struct rooms *rooms, struct service_part from, const struct frame_event *head, struct str body)
{
    bool ours = true;

    if (str_is(head->name, "room.messages"))
        on_messages(rooms, body);
    else if (str_is(head->name, "room.relayed"))
        on_relayed(rooms, body);
    else if (str_is(head->name, "access.changed"))
        on_access(rooms, body);
    else if (str_is(head->name, "receipt.moved"))
        rooms_take_receipts(rooms, body);
    else if (str_is(head->name, "person.changed"))
        rooms_take_person(rooms, body);
    else if (str_is(head->name, "resync"))
        rooms_chat_up(rooms, from);
    else if (str_is(head->name, "room.recheck_due"))
        rooms_recheck(rooms, from);
    else
        ours = false;
    arena_reset(rooms->arena);
    return ours;
}

void rooms_chat_up(struct rooms *rooms, struct service_part part)
{
    rooms->endings++;
    for (struct local_room *room = rooms->table; room != NULL; room = room->hh.next)
        if (part_has_room(part, room->id)) room->subscribed = false;
    rooms_recheck(rooms, part);
}

void rooms_recheck(struct rooms *rooms, struct service_part part)
{
    rooms->generation++;
    for (struct local_room *room = rooms->table; room != NULL; room = room->hh.next)
        if (part_has_room(part, room->id)) room->head_known = false;
    rooms_sync_all(rooms);
}

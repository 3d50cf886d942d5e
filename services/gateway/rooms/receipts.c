/* receipts.c - members of a room have read on: each socket in it hears as much of it as its owner may see. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/log.h"
#include "libshared/wire/event_names.h"
#include "services/gateway/rooms/rooms_private.h"

#define EVENT            "receipts"
#define CHANGE_BYTES_MAX 65536 /* a receipt_change: 20 subjects of 128 characters, each at most 12 bytes of JSON */
#define ITEMS_MAX        20    /* proto/chat.def: receipt_news.moved */

static struct eio_packet *make_packet(const struct receipt_change *change)
{
    struct buf json = BUF(CHANGE_BYTES_MAX);
    enum err e = wire_write_json(receipt_change_shape(), change, &json);

    assert(e == OK && !json.over);
    struct eio_packet *packet = sio_packet_event(rooms_namespace(), EVENT, buf_str(&json));
    buf_free(&json);
    return packet;
}

/* Nobody is told of oneself: that is read:changed. */
static bool is_for(const struct receipt_item *item, struct str subject)
{
    if (str_eq(item->subject, subject)) return false;
    for (size_t i = 0; i < item->hidden_from.len; i++)
        if (str_eq(item->hidden_from.at[i], subject)) return false;
    return true;
}

static struct receipt_change choose_items(const struct receipt_news *news, struct str subject, struct read_receipt *out)
{
    struct receipt_change change = { .room = news->room, .receipts = { out, 0 } };

    for (size_t i = 0; i < news->moved.len; i++) {
        const struct receipt_item *item = &news->moved.at[i];
        if (is_for(item, subject))
            out[change.receipts.len++] = (struct read_receipt){ item->subject, item->read, item->at };
    }
    return change;
}

/* What a slow socket is not told it asks for when it can. */
static void tell_missed(struct subscriber *subscriber, struct id room)
{
    const struct receipt_change change = { .room = room, .missed = true };
    struct eio_packet *packet = make_packet(&change);

    if (!subscriber_keep_state(subscriber, room, STR(EVENT), packet)) metric_add(subscriber->home->dropped, 1);
    eio_packet_drop(packet);
}

/* `whole` says all of it, and is made when the first one may see all. */
static void tell_socket(struct subscriber *subscriber, const struct receipt_news *news, struct eio_packet **whole)
{
    struct read_receipt receipts[ITEMS_MAX];
    const struct receipt_change change = choose_items(news, subscriber->subject, receipts);
    bool is_whole = change.receipts.len == news->moved.len;

    if (change.receipts.len == 0) return;
    if (sio_is_slow(subscriber->socket)) {
        tell_missed(subscriber, news->room);
        return;
    }
    struct eio_packet *packet = is_whole && *whole != NULL ? *whole : make_packet(&change);
    sio_send(subscriber->socket, packet);
    if (is_whole)
        *whole = packet;
    else
        eio_packet_drop(packet);
}

void rooms_take_receipts(struct rooms *rooms, struct str body)
{
    struct receipt_news news = { .moved = { NULL, 0 } };
    struct eio_packet *whole = NULL;
    struct wire_error why;

    if (wire_decode(receipt_news_shape(), body, rooms->arena, &news, &why) != OK) {
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "receipt.moved"), F_TEXT("why", why.text));
        return;
    }
    const struct local_room *room = local_room_find(rooms, news.room);
    for (size_t i = 0; room != NULL && i < room->n; i++)
        if (room->subscriptions[i]->state != SUBSCRIPTION_WAITING)
            tell_socket(room->subscriptions[i]->subscriber, &news, &whole);
    if (whole != NULL) eio_packet_drop(whole);
}

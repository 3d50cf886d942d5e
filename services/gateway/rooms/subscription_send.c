/* subscription_send.c - messages leave with an offset: how far their socket has heard, with them, in all its rooms. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/room_rights.h"
#include "services/gateway/rooms/offset.h"
#include "services/gateway/rooms/rooms_private.h"

int64_t subscription_newest_sent(const struct subscription *subscription)
{
    return subscription->state == SUBSCRIPTION_LIVE && subscription->room->seq > subscription->seq
               ? subscription->room->seq
               : subscription->seq;
}

/* With `now` having heard seq; NULL: nothing new. */
static struct str offset_of(const struct subscriber *subscriber, const struct subscription *now, int64_t seq)
{
    struct buf *out = &subscriber->home->offset;

    offset_begin(out, subscriber->epoch);
    if (subscriber->lost) {
        offset_lose(out);
        return buf_str(out);
    }
    for (size_t i = 0; i < subscriber->n; i++) {
        const struct subscription *subscription = subscriber->subscriptions[i];
        int64_t heard = subscription == now ? seq : subscription_newest_sent(subscription);
        if (subscription->start_seq >= 0 && heard > subscription->start_seq)
            offset_add(out, subscription->room_no, heard);
    }
    return buf_str(out);
}

static struct str newest_offset(void *arg, struct eio_packet *const *packets, unsigned n)
{
    (void)packets, (void)n;
    return offset_of(arg, NULL, 0);
}

void subscriber_track(struct subscriber *subscriber, char epoch, uint32_t next_room_no)
{
    subscriber->tracked = true;
    subscriber->epoch = epoch;
    subscriber->next_room_no = next_room_no;
    subscriber->offsets = (struct sio_offsets){ .arg = subscriber, .newest = newest_offset };
    sio_set_offsets(subscriber->socket, &subscriber->offsets);
}

void subscriber_untrack(struct subscriber *subscriber)
{
    subscriber->tracked = false;
    sio_set_offsets(subscriber->socket, NULL);
}

void rooms_forget_last_packet(struct rooms *rooms)
{
    if (rooms->last_packet.of == NULL) return;
    eio_packet_drop(rooms->last_packet.of);
    eio_packet_drop(rooms->last_packet.packet);
    rooms->last_packet.of = NULL;
}

/* Sockets in one and the same room have one and the same offset: then this is made once, as the message is. */
static struct eio_packet *packet_with(struct rooms *rooms, struct eio_packet *packet, struct str offset)
{
    if (rooms->last_packet.of == packet && str_eq(buf_str(&rooms->last_packet.text), offset))
        return rooms->last_packet.packet;
    rooms_forget_last_packet(rooms);
    rooms->last_packet.of = eio_packet_take(packet);
    rooms->last_packet.packet = sio_packet_with(packet, offset);
    rooms->last_packet.epoch = 0;
    buf_clear(&rooms->last_packet.text);
    buf_add_str(&rooms->last_packet.text, offset);
    return rooms->last_packet.packet;
}

static bool is_of_one_room(const struct subscription *subscription, int64_t seq)
{
    const struct subscriber *subscriber = subscription->subscriber;

    return subscriber->n == 1 && !subscriber->lost && subscription->start_seq >= 0 && seq > subscription->start_seq;
}

/* Most sockets are in one room: whether such a one has the offset of the one before it is seen without writing it. */
static struct eio_packet *tracked_packet(struct subscription *subscription, int64_t seq, struct eio_packet *packet)
{
    struct subscriber *subscriber = subscription->subscriber;
    struct rooms *rooms = subscriber->home;
    bool one = is_of_one_room(subscription, seq);

    if (one && rooms->last_packet.of == packet && rooms->last_packet.epoch == subscriber->epoch &&
        rooms->last_packet.room_no == subscription->room_no)
        return rooms->last_packet.packet;
    struct eio_packet *made = packet_with(rooms, packet, offset_of(subscriber, subscription, seq));
    if (one) {
        rooms->last_packet.epoch = subscriber->epoch;
        rooms->last_packet.room_no = subscription->room_no;
    }
    return made;
}

bool subscription_send(struct subscription *subscription, const struct entry_packets *entry)
{
    struct subscriber *subscriber = subscription->subscriber;
    bool is_blind = entry->target_at > 0 && !history_reads(subscription->reads_after, entry->target_at);
    struct eio_packet *packet = is_blind ? entry->blind : entry->packet;

    if (!history_reads(subscription->reads_after, entry->at)) return false;
    if (subscriber->tracked)
        sio_send_with_offset(subscriber->socket, tracked_packet(subscription, entry->seq, packet));
    else
        sio_send(subscriber->socket, packet);
    return true;
}

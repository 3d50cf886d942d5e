/* mark.c - messages leave with an offset: how far their socket has heard, with them, in all its rooms. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rooms/offset.h"
#include "services/gateway/rooms/halls_inside.h"

int64_t seat_heard(const struct seat *seat)
{
    return seat->state == SEAT_LIVE && seat->hall->seq > seat->seq ? seat->hall->seq : seat->seq;
}

/* With `now` having heard seq; NULL: nothing new. */
static struct str offset_of(const struct guest *guest, const struct seat *now, int64_t seq)
{
    struct buf *out = &guest->home->offset;

    offset_begin(out, guest->epoch);
    if (guest->lost) {
        offset_lose(out);
        return buf_str(out);
    }
    for (size_t i = 0; i < guest->n; i++) {
        const struct seat *seat = guest->seats[i];
        int64_t heard = seat == now ? seq : seat_heard(seat);
        if (seat->base >= 0 && heard > seat->base) offset_add(out, seat->mark, heard);
    }
    return buf_str(out);
}

static struct str newest_offset(void *arg, struct eio_packet *const *packets, unsigned n)
{
    (void)packets, (void)n;
    return offset_of(arg, NULL, 0);
}

void guest_track(struct guest *guest, char epoch, uint32_t next_mark)
{
    guest->tracked = true;
    guest->epoch = epoch;
    guest->next_mark = next_mark;
    guest->offsets = (struct sio_offsets){ .arg = guest, .newest = newest_offset };
    sio_set_offsets(guest->socket, &guest->offsets);
}

void guest_untrack(struct guest *guest)
{
    guest->tracked = false;
    sio_set_offsets(guest->socket, NULL);
}

void halls_forget_marked(struct halls *halls)
{
    if (halls->marked.of == NULL) return;
    eio_packet_drop(halls->marked.of);
    eio_packet_drop(halls->marked.packet);
    halls->marked.of = NULL;
}

/* Sockets in one and the same room have one and the same offset: then this is made once, as the message is. */
static struct eio_packet *marked(struct halls *halls, struct eio_packet *packet, struct str offset)
{
    if (halls->marked.of == packet && str_eq(buf_str(&halls->marked.text), offset)) return halls->marked.packet;
    halls_forget_marked(halls);
    halls->marked.of = eio_packet_take(packet);
    halls->marked.packet = sio_packet_with(packet, offset);
    buf_clear(&halls->marked.text);
    buf_add_str(&halls->marked.text, offset);
    return halls->marked.packet;
}

void seat_send(struct seat *seat, int64_t seq, struct eio_packet *packet)
{
    struct guest *guest = seat->guest;

    if (guest->tracked)
        sio_send_marked(guest->socket, marked(guest->home, packet, offset_of(guest, seat, seq)));
    else
        sio_send(guest->socket, packet);
}

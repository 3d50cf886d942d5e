/* relay.c - ephemeral events of a room: at once or never; of state the newest, when a slow socket can take it again. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/gateway/rooms/halls_inside.h"

#define KEPT_MAX 32

struct kept {
    struct id room;
    char event[129];
    struct eio_packet *packet;
};

/* One event as packets, made once. */
struct carried {
    struct eio_packet *at[1 + SIO_MAX_ATTACHMENTS];
    unsigned n;
};

static bool cut_attachment(struct str *bytes, struct str *out)
{
    if (bytes->len < 4) return false;
    const unsigned char *b = (const unsigned char *)bytes->at;
    size_t len = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (bytes->len - 4 < len) return false;
    *out = (struct str){ bytes->at + 4, len };
    *bytes = str_skip(*bytes, 4 + len);
    return true;
}

static void release(struct carried *carried)
{
    for (unsigned i = 0; i < carried->n; i++) eio_packet_drop(carried->at[i]);
}

static bool make_packets(const struct relay *relay, struct carried *out)
{
    unsigned count = (unsigned)relay->count;
    struct str left = relay->attachments, part;

    out->at[0] = sio_packet_make(count > 0 ? SIO_BINARY_EVENT : SIO_EVENT, relay->namespace, -1, count, relay->args);
    for (out->n = 1; out->n <= count; out->n++) {
        if (!cut_attachment(&left, &part)) return false;
        out->at[out->n] = eio_packet_binary(part);
    }
    return true;
}

static bool is_same(const struct kept *kept, const struct relay *relay)
{
    return id_eq(kept->room, relay->room) && str_is(relay->event, kept->event);
}

static void release_kept(struct guest *guest, struct kept *kept)
{
    sio_release(guest->socket, sizeof *kept + eio_packet_bytes(kept->packet));
    eio_packet_drop(kept->packet);
}

static void keep(struct guest *guest, const struct relay *relay, struct eio_packet *packet)
{
    unsigned i = 0;

    while (i < guest->n_kept && !is_same(&guest->kept[i], relay)) i++;
    if (i == KEPT_MAX || relay->event.len >= sizeof guest->kept->event) return;
    if (sio_hold(guest->socket, sizeof *guest->kept + eio_packet_bytes(packet)) != OK) return;
    if (i == guest->n_kept) {
        guest->kept = mem_grow(guest->kept, ++guest->n_kept * sizeof *guest->kept);
        memset(&guest->kept[i], 0, sizeof guest->kept[i]);
        guest->kept[i].room = relay->room;
        memcpy(guest->kept[i].event, relay->event.at, relay->event.len);
    } else {
        release_kept(guest, &guest->kept[i]);
    }
    guest->kept[i].packet = eio_packet_take(packet);
}

void guest_drop_kept(struct guest *guest)
{
    for (unsigned i = 0; i < guest->n_kept; i++) release_kept(guest, &guest->kept[i]);
    mem_free(guest->kept);
    guest->kept = NULL;
    guest->n_kept = 0;
}

void guest_send_kept(struct guest *guest)
{
    for (unsigned i = 0; i < guest->n_kept; i++) sio_send(guest->socket, guest->kept[i].packet);
    guest_drop_kept(guest);
}

static void not_now(struct guest *guest, const struct relay *relay, const struct carried *carried)
{
    if (relay->state && carried->n == 1)
        keep(guest, relay, carried->at[0]);
    else
        metric_add(guest->home->dropped, 1);
}

static bool shall_hear(const struct seat *seat, const struct relay *relay)
{
    return seat->state != SEAT_WAITING && str_eq(sio_nsp(seat->guest->socket), relay->namespace) &&
           !str_is(relay->origin, sio_sid(seat->guest->socket));
}

static void hand_out(struct hall *hall, const struct relay *relay, const struct carried *carried)
{
    for (size_t i = 0; i < hall->n; i++) {
        struct guest *guest = hall->seats[i]->guest;
        if (!shall_hear(hall->seats[i], relay)) continue;
        if (sio_is_slow(guest->socket))
            not_now(guest, relay, carried);
        else
            sio_send_parts(guest->socket, carried->at, carried->n);
    }
}

void halls_relayed(struct halls *halls, const struct relay *relay)
{
    struct hall *hall = hall_find(halls, relay->room);
    struct carried carried = { .n = 0 };

    if (hall == NULL) return;
    if (make_packets(relay, &carried)) hand_out(hall, relay, &carried);
    release(&carried);
}

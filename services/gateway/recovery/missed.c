/*
 * missed.c - what somebody missed, fetched before he is let in and sent in one go, oldest first.
 *
 * Only so much is held: the rest is sent as to any socket that is behind in its rooms (rooms/seat.c), after CONNECT.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/invariant.h"
#include "services/gateway/methods.h"
#include "services/gateway/recovery/comeback.h"

#define PAGE           200
#define PAGE_BYTES_MAX (16u << 20)
#define ALL_BYTES_MAX  (64u << 20) /* of everybody who comes back at the time */

struct ahead {
    int64_t seq, at;
    struct eio_packet *packet;
};

static size_t place_check(const struct place *place)
{
    size_t bytes = 0;

    assert(place->seq >= 0 && place->got >= place->seq && place->sent <= place->n);
    assert(place->n == (size_t)(place->got - place->seq));
    for (size_t i = 0; i < place->n; i++) {
        assert(place->ahead[i].seq == place->seq + 1 + (int64_t)i);
        bytes += eio_packet_bytes(place->ahead[i].packet);
    }
    return bytes;
}

/* What is held ahead has no hole, and is counted. */
static void comeback_check(const struct comeback *c)
{
    size_t bytes = 0, missed = 0;

    for (size_t i = 0; i < c->n; i++) {
        bytes += place_check(&c->places[i]);
        missed += c->places[i].n;
    }
    assert(c->n == c->record.n && bytes == c->bytes && missed == c->missed);
    assert(c->home->ahead_bytes >= c->bytes && c->has_turn && !c->waits);
}

static bool has_space(const struct comeback *c)
{
    return c->bytes < (size_t)c->home->config.queue_bytes / 2 && c->home->ahead_bytes < ALL_BYTES_MAX;
}

static void add(struct comeback *c, struct place *place, const struct message *message)
{
    struct eio_packet *packet = frame_of_message(message);
    size_t bytes = eio_packet_bytes(packet);

    place->ahead = mem_one_more(place->ahead, place->n, &place->cap, sizeof *place->ahead);
    place->ahead[place->n++] = (struct ahead){ message->seq, message->at, packet };
    place->got = message->seq;
    c->missed++;
    c->bytes += bytes;
    sio_hold_anyway(c->arrival.socket, bytes);
    c->home->ahead_bytes += bytes;
}

/* false: that is not how a log goes on. */
static bool take_page(struct comeback *c, struct place *place, const struct message_page *page)
{
    if (page->messages.len == 0) return false;
    for (size_t i = 0; i < page->messages.len && has_space(c); i++) {
        const struct message *message = &page->messages.at[i];
        if (!id_eq(message->room, place->mark.room) || message->seq != place->got + 1) return false;
        add(c, place, &page->messages.at[i]);
    }
    return true;
}

static enum err read_page(struct comeback *c, struct place *place, struct str body)
{
    /* bound: PAGE messages; the decoder asks, bodies are views */
    struct arena *arena = arena_create("missed", PAGE_BYTES_MAX);
    struct message_page page = { 0 };
    struct wire_error why;
    enum err e = wire_decode(message_page_shape(), body, arena, &page, &why);

    if (e == OK && !take_page(c, place, &page)) e = ERR_INTERNAL;
    arena_destroy(&arena);
    return e;
}

static struct place *next_place(const struct comeback *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->places[i].got < c->places[i].head) return &c->places[i];
    return NULL;
}

/* The page is for the room that was next when it was asked for: nothing else moves one on. */
static void on_page(void *arg, enum err status, struct str body)
{
    struct comeback *c = arg;

    if (turn_retry(c, status, comeback_fetch)) return;
    if (status == OK) status = read_page(c, next_place(c), body);
    if (status != OK) c->why = "the store does not say what was missed";
    comeback_fetch(c);
}

void comeback_fetch(struct comeback *c)
{
    struct place *place = next_place(c);

    CHECK_STEP(comeback_check(c));
    if (place == NULL || c->why != NULL || !has_space(c) || !sio_is_pending(c->arrival.socket)) {
        comeback_claim(c);
        return;
    }
    method_ask_for(c->home->store, M_log_since, bearer_subject(c->arrival.rights.bearer),
        &(struct log_query){ .room = place->mark.room, .after = place->got, .limit = PAGE }, on_page, c);
}

/* Of all rooms' next ones; in each room seq decides, whatever the clock said. */
static struct place *oldest(struct comeback *c)
{
    struct place *best = NULL;

    for (size_t i = 0; i < c->n; i++) {
        struct place *p = &c->places[i];
        if (p->sent < p->n && (best == NULL || p->ahead[p->sent].at < best->ahead[best->sent].at)) best = p;
    }
    return best;
}

static void add_offset(const struct comeback *c, struct buf *out)
{
    offset_begin(out, c->record.epoch);
    for (size_t i = 0; i < c->n; i++)
        if (c->places[i].sent > 0)
            offset_add(out, c->places[i].mark.mark, c->places[i].ahead[c->places[i].sent - 1].seq);
}

void comeback_send_missed(struct comeback *c)
{
    struct buf offset = BUF(OFFSET_BYTES_MAX);

    for (struct place *place; (place = oldest(c)) != NULL;) {
        struct eio_packet *plain = place->ahead[place->sent++].packet;
        add_offset(c, &offset);
        struct eio_packet *packet = sio_packet_with(plain, buf_str(&offset));
        sio_send_early(c->arrival.socket, &packet, 1);
        eio_packet_drop(packet);
    }
    buf_free(&offset);
}

void comeback_drop_missed(struct comeback *c)
{
    for (size_t i = 0; i < c->n; i++) {
        for (size_t k = 0; k < c->places[i].n; k++) eio_packet_drop(c->places[i].ahead[k].packet);
        mem_free(c->places[i].ahead);
    }
    c->home->ahead_bytes -= c->bytes;
    sio_release(c->arrival.socket, c->bytes);
    c->bytes = 0;
}

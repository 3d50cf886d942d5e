/*
 * resume_missed.c - what a client missed, fetched before it is let in and sent in one go, oldest first.
 *
 * Only so much is held: the rest is sent as to any socket that is behind in its rooms (rooms/subscription.c), after CONNECT.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/invariant.h"
#include "libshared/rpc/room_rights.h"
#include "services/gateway/methods.h"
#include "services/gateway/recovery/resume_private.h"

#define PAGE           200
#define PAGE_BYTES_MAX (16u << 20)
#define ALL_BYTES_MAX  (64u << 20) /* of all clients that come back at the same time */

struct missed_message {
    int64_t seq, at;
    struct eio_packet *packet;
};

static size_t position_check(const struct resume_position *position)
{
    size_t bytes = 0;

    assert(position->seq >= 0 && position->got >= position->seq && position->sent <= position->n);
    assert(position->n == (size_t)(position->got - position->seq));
    for (size_t i = 0; i < position->n; i++) {
        assert(position->messages[i].seq == position->seq + 1 + (int64_t)i);
        bytes += eio_packet_bytes(position->messages[i].packet);
    }
    return bytes;
}

/* What is held ahead has no hole, and is counted. */
static void resume_check(const struct resume *c)
{
    size_t bytes = 0, missed = 0;

    for (size_t i = 0; i < c->n; i++) {
        bytes += position_check(&c->positions[i]);
        missed += c->positions[i].n;
    }
    assert(c->n == c->record.n && bytes == c->bytes && missed == c->missed);
    assert(c->home->missed_bytes >= c->bytes && c->has_turn && !c->waits);
}

static bool has_space(const struct resume *c)
{
    return c->bytes < (size_t)c->home->config.queue_bytes / 2 && c->home->missed_bytes < ALL_BYTES_MAX;
}

static void add_message(struct resume *c, struct resume_position *position, const struct message *message)
{
    struct eio_packet *packet = message_packet_for(message, position->membership.reads_after);
    size_t bytes = eio_packet_bytes(packet);

    position->messages = mem_one_more(position->messages, position->n, &position->cap, sizeof *position->messages);
    position->messages[position->n++] = (struct missed_message){ message->seq, message->at, packet };
    position->got = message->seq;
    c->missed++;
    c->bytes += bytes;
    sio_hold_anyway(c->arrival.socket, bytes);
    c->home->missed_bytes += bytes;
}

/* Some of what came since may not be read: its client was no member meanwhile. */
static bool is_unreadable(const struct resume_position *position, const struct message_page *page)
{
    int64_t reads_after = position->membership.reads_after;

    return page->after > position->got ||
           (page->messages.len > 0 && !history_reads(reads_after, page->messages.at[0].at));
}

/* false: that is not how a log goes on. */
static bool take_page(struct resume *c, struct resume_position *position, const struct message_page *page)
{
    if (page->messages.len == 0) return false;
    for (size_t i = 0; i < page->messages.len && position->got < position->head && has_space(c); i++) {
        const struct message *message = &page->messages.at[i];
        if (!id_eq(message->room, position->start.room) || message->seq != position->got + 1) return false;
        add_message(c, position, message);
    }
    return true;
}

static bool pay_for_page(const struct resume *c, const struct message_page *page)
{
    struct rate_state over;

    return arrival_charge_missed(&c->arrival, page->messages.len, &over);
}

static enum err read_page(struct resume *c, struct resume_position *position, struct str body)
{
    /* bound: PAGE messages; the decoder asks, bodies are views */
    struct arena *arena = arena_create("missed", PAGE_BYTES_MAX);
    struct message_page page = { 0 };
    struct wire_error why;
    enum err e = wire_decode(message_page_shape(), body, arena, &page, &why);

    if (e == OK && !pay_for_page(c, &page)) e = ERR_RATE_LIMITED;
    if (e == OK && is_unreadable(position, &page)) e = ERR_FORBIDDEN;
    if (e == OK && !take_page(c, position, &page)) e = ERR_INTERNAL;
    arena_destroy(&arena);
    return e;
}

static struct resume_position *next_position(const struct resume *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->positions[i].got < c->positions[i].head) return &c->positions[i];
    return NULL;
}

static const char *why_not(enum err e)
{
    if (e == ERR_RATE_LIMITED) return "rate_limited";
    return e == ERR_FORBIDDEN ? "not_readable" : "missed_unavailable";
}

/* The page is for the room that was next when it was asked for: nothing else moves one on. */
static void on_page(void *arg, enum err status, struct str body)
{
    struct resume *c = arg;

    if (resume_ask_again(c, status, resume_fetch)) return;
    if (status == OK) status = read_page(c, next_position(c), body);
    if (status != OK) c->why = why_not(status);
    resume_fetch(c);
}

void resume_fetch(struct resume *c)
{
    struct resume_position *position = next_position(c);

    CHECK_STEP(resume_check(c));
    if (position == NULL || c->why != NULL || !has_space(c) || !sio_is_pending(c->arrival.socket)) {
        resume_claim(c);
        return;
    }
    method_ask_for(c->home->store, M_store_log_since, bearer_subject(c->arrival.rights.bearer),
        &(struct log_query){ .room = position->start.room,
            .after = position->got,
            .limit = PAGE,
            .reads_after = position->membership.reads_after },
        on_page, c);
}

/* Of all rooms' next ones; in each room seq decides, whatever the clock said. */
static struct resume_position *find_oldest(struct resume *c)
{
    struct resume_position *best = NULL;

    for (size_t i = 0; i < c->n; i++) {
        struct resume_position *p = &c->positions[i];
        if (p->sent < p->n && (best == NULL || p->messages[p->sent].at < best->messages[best->sent].at)) best = p;
    }
    return best;
}

static void add_offset(const struct resume *c, struct buf *out)
{
    offset_begin(out, c->record.epoch);
    for (size_t i = 0; i < c->n; i++)
        if (c->positions[i].sent > 0)
            offset_add(out, c->positions[i].start.room_no, c->positions[i].messages[c->positions[i].sent - 1].seq);
}

void resume_send_missed(struct resume *c)
{
    struct buf offset = BUF(OFFSET_BYTES_MAX);

    for (struct resume_position *position; (position = find_oldest(c)) != NULL;) {
        struct eio_packet *plain = position->messages[position->sent++].packet;
        add_offset(c, &offset);
        struct eio_packet *packet = sio_packet_with(plain, buf_str(&offset));
        sio_send_early(c->arrival.socket, &packet, 1);
        eio_packet_drop(packet);
    }
    buf_free(&offset);
}

void resume_drop_missed(struct resume *c)
{
    for (size_t i = 0; i < c->n; i++) {
        for (size_t k = 0; k < c->positions[i].n; k++) eio_packet_drop(c->positions[i].messages[k].packet);
        mem_free(c->positions[i].messages);
    }
    c->home->missed_bytes -= c->bytes;
    sio_release(c->arrival.socket, c->bytes);
    c->bytes = 0;
}

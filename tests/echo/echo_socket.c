/* echo_socket.c - an open echo socket: what it is sent goes into its log, and its record is kept. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/secret.h"
#include "tests/echo/echo_private.h"
#include "services/gateway/rooms/offset.h"

#define SUBJECT_BYTES_MAX 1024

int64_t echo_ttl_ms(const struct echo_logs *logs)
{
    return logs->config.recovery_ms + logs->config.recovery_ms / 2;
}

static struct str on_event_out(void *arg, struct eio_packet *const *packets, unsigned n)
{
    struct echo_socket *echo = arg;
    struct buf entry = BUF(64u << 20);

    echo_log_write(&entry, ++echo->n, packets, n);
    echo_log_add(echo->home->redis, echo->hash, buf_str(&entry), echo_ttl_ms(echo->home));
    buf_free(&entry);
    offset_begin(&echo->offset, echo->record.epoch);
    offset_add(&echo->offset, 0, echo->n);
    return buf_str(&echo->offset);
}

static void on_keep(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct echo_socket *echo = timer->data;

    (void)loop, (void)events;
    recovery_records_keep(echo->home->redis, echo->hash, echo->owner, echo_ttl_ms(echo->home), NULL, NULL);
    echo_log_keep(echo->home->redis, echo->hash, echo_ttl_ms(echo->home));
}

static void link_in(struct echo_socket *echo)
{
    echo->here = &echo->home->first;
    echo->next = *echo->here;
    if (echo->next != NULL) echo->next->here = &echo->next;
    *echo->here = echo;
}

/* Of the record nothing is kept that is the caller's. */
static void keep_record(struct echo_socket *echo, const struct record *record)
{
    echo->own = record->rooms[0];
    echo->subject = BUF(SUBJECT_BYTES_MAX);
    buf_add_str(&echo->subject, record->subject);
    echo->record = (struct record){ .nsp = sio_nsp(echo->socket),
        .subject = buf_str(&echo->subject),
        .sid = str_of(sio_sid(echo->socket)),
        .epoch = record->epoch,
        .next_room_no = record->next_room_no,
        .replayed = record->replayed,
        .rooms = &echo->own,
        .n = 1 };
}

static struct echo_socket **slot_of(struct client *client)
{
    return client_slot(client, FEATURE_ECHO_LOG);
}

static void take_owner(struct echo_socket *echo, const struct arrival *arrival)
{
    if (arrival->owner == NULL) {
        secret_text(echo->owner, RECORD_OWNER_CHARS);
    } else {
        memcpy(echo->owner, arrival->owner, sizeof echo->owner);
        echo->n = arrival->record->sent[0];
    }
}

static void write_now(struct echo_socket *echo)
{
    struct buf text = BUF(RECORD_BYTES_MAX);
    struct record record = echo->record;

    client_save(echo->client, echo->home->scratch, &record);
    if (record.n_names > (size_t)echo->home->config.rooms_max ||
        record_names_bytes(record.names, record.n_names) > RECORD_NAMES_BYTES_MAX) {
        recovery_records_remove(echo->home->redis, echo->hash, echo->owner, echo_ttl_ms(echo->home));
    } else {
        record_write(&record, &echo->home->key, echo->hash, &text);
        recovery_records_write(
            echo->home->redis, echo->hash, echo->owner, buf_str(&text), echo_ttl_ms(echo->home), NULL, NULL);
    }
    arena_reset(echo->home->scratch);
    buf_free(&text);
}

void echo_socket_begin(struct echo_logs *home, struct client *client, const struct arrival *arrival)
{
    struct echo_socket *echo = mem_zero(sizeof *echo);
    double keep_s = (double)home->config.recovery_ms / 3000.;

    echo->home = home;
    echo->client = client;
    echo->socket = client->socket;
    keep_record(echo, arrival->record);
    echo->offset = BUF(64);
    echo->offsets = (struct sio_offsets){ .arg = echo, .newest = on_event_out, .every = true };
    recovery_records_hash(str_of(arrival->pid), echo->hash);
    take_owner(echo, arrival);
    link_in(echo);
    ev_timer_init(&echo->keep, on_keep, keep_s, keep_s);
    echo->keep.data = echo;
    ev_timer_start(home->loop, &echo->keep);
    sio_set_offsets(echo->socket, &echo->offsets);
    *slot_of(client) = echo;
    if (arrival->owner == NULL) write_now(echo);
}

static void end_socket(struct echo_socket *echo)
{
    ev_timer_stop(echo->home->loop, &echo->keep);
    *echo->here = echo->next;
    if (echo->next != NULL) echo->next->here = echo->here;
    sio_set_offsets(echo->socket, NULL);
    *slot_of(echo->client) = NULL;
    buf_free(&echo->offset);
    buf_free(&echo->subject);
    mem_free(echo);
}

void echo_sockets_supersede(struct echo_logs *home, const unsigned char *hash, struct str owner)
{
    struct echo_socket *next;

    for (struct echo_socket *r = home->first; r != NULL; r = next) {
        next = r->next;
        if (memcmp(r->hash, hash, sizeof r->hash) != 0 || str_is(owner, r->owner)) continue;
        struct sio_socket *socket = r->socket;
        end_socket(r);
        sio_hang_up(socket);
    }
}

void echo_socket_touched(struct client *client)
{
    if (*slot_of(client) != NULL) write_now(*slot_of(client));
}

void echo_socket_closed(struct client *client, const char *reason)
{
    struct echo_socket *echo = *slot_of(client);

    if (echo == NULL) return; /* another goes on with it */
    if (record_is_over(reason))
        recovery_records_remove(echo->home->redis, echo->hash, echo->owner, echo_ttl_ms(echo->home));
    else
        recovery_records_keep(echo->home->redis, echo->hash, echo->owner, echo->home->config.recovery_ms, NULL, NULL);
    end_socket(echo);
}

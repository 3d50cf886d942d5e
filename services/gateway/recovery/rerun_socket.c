/* rerun_socket.c - an open echo socket: what it is sent goes into its log, and its record is kept. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/secret.h"
#include "services/gateway/recovery/rerun_private.h"
#include "services/gateway/rooms/offset.h"

#define SUBJECT_BYTES_MAX 1024

int64_t rerun_ttl_ms(const struct reruns *reruns)
{
    return reruns->config.recovery_ms + reruns->config.recovery_ms / 2;
}

static struct str on_event_out(void *arg, struct eio_packet *const *packets, unsigned n)
{
    struct rerun *rerun = arg;
    struct buf entry = BUF(64u << 20);

    rerun_write(&entry, ++rerun->n, packets, n);
    recovery_records_log(rerun->home->redis, rerun->hash, buf_str(&entry), rerun_ttl_ms(rerun->home));
    buf_free(&entry);
    offset_begin(&rerun->offset, rerun->record.epoch);
    offset_add(&rerun->offset, 0, rerun->n);
    return buf_str(&rerun->offset);
}

static void on_keep(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct rerun *rerun = timer->data;

    (void)loop, (void)events;
    recovery_records_keep(rerun->home->redis, rerun->hash, rerun->owner, rerun_ttl_ms(rerun->home), NULL, NULL);
    recovery_records_keep_log(rerun->home->redis, rerun->hash, rerun_ttl_ms(rerun->home));
}

static void link_in(struct rerun *rerun)
{
    rerun->here = &rerun->home->first;
    rerun->next = *rerun->here;
    if (rerun->next != NULL) rerun->next->here = &rerun->next;
    *rerun->here = rerun;
}

/* Of the record nothing is kept that is the caller's. */
static void keep_record(struct rerun *rerun, const struct record *record)
{
    rerun->own = record->rooms[0];
    rerun->subject = BUF(SUBJECT_BYTES_MAX);
    buf_add_str(&rerun->subject, record->subject);
    rerun->record = (struct record){ .nsp = sio_nsp(rerun->socket),
        .subject = buf_str(&rerun->subject),
        .sid = str_of(sio_sid(rerun->socket)),
        .epoch = record->epoch,
        .next_room_no = record->next_room_no,
        .replayed = record->replayed,
        .rooms = &rerun->own,
        .n = 1 };
}

static struct rerun **slot_of(struct client *client)
{
    return client_slot(client, FEATURE_rerun);
}

static void take_owner(struct rerun *rerun, const struct arrival *arrival)
{
    if (arrival->owner == NULL) {
        secret_text(rerun->owner, RECORD_OWNER_CHARS);
    } else {
        memcpy(rerun->owner, arrival->owner, sizeof rerun->owner);
        rerun->n = arrival->record->sent[0];
    }
}

static void write_now(struct rerun *rerun)
{
    struct buf text = BUF(RECORD_BYTES_MAX);
    struct record record = rerun->record;

    client_save(rerun->client, rerun->home->scratch, &record);
    if (record.n_names > (size_t)rerun->home->config.rooms_max ||
        record_names_bytes(record.names, record.n_names) > RECORD_NAMES_BYTES_MAX) {
        recovery_records_remove(rerun->home->redis, rerun->hash, rerun->owner, rerun_ttl_ms(rerun->home));
    } else {
        record_write(&record, &rerun->home->key, rerun->hash, &text);
        recovery_records_write(
            rerun->home->redis, rerun->hash, rerun->owner, buf_str(&text), rerun_ttl_ms(rerun->home), NULL, NULL);
    }
    arena_reset(rerun->home->scratch);
    buf_free(&text);
}

void rerun_begin(struct reruns *home, struct client *client, const struct arrival *arrival)
{
    struct rerun *rerun = mem_zero(sizeof *rerun);
    double keep_s = (double)home->config.recovery_ms / 3000.;

    rerun->home = home;
    rerun->client = client;
    rerun->socket = client->socket;
    keep_record(rerun, arrival->record);
    rerun->offset = BUF(64);
    rerun->offsets = (struct sio_offsets){ .arg = rerun, .newest = on_event_out, .every = true };
    recovery_records_hash(str_of(arrival->pid), rerun->hash);
    take_owner(rerun, arrival);
    link_in(rerun);
    ev_timer_init(&rerun->keep, on_keep, keep_s, keep_s);
    rerun->keep.data = rerun;
    ev_timer_start(home->loop, &rerun->keep);
    sio_set_offsets(rerun->socket, &rerun->offsets);
    *slot_of(client) = rerun;
    if (arrival->owner == NULL) write_now(rerun);
}

static void end_rerun(struct rerun *rerun)
{
    ev_timer_stop(rerun->home->loop, &rerun->keep);
    *rerun->here = rerun->next;
    if (rerun->next != NULL) rerun->next->here = rerun->here;
    sio_set_offsets(rerun->socket, NULL);
    *slot_of(rerun->client) = NULL;
    buf_free(&rerun->offset);
    buf_free(&rerun->subject);
    mem_free(rerun);
}

void rerun_supersede(struct reruns *home, const unsigned char *hash, struct str owner)
{
    struct rerun *next;

    for (struct rerun *r = home->first; r != NULL; r = next) {
        next = r->next;
        if (memcmp(r->hash, hash, sizeof r->hash) != 0 || str_is(owner, r->owner)) continue;
        struct sio_socket *socket = r->socket;
        end_rerun(r);
        sio_hang_up(socket);
    }
}

void rerun_touched(struct client *client)
{
    if (*slot_of(client) != NULL) write_now(*slot_of(client));
}

void rerun_closed(struct client *client, const char *reason)
{
    struct rerun *rerun = *slot_of(client);

    if (rerun == NULL) return; /* another goes on with it */
    if (record_is_over(reason))
        recovery_records_remove(rerun->home->redis, rerun->hash, rerun->owner, rerun_ttl_ms(rerun->home));
    else
        recovery_records_keep(
            rerun->home->redis, rerun->hash, rerun->owner, rerun->home->config.recovery_ms, NULL, NULL);
    end_rerun(rerun);
}

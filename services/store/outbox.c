/* outbox.c - committed messages on their way to chat, room by room, until chat has acknowledged them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/outbox.h"

#include <ev.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/table.h"
#include "libshared/base/metrics.h"

#define RETRY_S           0.1
#define PUBLICATION_MAX   1000 /* messages: the record's own bound */
#define PUBLICATION_BYTES (256u << 10)

struct outbox_entry {
    struct outbox_entry *prev, *next;
    struct message message;
    size_t bytes;
    char parts[]; /* of the message */
};

struct room_queue {
    UT_hash_handle hh;
    struct room_queue *prev, *next; /* in `ready`, if it is */
    struct id id;
    struct outbox_entry *entries;
    size_t n_in_flight; /* the first so many entries */
    bool is_ready;
};

struct outbox {
    struct room_queue *queues, *ready;
    size_t n, bytes, max_bytes;
    bool full;         /* since something was dropped, and until half is free again */
    int64_t n_dropped; /* since then */
    struct metric *dropped, *waiting;
    outbox_send_fn *send;
    void *arg;
    struct ev_loop *loop;
    ev_timer retry;
};

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    ev_timer_set(timer, RETRY_S, 0.);
    outbox_flush(timer->data);
}

struct outbox *outbox_create(struct ev_loop *loop, size_t max_bytes, outbox_send_fn *send, void *arg)
{
    struct outbox *outbox = mem_zero(sizeof *outbox);

    *outbox = (struct outbox){ .max_bytes = max_bytes, .send = send, .arg = arg, .loop = loop };
    outbox->dropped = metric_counter("madang_store_publications_dropped_total", NULL,
        "Messages that gateways have to fetch, as chat was away for too long");
    outbox->waiting =
        metric_gauge("madang_store_publications_waiting", NULL, "Messages that chat has not acknowledged yet");
    ev_timer_init(&outbox->retry, on_retry, RETRY_S, 0.);
    outbox->retry.data = outbox;
    return outbox;
}

static void drop_entry(struct outbox *outbox, struct room_queue *queue, struct outbox_entry *entry)
{
    DL_DELETE(queue->entries, entry);
    outbox->n--;
    metric_add(outbox->waiting, -1);
    outbox->bytes -= entry->bytes;
    mem_free(entry);
}

static void end_queue(struct outbox *outbox, struct room_queue *queue)
{
    if (queue->is_ready) DL_DELETE(outbox->ready, queue);
    HASH_DEL(outbox->queues, queue);
    mem_free(queue);
}

void outbox_destroy(struct outbox **outbox)
{
    struct room_queue *queue = NULL, *next;

    if (*outbox == NULL) return;
    HASH_ITER(hh, (*outbox)->queues, queue, next) {
        while (queue->entries != NULL) drop_entry(*outbox, queue, queue->entries);
        end_queue(*outbox, queue);
    }
    ev_timer_stop((*outbox)->loop, &(*outbox)->retry);
    mem_free(*outbox);
    *outbox = NULL;
}

static struct room_queue *get_queue(struct outbox *outbox, struct id id)
{
    struct room_queue *queue;

    HASH_FIND(hh, outbox->queues, &id, sizeof id, queue);
    if (queue == NULL) {
        queue = mem_zero(sizeof *queue);
        queue->id = id;
        HASH_ADD(hh, outbox->queues, id, sizeof queue->id, queue);
    }
    return queue;
}

static struct str copy_text(char **at, struct str s)
{
    struct str kept = { s.at == NULL ? NULL : *at, s.len };

    if (s.at != NULL) memcpy(*at, s.at, s.len);
    *at += s.len;
    return kept;
}

static struct outbox_entry *make_entry(const struct message *m)
{
    size_t ids = m->attachments.len * sizeof(struct id);
    size_t bytes = m->id.len + m->sender.len + m->body.len + m->meta.len + m->kind.len + ids;
    struct outbox_entry *entry = mem_alloc(sizeof *entry + bytes);
    char *at = entry->parts;

    entry->bytes = sizeof *entry + bytes;
    entry->message = *m;
    entry->message.id = copy_text(&at, m->id);
    entry->message.sender = copy_text(&at, m->sender);
    entry->message.body = copy_text(&at, m->body);
    entry->message.meta = copy_text(&at, m->meta);
    entry->message.kind = copy_text(&at, m->kind);
    entry->message.attachments.at =
        (struct id *)copy_text(&at, (struct str){ (const char *)m->attachments.at, ids }).at;
    return entry;
}

/* The log has the beginning and the end, not each message between them. */
static void count_dropped(struct outbox *outbox, int64_t n)
{
    metric_add(outbox->dropped, n);
    if (!outbox->full) LOG(WARN, "outbox.full", F_INT("bytes", outbox->bytes), F_INT("messages", outbox->n));
    outbox->n_dropped = outbox->full ? outbox->n_dropped + n : n;
    outbox->full = true;
}

static void notice_space(struct outbox *outbox)
{
    if (!outbox->full || outbox->bytes > outbox->max_bytes / 2) return;
    outbox->full = false;
    LOG(INFO, "outbox.has_space", F_INT("dropped", outbox->n_dropped));
}

static void drop_unsent(struct outbox *outbox, struct room_queue *queue)
{
    struct outbox_entry *entry, *next;
    size_t i = 0, before = outbox->n;

    DL_FOREACH_SAFE(queue->entries, entry, next)
        if (i++ >= queue->n_in_flight) drop_entry(outbox, queue, entry);
    count_dropped(outbox, (int64_t)(before - outbox->n));
}

/* Even the newest of each room are too many, when chat is away for long and the rooms are many. */
static bool is_hopeless(const struct outbox *outbox, const struct outbox_entry *entry)
{
    return outbox->bytes + entry->bytes > outbox->max_bytes * 2;
}

static void room_queue_check(const struct room_queue *queue, size_t *n, size_t *bytes)
{
    const struct outbox_entry *entry, *before = NULL;
    size_t mine = 0;

    DL_FOREACH(queue->entries, entry) {
        assert(before == NULL || entry->message.seq > before->message.seq || mine >= queue->n_in_flight);
        before = entry;
        *bytes += entry->bytes;
        mine++;
    }
    assert(mine > 0 && queue->n_in_flight <= mine);
    assert(queue->is_ready == (queue->n_in_flight == 0));
    *n += mine;
}

void outbox_check(const struct outbox *outbox)
{
    const struct room_queue *queue;
    size_t n = 0, bytes = 0, ready = 0;

    for (queue = outbox->queues; queue != NULL; queue = queue->hh.next) {
        room_queue_check(queue, &n, &bytes);
        ready += queue->is_ready;
    }
    assert(n == outbox->n && bytes == outbox->bytes);
    DL_FOREACH(outbox->ready, queue) {
        assert(queue->is_ready && ready > 0);
        ready--;
    }
    assert(ready == 0);
}

bool outbox_put(struct outbox *outbox, const struct message *message)
{
    struct outbox_entry *entry = make_entry(message);
    struct room_queue *queue = get_queue(outbox, message->room);

    if (outbox->bytes + entry->bytes > outbox->max_bytes) drop_unsent(outbox, queue);
    DL_APPEND(queue->entries, entry);
    outbox->n++;
    metric_add(outbox->waiting, 1);
    outbox->bytes += entry->bytes;
    if (queue->n_in_flight == 0 && !queue->is_ready) {
        queue->is_ready = true;
        DL_APPEND(outbox->ready, queue);
    }
    bool kept = !is_hopeless(outbox, entry) || queue->n_in_flight > 0;
    if (!kept) {
        drop_unsent(outbox, queue);
        end_queue(outbox, queue);
    }
    CHECK_STEP(outbox_check(outbox));
    return kept;
}

/* The entries that follow each other by seq, up to the bounds of one publication. */
static size_t first_run(const struct room_queue *queue, struct message *out)
{
    const struct outbox_entry *entry = queue->entries;
    size_t n = 0, bytes = 0;

    do {
        bytes += entry->bytes;
        out[n++] = entry->message;
        entry = entry->next;
    } while (entry != NULL && n < PUBLICATION_MAX && bytes + entry->bytes <= PUBLICATION_BYTES &&
             entry->message.seq == out[n - 1].seq + 1);
    return n;
}

static void send_first(struct outbox *outbox, struct room_queue *queue)
{
    struct message messages[PUBLICATION_MAX];
    struct publication publication = { queue->id, { messages, first_run(queue, messages) } };

    queue->is_ready = false;
    DL_DELETE(outbox->ready, queue);
    queue->n_in_flight = publication.messages.len;
    outbox->send(outbox->arg, &publication, queue);
}

void outbox_flush(struct outbox *outbox)
{
    while (outbox->ready != NULL) send_first(outbox, outbox->ready);
}

static void make_ready(struct outbox *outbox, struct room_queue *queue)
{
    queue->n_in_flight = 0;
    queue->is_ready = true;
    DL_APPEND(outbox->ready, queue);
}

void outbox_sent(struct outbox *outbox, void *token, bool acknowledged)
{
    struct room_queue *queue = token;

    if (!acknowledged) {
        make_ready(outbox, queue);
        ev_timer_start(outbox->loop, &outbox->retry);
        CHECK_STEP(outbox_check(outbox));
        return;
    }
    for (; queue->n_in_flight > 0; queue->n_in_flight--) drop_entry(outbox, queue, queue->entries);
    notice_space(outbox);
    if (queue->entries == NULL) {
        end_queue(outbox, queue);
        CHECK_STEP(outbox_check(outbox));
        return;
    }
    make_ready(outbox, queue);
    CHECK_STEP(outbox_check(outbox));
    send_first(outbox, queue);
}

size_t outbox_waiting(const struct outbox *outbox)
{
    return outbox->n;
}

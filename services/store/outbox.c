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

struct letter {
    struct letter *prev, *next;
    struct message message;
    size_t bytes;
    char text[];
};

struct box {
    UT_hash_handle hh;
    struct box *prev, *next; /* in `ready`, if it is */
    struct id id;
    struct letter *letters;
    size_t n_in_flight; /* the first so many letters */
    bool is_ready;
};

struct outbox {
    struct box *boxes, *ready;
    size_t n, bytes, max_bytes;
    bool full;         /* since something was dropped, and until half is free again */
    int64_t n_dropped; /* since then */
    struct metric *dropped;
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
    ev_timer_init(&outbox->retry, on_retry, RETRY_S, 0.);
    outbox->retry.data = outbox;
    return outbox;
}

static void drop(struct outbox *outbox, struct box *box, struct letter *letter)
{
    DL_DELETE(box->letters, letter);
    outbox->n--;
    outbox->bytes -= letter->bytes;
    mem_free(letter);
}

static void end_box(struct outbox *outbox, struct box *box)
{
    if (box->is_ready) DL_DELETE(outbox->ready, box);
    HASH_DEL(outbox->boxes, box);
    mem_free(box);
}

void outbox_destroy(struct outbox **outbox)
{
    struct box *box = NULL, *next;

    if (*outbox == NULL) return;
    HASH_ITER(hh, (*outbox)->boxes, box, next)
    {
        while (box->letters != NULL) drop(*outbox, box, box->letters);
        end_box(*outbox, box);
    }
    ev_timer_stop((*outbox)->loop, &(*outbox)->retry);
    mem_free(*outbox);
    *outbox = NULL;
}

static struct box *box_of(struct outbox *outbox, struct id id)
{
    struct box *box;

    HASH_FIND(hh, outbox->boxes, &id, sizeof id, box);
    if (box == NULL) {
        box = mem_zero(sizeof *box);
        box->id = id;
        HASH_ADD(hh, outbox->boxes, id, sizeof box->id, box);
    }
    return box;
}

static struct str keep(char **at, struct str s)
{
    struct str kept = { s.at == NULL ? NULL : *at, s.len };

    if (s.at != NULL) memcpy(*at, s.at, s.len);
    *at += s.len;
    return kept;
}

static struct letter *letter_of(const struct message *m)
{
    size_t texts = m->id.len + m->sender.len + m->body.len + m->meta.len;
    struct letter *letter = mem_alloc(sizeof *letter + texts);
    char *at = letter->text;

    letter->bytes = sizeof *letter + texts;
    letter->message = *m;
    letter->message.id = keep(&at, m->id);
    letter->message.sender = keep(&at, m->sender);
    letter->message.body = keep(&at, m->body);
    letter->message.meta = keep(&at, m->meta);
    return letter;
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

static void drop_unsent(struct outbox *outbox, struct box *box)
{
    struct letter *letter, *next;
    size_t i = 0, before = outbox->n;

    DL_FOREACH_SAFE(box->letters, letter, next)
    if (i++ >= box->n_in_flight) drop(outbox, box, letter);
    count_dropped(outbox, (int64_t)(before - outbox->n));
}

/* Even the newest of each room are too many, when chat is away for long and the rooms are many. */
static bool is_hopeless(const struct outbox *outbox, const struct letter *letter)
{
    return outbox->bytes + letter->bytes > outbox->max_bytes * 2;
}

static void box_check(const struct box *box, size_t *n, size_t *bytes)
{
    const struct letter *letter, *before = NULL;
    size_t mine = 0;

    DL_FOREACH(box->letters, letter)
    {
        assert(before == NULL || letter->message.seq > before->message.seq || mine >= box->n_in_flight);
        before = letter;
        *bytes += letter->bytes;
        mine++;
    }
    assert(mine > 0 && box->n_in_flight <= mine);
    assert(box->is_ready == (box->n_in_flight == 0));
    *n += mine;
}

void outbox_check(const struct outbox *outbox)
{
    const struct box *box;
    size_t n = 0, bytes = 0, ready = 0;

    for (box = outbox->boxes; box != NULL; box = box->hh.next) {
        box_check(box, &n, &bytes);
        ready += box->is_ready;
    }
    assert(n == outbox->n && bytes == outbox->bytes);
    DL_FOREACH(outbox->ready, box)
    {
        assert(box->is_ready && ready > 0);
        ready--;
    }
    assert(ready == 0);
}

bool outbox_put(struct outbox *outbox, const struct message *message)
{
    struct letter *letter = letter_of(message);
    struct box *box = box_of(outbox, message->room);

    if (outbox->bytes + letter->bytes > outbox->max_bytes) drop_unsent(outbox, box);
    DL_APPEND(box->letters, letter);
    outbox->n++;
    outbox->bytes += letter->bytes;
    if (box->n_in_flight == 0 && !box->is_ready) {
        box->is_ready = true;
        DL_APPEND(outbox->ready, box);
    }
    bool kept = !is_hopeless(outbox, letter) || box->n_in_flight > 0;
    if (!kept) {
        drop_unsent(outbox, box);
        end_box(outbox, box);
    }
    CHECK_STEP(outbox_check(outbox));
    return kept;
}

/* The letters that follow each other by seq, up to the bounds of one publication. */
static size_t first_run(const struct box *box, struct message *out)
{
    const struct letter *letter = box->letters;
    size_t n = 0, bytes = 0;

    do {
        bytes += letter->bytes;
        out[n++] = letter->message;
        letter = letter->next;
    } while (letter != NULL && n < PUBLICATION_MAX && bytes + letter->bytes <= PUBLICATION_BYTES &&
             letter->message.seq == out[n - 1].seq + 1);
    return n;
}

static void send_first(struct outbox *outbox, struct box *box)
{
    struct message messages[PUBLICATION_MAX];
    struct publication publication = { box->id, { messages, first_run(box, messages) } };

    box->is_ready = false;
    DL_DELETE(outbox->ready, box);
    box->n_in_flight = publication.messages.len;
    outbox->send(outbox->arg, &publication, box);
}

void outbox_flush(struct outbox *outbox)
{
    while (outbox->ready != NULL) send_first(outbox, outbox->ready);
}

static void make_ready(struct outbox *outbox, struct box *box)
{
    box->n_in_flight = 0;
    box->is_ready = true;
    DL_APPEND(outbox->ready, box);
}

void outbox_sent(struct outbox *outbox, void *token, bool acknowledged)
{
    struct box *box = token;

    if (!acknowledged) {
        make_ready(outbox, box);
        ev_timer_start(outbox->loop, &outbox->retry);
        CHECK_STEP(outbox_check(outbox));
        return;
    }
    for (; box->n_in_flight > 0; box->n_in_flight--) drop(outbox, box, box->letters);
    notice_space(outbox);
    if (box->letters == NULL) {
        end_box(outbox, box);
        CHECK_STEP(outbox_check(outbox));
        return;
    }
    make_ready(outbox, box);
    CHECK_STEP(outbox_check(outbox));
    send_first(outbox, box);
}

size_t outbox_waiting(const struct outbox *outbox)
{
    return outbox->n;
}

/* handshakes.c - counted by who, from where and how it ended; told to auth a second later. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/handshakes.h"

#include <ev.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/base/table.h"
#include "services/gateway/methods.h"

#define WAITING_MAX 10000
#define BATCH_ROWS  500 /* proto/auth.def: handshake_batch.handshakes */
#define TICK_S      1.
#define NAME_BYTES  1024 /* subject, key and address, each with a NUL, and the code */

struct counted_handshake {
    struct id id;
    int64_t at, times;
    enum err result;
    struct str subject, key, address; /* in `name` */
    UT_hash_handle hh;                /* in the order of their coming */
    size_t len;
    char name[];
};

struct handshakes {
    struct ev_loop *loop;
    const struct service_pipes *auth;
    struct counted_handshake *waiting;
    struct counted_handshake *sent[BATCH_ROWS]; /* not answered yet, or to be sent again */
    size_t n_sent;
    int64_t left_out, left_out_sent;
    bool asking;
    ev_timer tick;
    struct metric *noted, *lost;
};

/* --- counting --- */

static void put_part(char *to, size_t *len, struct str part)
{
    size_t room = NAME_BYTES - *len - 1, n = part.len < room ? part.len : room;

    if (n > 0) memcpy(to + *len, part.at, n);
    to[*len + n] = '\0';
    *len += n + 1;
}

static struct counted_handshake *add_counted(struct handshakes *h, const char *name, size_t len, enum err e)
{
    struct counted_handshake *one = mem_zero(sizeof *one + len);
    struct str rest = { one->name, len };

    memcpy(one->name, name, len);
    one->len = len;
    one->id = id_new();
    one->at = clock_ms();
    one->result = e;
    one->subject = str_cut(&rest, '\0');
    one->key = str_cut(&rest, '\0');
    one->address = str_cut(&rest, '\0');
    HASH_ADD_KEYPTR(hh, h->waiting, one->name, one->len, one);
    return one;
}

void handshakes_note(struct handshakes *h, struct str subject, struct str key, struct str address, enum err e)
{
    char name[NAME_BYTES];
    size_t len = 0;
    struct counted_handshake *one;

    if (h == NULL) return;
    put_part(name, &len, subject);
    put_part(name, &len, key);
    put_part(name, &len, address);
    put_part(name, &len, str_of(err_code(e)));
    HASH_FIND(hh, h->waiting, name, len, one);
    if (one == NULL && HASH_COUNT(h->waiting) >= WAITING_MAX) {
        h->left_out++;
        metric_add(h->lost, 1);
        return;
    }
    if (one == NULL) one = add_counted(h, name, len, e);
    one->times++;
}

/* --- telling --- */

static void forget_sent(struct handshakes *h)
{
    for (size_t i = 0; i < h->n_sent; i++) mem_free(h->sent[i]);
    h->n_sent = 0;
}

static void ask_on(struct handshakes *h);

/* What auth may take later is sent again, under its ids. */
static void on_noted(void *arg, enum err status, struct str body)
{
    struct handshakes *h = arg;
    bool later = err_status(status) >= 500;

    (void)body;
    h->asking = false;
    if (status != OK) LOG_BOUNDED(WARN, "gateway.handshakes_not_noted", F_TEXT("code", err_code(status)));
    if (status != OK && later) return;
    metric_add(status == OK ? h->noted : h->lost, (int64_t)h->n_sent);
    h->left_out -= h->left_out_sent;
    forget_sent(h);
    if (HASH_COUNT(h->waiting) >= BATCH_ROWS) ask_on(h);
}

static void take_batch(struct handshakes *h)
{
    while (h->n_sent < BATCH_ROWS && h->waiting != NULL) {
        struct counted_handshake *one = h->waiting;
        HASH_DEL(h->waiting, one);
        h->sent[h->n_sent++] = one;
    }
}

static void ask_on(struct handshakes *h)
{
    struct handshake rows[BATCH_ROWS];

    if (h->n_sent == 0) take_batch(h);
    if (h->asking || h->n_sent == 0) return;
    for (size_t i = 0; i < h->n_sent; i++) {
        const struct counted_handshake *one = h->sent[i];
        rows[i] = (struct handshake){ one->id, one->at, one->subject, one->key, one->address,
            str_of(err_code(one->result)), one->times };
    }
    h->asking = true;
    h->left_out_sent = h->left_out;
    method_ask(h->auth, M_auth_handshake_note,
        &(struct handshake_batch){ .handshakes = { rows, h->n_sent }, .left_out = h->left_out }, on_noted, h);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    ask_on(timer->data);
}

/* --- its life --- */

struct handshakes *handshakes_create(struct ev_loop *loop, const struct service_pipes *auth)
{
    struct handshakes *h = mem_zero(sizeof *h);

    h->loop = loop;
    h->auth = auth;
    h->noted = metric_counter(
        "madang_handshakes_total", "end=\"noted\"", "Handshakes for auth's record, those alike within a second as one");
    h->lost = metric_counter("madang_handshakes_total", "end=\"left_out\"",
        "Handshakes for auth's record, those alike within a second as one");
    ev_timer_init(&h->tick, on_tick, TICK_S, TICK_S);
    h->tick.data = h;
    ev_timer_start(loop, &h->tick);
    return h;
}

void handshakes_destroy(struct handshakes **handshakes)
{
    struct handshakes *h = *handshakes;

    if (h == NULL) return;
    ev_timer_stop(h->loop, &h->tick);
    forget_sent(h);
    while (h->waiting != NULL) {
        struct counted_handshake *one = h->waiting;
        HASH_DEL(h->waiting, one);
        mem_free(one);
    }
    mem_free(h);
    *handshakes = NULL;
}

/* conn.c - one client connection: its writes, its timer, its end. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/listener/conn.h"

#include "libshared/service/metrics.h"
#include "libshared/service/settings.h"
#include "services/gateway/listener/transport.h"

#include <assert.h>
#include <string.h>

/* One sweep goes over connections that became dirty during it, but not forever. */
#define SWEEP_ROUNDS 4

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    struct conn *conn = timer->data;
    if (conn->state == CONN_LINGER)
        conn_doom(conn);
    else if (conn->state == CONN_WS)
        ws_late(conn);
    else
        http_late(conn);
}

struct conn *conn_create(struct listener *l, bool tls, bool redirects)
{
    struct conn *conn = mem_zero(sizeof *conn);
    conn->listener = l;
    conn->tls = tls;
    conn->redirects = redirects;
    conn->in = BUF(HTTP_HEAD_MAX + AHEAD_BYTES + TRANSPORT_WRITE_MAX);
    conn->out = BUF(SIZE_MAX);
    ev_timer_init(&conn->timer, on_timer, 0, 0);
    conn->timer.data = conn;
    conn->next = l->conns;
    if (l->conns != NULL) l->conns->prev = conn;
    l->conns = conn;
    metric_set(l->gauge, (int64_t)++l->n_conns);
    return conn;
}

static void unlink_conn(struct conn *conn)
{
    struct listener *l = conn->listener;
    if (conn->next != NULL) conn->next->prev = conn->prev;
    *(conn->prev != NULL ? &conn->prev->next : &l->conns) = conn->next;
    metric_set(l->gauge, (int64_t)--l->n_conns);
}

static void forget_dirty(struct conn *conn)
{
    struct listener *l = conn->listener;
    for (struct conn **at = &l->dirty; conn->dirty && *at != NULL; at = &(*at)->dirty_next)
        if (*at == conn) {
            *at = conn->dirty_next;
            if (l->dirty_tail == &conn->dirty_next) l->dirty_tail = at;
            conn->dirty = false;
            break;
        }
}

void conn_free(struct conn *conn)
{
    struct listener *l = conn->listener;
    ev_timer_stop(l->loop, &conn->timer);
    conn->link = NULL;
    http_free(conn);
    ws_free(conn);
    forget_dirty(conn);
    for (struct conn **at = &l->doomed; conn->doomed && *at != NULL; at = &(*at)->doomed_next)
        if (*at == conn) {
            *at = conn->doomed_next;
            break;
        }
    conn_gather(conn, 0);
    whose_end(conn);
    unlink_conn(conn);
    buf_free(&conn->in);
    buf_free(&conn->out);
    mem_free(conn);
}

void conn_timer(struct conn *conn, double seconds)
{
    struct ev_loop *loop = conn->listener->loop;
    ev_timer_stop(loop, &conn->timer);
    if (seconds <= 0) return;
    ev_timer_set(&conn->timer, seconds, 0);
    ev_timer_start(loop, &conn->timer);
}

void conn_doom(struct conn *conn)
{
    if (conn->doomed) return;
    conn->doomed = true;
    conn->doomed_next = conn->listener->doomed;
    conn->listener->doomed = conn;
    ev_idle_start(conn->listener->loop, &conn->listener->more);
}

void conn_touch(struct conn *conn)
{
    struct listener *l = conn->listener;
    if (conn->dirty || conn->blocked || conn->doomed) return;
    conn->dirty = true;
    conn->dirty_next = NULL;
    *l->dirty_tail = conn;
    l->dirty_tail = &conn->dirty_next;
    ev_idle_start(l->loop, &l->more);
}

void conn_pause(struct conn *conn)
{
    /* While the library holds back a write it does not read either, but would be woken for it again and again. */
    bool pause =
        conn->blocked || conn->held ||
        ((conn->state == CONN_UPPER || conn->state == CONN_REPLY || conn->ahead) && conn->in.len > AHEAD_BYTES);
    if (pause == conn->paused || conn->link == NULL) return;
    conn->paused = pause;
    transport_read_pause(conn->link, pause);
}

/* --- writing --- */

/* As much of `out` as fits behind what is in the scratch. */
static void take_out(struct conn *conn)
{
    struct listener *l = conn->listener;
    size_t room = TRANSPORT_WRITE_MAX - l->scratch_len, left = conn->out.len - conn->out_at;
    size_t n = left < room ? left : room;
    memcpy(l->scratch + l->scratch_len, conn->out.at + conn->out_at, n);
    l->scratch_len += n;
    conn->out_at += n;
    if (conn->out_at < conn->out.len) return;
    buf_free(&conn->out);
    conn->out_at = 0;
}

static bool has_out(const struct conn *conn)
{
    return conn->out.len > conn->out_at;
}

/* Everything is written: what next? */
static void flushed(struct conn *conn)
{
    if (conn->state == CONN_REPLY)
        http_written(conn);
    else if (conn->close_after && conn->state == CONN_LINGER) {
        conn->close_after = false;
        transport_shutdown(conn->link);
        conn_timer(conn, LINGER_SECONDS);
    }
}

static bool write_scratch(struct conn *conn)
{
    struct listener *l = conn->listener;
    metric_add(l->bytes_out, (int64_t)l->scratch_len);
    if (!transport_write(conn->link, l->scratch, l->scratch_len)) {
        conn_doom(conn);
        return false;
    }
    conn->blocked = transport_is_blocked(conn->link);
    conn_pause(conn);
    return !conn->blocked;
}

static void fill_scratch(struct conn *conn)
{
    struct listener *l = conn->listener;
    l->scratch_len = 0;
    l->filling = true;
    if (has_out(conn)) take_out(conn);
    if (!has_out(conn) && conn->ws != NULL) ws_fill(conn);
    l->filling = false;
}

void conn_flush(struct conn *conn)
{
    struct listener *l = conn->listener;
    if (l->filling) {
        conn_touch(conn); /* the scratch is in use: we were called from a ws_writable */
        return;
    }
    if (conn->silent) return;
    while (!conn->doomed && !conn->blocked) {
        fill_scratch(conn);
        if (l->scratch_len == 0 && !has_out(conn)) break;
        if (l->scratch_len > 0 && !write_scratch(conn)) return;
    }
    if (!conn->doomed && !conn->blocked && !has_out(conn)) flushed(conn);
}

void conn_writable(struct conn *conn)
{
    if (conn == NULL || conn->doomed || !conn->blocked || transport_is_blocked(conn->link)) return;
    conn->blocked = false;
    conn_pause(conn);
    if (conn->state == CONN_REPLY) conn_timer(conn, REPLY_SECONDS);
    /* Not at once: first let what the peer sent meanwhile be read, a pong for instance. */
    conn_touch(conn);
}

void conn_linger(struct conn *conn)
{
    conn->state = CONN_LINGER;
    conn->close_after = true;
    conn_timer(conn, REPLY_SECONDS);
    conn_touch(conn);
}

/* --- reading --- */

static void discard(struct conn *conn, size_t len)
{
    conn->discarded += len;
    if (conn->discarded > DISCARD_BYTES) conn_doom(conn);
}

void conn_take(struct conn *conn, char *at, size_t len)
{
    if (conn->state == CONN_LINGER)
        discard(conn, len);
    else if (conn->state == CONN_WS)
        ws_bytes(conn, at, len);
    else
        http_bytes(conn, at, len);
}

void conn_bytes(struct conn *conn, char *at, size_t len)
{
    if (conn == NULL || conn->doomed) return;
    metric_add(conn->listener->bytes_in, (int64_t)len);
    conn_take(conn, at, len);
}

void conn_keep(struct conn *conn, const char *at, size_t len)
{
    buf_add(&conn->in, at, len);
    if (conn->in.over) conn_doom(conn);
    conn_pause(conn);
}

void conn_resume(struct conn *conn)
{
    if (conn->in.len == 0) return;
    conn->ahead = true;
    conn_touch(conn);
}

bool conn_gather(struct conn *conn, size_t bytes)
{
    struct listener *l = conn->listener;
    l->gathered += bytes - conn->gathered;
    conn->gathered = bytes;
    return bytes <= SMALL_BYTES || l->gathered <= (size_t)settings.gateway.unfinished_bytes;
}

static void go_on(struct conn *conn)
{
    struct buf ahead = conn->in;
    conn->ahead = false;
    conn->in = BUF(ahead.max);
    conn_pause(conn);
    conn_take(conn, ahead.at, ahead.len);
    buf_free(&ahead);
}

/* --- the end of a loop round --- */

static void kill_doomed(struct listener *l)
{
    while (l->doomed != NULL) {
        struct conn *conn = l->doomed;
        l->doomed = conn->doomed_next;
        conn->doomed = false;
        transport_kill(conn->link);
    }
}

/* Nobody is freed in here, so the list cannot change under us; who is touched meanwhile waits for the next round. */
static void flush_dirty(struct listener *l)
{
    struct conn *conn = l->dirty, *next;
    l->dirty = NULL;
    l->dirty_tail = &l->dirty;
    for (; conn != NULL; conn = next) {
        next = conn->dirty_next;
        conn->dirty = false;
        if (conn->ahead && !conn->doomed) go_on(conn);
        conn_flush(conn);
    }
}

void conn_sweep(struct listener *l)
{
    for (int round = 0; round < SWEEP_ROUNDS && (l->dirty != NULL || l->doomed != NULL); round++) {
        flush_dirty(l);
        kill_doomed(l);
    }
    if (l->dirty == NULL && l->doomed == NULL) ev_idle_stop(l->loop, &l->more);
}

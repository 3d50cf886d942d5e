/* conn.c - one client connection: its writes, its timer, its end. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/conn_private.h"

#include "libshared/base/container_of.h"
#include "libshared/base/invariant.h"
#include "libshared/base/metrics.h"
#include "libshared/http/transport.h"

#include <assert.h>
#include <string.h>

/* One sweep goes over connections that became dirty during it, but not forever. */
#define SWEEP_ROUNDS 4
/* Nor over more than so many bytes: what is left has its turn when the loop has looked at what came. */
#define SWEEP_BYTES  (512u << 10)
#define WRITE_WEIGHT 4096 /* of a write, however short */
#define MUCH_BYTES   (TRANSPORT_WRITE_MAX / 2)

static bool wants_pause(const struct conn *conn)
{
    /* While the library holds back a write it does not read either, but would be woken for it again and again. */
    return conn->blocked || conn->held || conn->waits || conn->in.len > AHEAD_BYTES;
}

/* One whose reading is paused and that nothing holds back would never be heard again. */
static void conn_check(const struct conn *conn)
{
    assert(conn->out_at == 0 || conn->out_at < conn->out.len);
    assert(conn->blocked == (conn->unsent > 0));
    assert(!conn->blocked || conn->link != NULL);
    assert(!conn->awaits_hello || conn->link == NULL);
    assert(!conn->lingering || conn->in.len == 0);
    assert(conn->link == NULL || conn->doomed || conn->paused == wants_pause(conn));
}

static void lists_check(const struct http_server *server)
{
    struct conn *const *last = &server->dirty;
    size_t dirty = 0, doomed = 0, waiting = 0;

    for (const struct conn *conn = server->dirty; conn != NULL; last = &conn->dirty_next, conn = *last) dirty++;
    assert(server->dirty_tail == last);
    for (const struct conn *conn = server->doomed; conn != NULL; conn = conn->doomed_next) doomed++;
    for (const struct conn *conn = server->line; conn != NULL; conn = conn->line_next) waiting++;
    for (const struct conn *conn = server->conns; conn != NULL; conn = conn->next) {
        dirty -= conn->dirty;
        doomed -= conn->doomed;
        waiting -= conn->waits;
    }
    assert(dirty == 0 && doomed == 0 && waiting == 0);
}

static void conns_check(struct http_server *server)
{
    size_t n = 0;

    if (!walk_is_due(&server->steps, server->n_conns)) return;
    for (const struct conn *conn = server->conns; conn != NULL; conn = conn->next, n++) {
        assert(conn->next == NULL || conn->next->prev == conn);
        conn_check(conn);
    }
    assert(n == server->n_conns);
    lists_check(server);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    struct conn *conn = timer->data;
    if (conn->waits)
        conn_timer(conn, QUIET_SECONDS); /* it is not late, we are */
    else if (conn->lingering)
        conn_doom(conn);
    else
        conn->protocol->late(conn);
}

void conn_tell_flooded(const struct http_server *server, const struct in6_addr *client)
{
    if (server->config.flooded != NULL) server->config.flooded(server->config.flooded_arg, client);
}

void conn_count(struct metric *metric, int64_t n)
{
    if (metric != NULL) metric_add(metric, n);
}

static void set_gauge(const struct http_server *server)
{
    struct metric *gauge = server->config.metrics.connections;
    if (gauge != NULL) metric_set(gauge, (int64_t)server->n_conns);
}

struct conn *conn_create(struct http_server *server, bool tls, bool redirects)
{
    struct conn *conn = mem_zero(sizeof *conn);
    conn->server = server;
    conn->protocol = server->protocol;
    conn->tls = tls;
    conn->redirects = redirects;
    conn->in = BUF(HTTP_HEAD_MAX + AHEAD_BYTES + TRANSPORT_WRITE_MAX);
    conn->out = BUF(SIZE_MAX);
    ev_timer_init(&conn->timer, on_timer, 0, 0);
    conn->timer.data = conn;
    conn->next = server->conns;
    if (server->conns != NULL) server->conns->prev = conn;
    server->conns = conn;
    server->n_conns++;
    set_gauge(server);
    return conn;
}

static void unlink_conn(struct conn *conn)
{
    struct http_server *server = conn->server;
    if (conn->next != NULL) conn->next->prev = conn->prev;
    *(conn->prev != NULL ? &conn->prev->next : &server->conns) = conn->next;
    server->n_conns--;
    set_gauge(server);
}

static void forget_dirty(struct conn *conn)
{
    struct http_server *server = conn->server;
    for (struct conn **at = &server->dirty; conn->dirty && *at != NULL; at = &(*at)->dirty_next)
        if (*at == conn) {
            *at = conn->dirty_next;
            if (server->dirty_tail == &conn->dirty_next) server->dirty_tail = at;
            conn->dirty = false;
            break;
        }
}

void conn_free(struct conn *conn)
{
    struct http_server *server = conn->server;
    ev_timer_stop(server->loop, &conn->timer);
    conn->link = NULL;
    proxied_leave(conn);
    share_leave(conn);
    conn->protocol->gone(conn);
    forget_dirty(conn);
    for (struct conn **at = &server->doomed; conn->doomed && *at != NULL; at = &(*at)->doomed_next)
        if (*at == conn) {
            *at = conn->doomed_next;
            break;
        }
    client_address_end(conn);
    unlink_conn(conn);
    buf_free(&conn->in);
    buf_free(&conn->out);
    if (holding_is_open(&conn->holding)) {
        holding_give(&conn->holding, conn->holds);
        holding_close(&conn->holding);
    }
    mem_free(conn);
}

void conn_timer(struct conn *conn, double seconds)
{
    struct ev_loop *loop = conn->server->loop;
    ev_timer_stop(loop, &conn->timer);
    if (seconds <= 0) return;
    ev_timer_set(&conn->timer, seconds, 0);
    ev_timer_start(loop, &conn->timer);
}

void conn_doom(struct conn *conn)
{
    if (conn->doomed) return;
    conn->doomed = true;
    conn->doomed_next = conn->server->doomed;
    conn->server->doomed = conn;
    before_sleep_wake(&conn->server->before_sleep);
}

void conn_touch(struct conn *conn)
{
    struct http_server *server = conn->server;
    if (conn->dirty || conn->blocked || conn->doomed) return;
    conn->dirty = true;
    conn->dirty_next = NULL;
    *server->dirty_tail = conn;
    server->dirty_tail = &conn->dirty_next;
    before_sleep_wake(&server->before_sleep);
}

void conn_pause(struct conn *conn)
{
    bool pause = wants_pause(conn);
    if (pause == conn->paused || conn->link == NULL) return;
    conn->paused = pause;
    transport_read_pause(conn->link, pause);
}

/* --- writing --- */

/* As much of `out` as fits behind what is in the scratch. */
static void take_out(struct conn *conn)
{
    struct http_server *server = conn->server;
    size_t room = TRANSPORT_WRITE_MAX - server->scratch_len, left = conn->out.len - conn->out_at;
    size_t n = left < room ? left : room;
    memcpy(server->scratch + server->scratch_len, conn->out.at + conn->out_at, n);
    server->scratch_len += n;
    conn->out_at += n;
    if (conn->out_at < conn->out.len) return;
    buf_free(&conn->out);
    conn->out_at = 0;
    conn_hold_anyway(conn);
}

static bool has_out(const struct conn *conn)
{
    return conn->out.len > conn->out_at;
}

static void end_writing(struct conn *conn)
{
    conn->close_after = false;
    transport_shutdown(conn->link);
    conn_timer(conn, LINGER_SECONDS);
}

static bool write_scratch(struct conn *conn)
{
    struct http_server *server = conn->server;
    conn->written += server->scratch_len;
    server->swept += server->scratch_len > WRITE_WEIGHT ? server->scratch_len : WRITE_WEIGHT;
    conn_count(server->config.metrics.bytes_out, (int64_t)server->scratch_len);
    if (!transport_write(conn->link, server->scratch, server->scratch_len)) {
        conn_doom(conn);
        return false;
    }
    conn->blocked = transport_is_blocked(conn->link);
    if (conn->blocked) {
        conn->unsent = server->scratch_len;
        conn_hold_anyway(conn);
    }
    conn_pause(conn);
    return !conn->blocked;
}

static void fill_scratch(struct conn *conn)
{
    struct http_server *server = conn->server;
    server->scratch_len = 0;
    server->filling = true;
    if (has_out(conn)) take_out(conn);
    if (!has_out(conn)) conn->protocol->writable(conn);
    server->filling = false;
}

/* One large write, and then the others that wait have theirs: a file is behind no message. */
void conn_flush(struct conn *conn)
{
    struct http_server *server = conn->server;
    if (server->filling) {
        conn_touch(conn); /* the scratch is in use: we were called from a `writable` */
        return;
    }
    if (conn->silent) return;
    while (!conn->doomed && !conn->blocked) {
        fill_scratch(conn);
        if (server->scratch_len == 0 && !has_out(conn)) break;
        if (server->scratch_len > 0 && !write_scratch(conn)) return;
        if (server->scratch_len >= MUCH_BYTES) {
            conn_touch(conn);
            return;
        }
    }
    if (conn->close_after && !conn->doomed && !conn->blocked && !has_out(conn)) end_writing(conn);
}

void conn_writable(struct conn *conn)
{
    if (conn == NULL || conn->doomed || !conn->blocked || transport_is_blocked(conn->link)) return;
    conn->blocked = false;
    conn->unsent = 0;
    conn_hold_anyway(conn);
    conn_pause(conn);
    /* Not at once: first let what the peer sent meanwhile be read, a pong for instance. */
    conn_touch(conn);
    CHECK_STEP(conn_check(conn));
}

void conn_linger(struct conn *conn)
{
    conn->lingering = conn->close_after = true;
    buf_free(&conn->in); /* nobody will read what came too early */
    conn_hold_anyway(conn);
    conn_pause(conn);
    conn_timer(conn, REPLY_SECONDS);
    conn_touch(conn);
}

/* --- reading --- */

static void discard_bytes(struct conn *conn, size_t len)
{
    conn->discarded += len;
    if (conn->discarded > DISCARD_BYTES) conn_doom(conn);
}

void conn_take(struct conn *conn, char *at, size_t len)
{
    if (conn->lingering)
        discard_bytes(conn, len);
    else
        conn->protocol->bytes(conn, at, len);
}

/* The first bytes: TLS is up. */
static void count_handshake(struct conn *conn)
{
    const struct http_server_metrics *metrics = &conn->server->config.metrics;
    if (!conn->tls || conn->shaken) return;
    conn->shaken = true;
    conn_count(transport_is_resumed(conn->link) ? metrics->tls_resumed : metrics->tls_full, 1);
}

void conn_bytes(struct conn *conn, char *at, size_t len)
{
    if (conn == NULL || conn->doomed) return;
    count_handshake(conn);
    conn_count(conn->server->config.metrics.bytes_in, (int64_t)len);
    share_bytes(conn, at, len);
    CHECK_STEP(conn_check(conn));
}

void conn_keep(struct conn *conn, const char *at, size_t len)
{
    buf_add(&conn->in, at, len);
    if (conn->in.over || conn_hold(conn) != OK) conn_doom(conn);
    conn_pause(conn);
}

void conn_resume(struct conn *conn)
{
    if (conn->in.len == 0) return;
    conn->ahead = true;
    conn_touch(conn);
}

/* --- what it holds --- */

static void on_evict(struct holding *holding)
{
    struct conn *conn = CONTAINER_OF(holding, struct conn, holding);
    if (conn->protocol->evicted != NULL) conn->protocol->evicted(conn);
    conn_doom(conn);
}

static size_t base_of(const struct conn *conn)
{
    return conn->tls ? (size_t)CONN_BYTES + TLS_BYTES : CONN_BYTES;
}

bool conn_open_holding(struct conn *conn)
{
    size_t base = base_of(conn);
    if (conn->server->config.uncounted) return true;
    if (!holdings_have_room(base)) return false;
    holding_open(&conn->holding, conn->counted ? &conn->client : NULL, base, on_evict);
    return true;
}

static size_t bytes_of(const struct conn *conn)
{
    return conn->gathered + conn->unsent + conn->in.cap + conn->out.cap;
}

enum err conn_hold(struct conn *conn)
{
    return holding_set(&conn->holding, &conn->holds, bytes_of(conn));
}

enum err conn_gather(struct conn *conn, size_t bytes)
{
    conn->gathered = bytes;
    return conn_hold(conn);
}

void conn_hold_anyway(struct conn *conn)
{
    holding_set_anyway(&conn->holding, &conn->holds, bytes_of(conn));
}

void conn_base(struct conn *conn, size_t more)
{
    holding_rebase(&conn->holding, base_of(conn) + more);
}

void conn_go_on(struct conn *conn)
{
    struct buf ahead = conn->in;
    conn->ahead = false;
    conn->in = BUF(ahead.max);
    conn_pause(conn);
    conn_take(conn, ahead.at, ahead.len);
    buf_free(&ahead);
    conn_hold_anyway(conn);
}

/* --- the end of a loop round --- */

void conn_kill(struct conn *conn)
{
    if (conn->link != NULL)
        transport_kill(conn->link);
    else
        conn_free(conn);
}

static void kill_doomed(struct http_server *server)
{
    while (server->doomed != NULL) {
        struct conn *conn = server->doomed;
        server->doomed = conn->doomed_next;
        conn->doomed = false;
        conn_kill(conn);
    }
}

/* No connection is freed in here, so the list cannot change meanwhile; one that is touched waits for the next round. */
static void flush_dirty(struct http_server *server)
{
    struct conn *conn = server->dirty, *next, **last = server->dirty_tail;
    server->dirty = NULL;
    server->dirty_tail = &server->dirty;
    for (; conn != NULL && server->swept < SWEEP_BYTES; conn = next) {
        next = conn->dirty_next;
        conn->dirty = false;
        if (conn->ahead && !conn->doomed) conn_go_on(conn);
        conn_flush(conn);
        CHECK_STEP(conn_check(conn));
    }
    if (conn == NULL) return;
    *last = server->dirty;
    if (server->dirty == NULL) server->dirty_tail = last;
    server->dirty = conn;
}

bool conn_sweep(struct http_server *server)
{
    server->swept = 0;
    for (int round = 0; round < SWEEP_ROUNDS && (server->dirty != NULL || server->doomed != NULL); round++) {
        flush_dirty(server);
        kill_doomed(server);
    }
    CHECK_STEP(conns_check(server));
    return server->dirty != NULL || server->doomed != NULL;
}

/* connection.c - see connection.h. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/connection.h"

struct memory_socket memory_socket;
struct http *resting;

/* --- what transport.c does otherwise --- */

/* Connections begin behind it. */
struct lws *transport_adopt(struct transport *transport, int fd, bool tls, struct conn *conn)
{
    (void)transport, (void)fd, (void)tls, (void)conn;
    abort();
}

bool transport_write(struct lws *link, const char *at, size_t len)
{
    PROMISE(link != NULL && memory_socket.alive && !memory_socket.full && !memory_socket.shut && len > 0 &&
            len <= TRANSPORT_WRITE_MAX);
    buf_add(&memory_socket.sent, at, len);
    memory_socket.full = memory_socket.slow;
    return true;
}

bool transport_is_blocked(struct lws *link)
{
    (void)link;
    return memory_socket.full;
}

void transport_read_pause(struct lws *link, bool pause)
{
    PROMISE(link != NULL && pause != memory_socket.paused);
    memory_socket.paused = pause;
}

/* All that came was brought. */
bool transport_has_input(struct lws *link)
{
    PROMISE(link != NULL);
    return false;
}

bool transport_is_resumed(struct lws *link)
{
    PROMISE(link != NULL);
    return false;
}

void transport_established(struct lws *link)
{
    PROMISE(link != NULL);
}

void transport_shutdown(struct lws *link)
{
    PROMISE(link != NULL && !memory_socket.shut);
    memory_socket.shut = true;
}

void transport_kill(struct lws *link)
{
    PROMISE(memory_socket.alive);
    memory_socket.alive = false;
    conn_free((struct conn *)link);
}

/* --- the connection --- */

static bool never(void *arg)
{
    (void)arg;
    return false;
}

struct http_server *make_server(const struct http_handler *handler)
{
    struct http_server *l = mem_zero(sizeof *l);
    static struct network_list proxies;
    struct str bad;

    PROMISE(network_list_parse(STR("::/32"), &proxies, &bad)); /* the peer is :: */
    l->config = (struct http_server_config){
        .trusted_proxies = &proxies,
        .connections_max = 100,
        .connections_per_address = 100,
        .body_max = 4096,
        .message_max = 4096,
        .compress = true,
    };
    l->protocol = &http_protocol;
    l->loop = ev_loop_new(0);
    l->dirty_tail = &l->dirty;
    l->scratch = mem_alloc(TRANSPORT_WRITE_MAX);
    l->origins = origins_create("https://good.example", "https://own.example");
    l->addresses = address_count_create();
    before_sleep_begin(&l->before_sleep, l->loop, "", never, NULL); /* its loop never runs */
    http_mount(l, "/*", handler, NULL);
    return l;
}

struct conn *connection_open(struct http_server *l, bool slow)
{
    struct conn *conn = conn_create(l, false, false);

    PROMISE(client_address_begin(conn, &in6addr_any));
    conn->link = (struct lws *)conn;
    memory_socket.slow = slow;
    memory_socket.full = memory_socket.shut = memory_socket.paused = false;
    memory_socket.alive = true;
    memory_socket.sent = BUF(SENT_BYTES);
    return conn;
}

void connection_turn(struct http_server *l, struct conn *conn)
{
    conn_sweep(l);
    while (memory_socket.alive && (resting != NULL || memory_socket.full || l->dirty != NULL || l->doomed != NULL)) {
        struct http *http = resting;
        resting = NULL;
        if (http != NULL) http_pause(http, false);
        memory_socket.full = false;
        conn_writable(conn);
        conn_sweep(l);
    }
    PROMISE(!memory_socket.sent.over);
}

void connection_bring(struct http_server *l, struct conn *conn, struct str bytes, size_t piece)
{
    while (bytes.len > 0 && memory_socket.alive && !memory_socket.paused) {
        size_t n = bytes.len < piece ? bytes.len : piece;
        char *part = memcpy(mem_alloc(n), bytes.at, n); /* so that a byte too far is seen */
        conn_bytes(conn, part, n);
        mem_free(part);
        bytes = str_skip(bytes, n);
        connection_turn(l, conn);
    }
}

void connection_close(struct http_server *l, struct conn *conn)
{
    if (memory_socket.alive) conn_free(conn);
    memory_socket.alive = false;
    PROMISE(l->conns == NULL && l->dirty == NULL && l->doomed == NULL && l->n_conns == 0);
    PROMISE(l->dirty_tail == &l->dirty);
}

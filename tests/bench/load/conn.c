/* conn.c - one client connection: socket, TLS, WebSocket, bytes in and out.
 *
 *   CONNECTING --tcp--> SECURING --tls--> UPGRADING --101--> OPEN --(the layer above)--> READY
 *        `-------------- plain --------------^
 *
 * What a turn has for a connection leaves at its end in one write, as from a client that sends several messages in one go.
 * All connections read into one buffer, since there is one thread: a frame is parsed where it
 * was read, and only a frame cut off by the end of a read is kept with its connection.
 */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/conn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load/frame.h"
#include "tests/bench/load/tally.h"

enum {
    READ_BYTES = 256 * 1024,
    FIRST_OUT_BYTES = 1024,
    MAX_OUT_BYTES = 1024 * 1024, /* more unsent than this: the server has stopped reading */
    MAX_FRAME = 128 * 1024,
    NARROW_BYTES = 4096, /* of the receive buffer, and small segments make the server's small too */
    NARROW_SEGMENT = 536,
};

static char read_buffer[READ_BYTES];

/* The key need only differ from frame to frame: nothing here is a browser's script. */
static uint32_t next_mask(void)
{
    static uint32_t state = 0x9e3779b9;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void watch(struct conn *conn, struct conn_target *target, bool writable)
{
    struct epoll_event event = { .events = EPOLLIN | (writable ? (uint32_t)EPOLLOUT : 0u), .data.u32 = conn->index };

    if (conn->wants_writable == writable) return;
    conn->wants_writable = writable;
    epoll_ctl(target->epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

/* Bytes taken, 0 for none now, -1 for a broken connection. */
static ssize_t write_some(struct conn *conn, const char *at, size_t len)
{
    if (conn->ssl == NULL) {
        ssize_t n = send(conn->fd, at, len, MSG_NOSIGNAL);
        return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -1;
    }
    int n = SSL_write(conn->ssl, at, (int)len);
    if (n > 0) return n;
    int e = SSL_get_error(conn->ssl, n);
    ERR_clear_error();
    return e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ ? 0 : -1;
}

static ssize_t read_some(struct conn *conn, char *at, size_t len)
{
    if (conn->ssl == NULL) {
        ssize_t n = recv(conn->fd, at, len, 0);
        return n > 0 ? n : n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    }
    int n = SSL_read(conn->ssl, at, (int)len);
    if (n > 0) return n;
    int e = SSL_get_error(conn->ssl, n);
    ERR_clear_error();
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

/* Space behind what is unsent. */
static char *make_space(struct conn *conn, size_t len)
{
    size_t wanted = conn->out_len + len;

    if (wanted > MAX_OUT_BYTES) {
        fprintf(stderr, "bench-load: the server has stopped reading connection %u\n", conn->index);
        exit(1);
    }
    if (wanted > conn->out_capacity) {
        conn->out_capacity = wanted < FIRST_OUT_BYTES ? FIRST_OUT_BYTES : (uint32_t)(2 * wanted);
        conn->out = realloc(conn->out, conn->out_capacity);
        if (conn->out == NULL) abort();
    }
    return conn->out + conn->out_len;
}

static void put(struct conn *conn, struct conn_target *target, size_t len)
{
    conn->out_len += (uint32_t)len;
    if (conn->unsent) return;
    conn->unsent = true;
    target->unsent[target->n_unsent++] = conn;
}

/* What the socket does not take stays. */
static bool write_out(struct conn *conn, struct conn_target *target)
{
    ssize_t n = conn->out_len > 0 ? write_some(conn, conn->out, conn->out_len) : 0;

    if (n < 0) return false;
    conn->out_len -= (uint32_t)n;
    memmove(conn->out, conn->out + n, conn->out_len);
    watch(conn, target, conn->out_len > 0);
    return true;
}

/* A broken connection is found by the next read, so that loss is told in one place. */
void conn_flush_all(struct conn_target *target)
{
    for (size_t i = 0; i < target->n_unsent; i++) {
        struct conn *conn = target->unsent[i];
        conn->unsent = false;
        if (conn->fd >= 0 && !conn->wants_writable) (void)write_out(conn, target);
    }
    target->n_unsent = 0;
}

static void send_frame(struct conn *conn, struct conn_target *target, int opcode, const char *data, size_t len)
{
    assert(len <= MAX_FRAME);
    char *at = make_space(conn, FRAME_HEAD_BYTES + len);
    uint32_t mask = next_mask();
    size_t head = frame_head((unsigned char *)at, opcode, len, mask);

    memcpy(at + head, data, len);
    frame_mask(at + head, len, mask);
    put(conn, target, head + len);
}

void conn_send(struct conn *conn, struct conn_target *target, const char *text, size_t len)
{
    send_frame(conn, target, FRAME_TEXT, text, len);
}

static void ask_upgrade(struct conn *conn, struct conn_target *target)
{
    char ask[1024];
    int n = snprintf(ask, sizeof ask,
        "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s:%d\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        target->path, target->host, ntohs(target->address.sin_port));

    assert(n > 0 && (size_t)n < sizeof ask);
    conn->state = CONN_UPGRADING;
    memcpy(make_space(conn, (size_t)n), ask, (size_t)n);
    put(conn, target, (size_t)n);
}

static bool secure(struct conn *conn, struct conn_target *target, const char **why)
{
    int n = SSL_do_handshake(conn->ssl);

    if (n == 1) {
        ask_upgrade(conn, target);
        return true;
    }
    int e = SSL_get_error(conn->ssl, n);
    ERR_clear_error();
    watch(conn, target, e == SSL_ERROR_WANT_WRITE);
    *why = "the TLS handshake failed";
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
}

static bool connected(struct conn *conn, struct conn_target *target, const char **why)
{
    int e = 0;
    socklen_t len = sizeof e;

    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &e, &len) != 0 || e != 0) {
        *why = strerror(e);
        return false;
    }
    watch(conn, target, false);
    if (target->tls == NULL) {
        ask_upgrade(conn, target);
        return true;
    }
    conn->ssl = SSL_new(target->tls);
    if (conn->ssl == NULL || SSL_set_fd(conn->ssl, conn->fd) != 1) abort();
    SSL_set_connect_state(conn->ssl);
    conn->state = CONN_SECURING;
    return secure(conn, target, why);
}

/* Bytes of an answered upgrade, 0 for not yet whole, -1 for a refusal. */
static ssize_t upgraded(const char *at, size_t len, const char **why)
{
    static char line[128];
    const char *end = memmem(at, len, "\r\n\r\n", 4);

    if (end == NULL) return 0;
    if (len > 12 && memcmp(at, "HTTP/1.1 101", 12) == 0) return end + 4 - at;
    const char *first = memchr(at, '\r', len);
    snprintf(line, sizeof line, "upgrade refused: %.*s", (int)(first - at), at);
    *why = line;
    return -1;
}

/* Hear each whole frame; answers how many bytes they took, or -1. */
static ssize_t hear(
    struct conn *conn, struct conn_target *target, char *at, size_t len, conn_hears *hears, const char **why)
{
    struct frame frame;
    size_t done = 0;

    for (;;) {
        enum frame_found found = frame_read(at + done, len - done, &frame);
        if (found == FRAME_PARTIAL) return (ssize_t)done;
        if (found == FRAME_BROKEN || frame.opcode == FRAME_CLOSE) {
            *why = found == FRAME_BROKEN ? "a frame that nobody asked for" : "closed by the server";
            return -1;
        }
        if (frame.opcode == FRAME_TEXT)
            hears(conn, frame.data, frame.len);
        else if (frame.opcode == FRAME_PING)
            send_frame(conn, target, FRAME_PONG, frame.data, frame.len);
        done += frame.whole;
    }
}

static bool take(struct conn *conn, struct conn_target *target, size_t len, conn_hears *hears, const char **why)
{
    size_t done = 0;

    if (conn->state == CONN_UPGRADING) {
        ssize_t n = upgraded(read_buffer, len, why);
        if (n < 0) return false;
        done = (size_t)n;
        if (n > 0) conn->state = CONN_OPEN;
    }
    if (conn->state >= CONN_OPEN) {
        ssize_t n = hear(conn, target, read_buffer + done, len - done, hears, why);
        if (n < 0) return false;
        done += (size_t)n;
    }
    conn->rest_len = (uint32_t)(len - done);
    if (conn->rest_len > 0) {
        conn->rest = realloc(conn->rest, conn->rest_len);
        if (conn->rest == NULL) abort();
        memcpy(conn->rest, read_buffer + done, conn->rest_len);
    }
    return conn->rest_len < READ_BYTES;
}

/* TLS hands out a record at a time, so it is asked until it has no more: epoll would not tell
 * of what already lies in its buffer. */
static bool drink(struct conn *conn, struct conn_target *target, conn_hears *hears, const char **why)
{
    for (;;) {
        size_t had = conn->rest_len;
        *why = "closed by the server without a word";
        if (had > 0) memcpy(read_buffer, conn->rest, had);
        ssize_t n = read_some(conn, read_buffer + had, READ_BYTES - had);
        if (n <= 0) return n == 0;
        if (!take(conn, target, had + (size_t)n, hears, why)) return false;
        if (conn->ssl == NULL) return true;
    }
}

static void make_narrow(int fd)
{
    int bytes = NARROW_BYTES, segment = NARROW_SEGMENT;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
}

bool conn_begin(struct conn *conn, struct conn_target *target, uint32_t index)
{
    struct sockaddr_in from = { .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(0x7f000002u + index % (uint32_t)target->sources) };
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.u32 = index };
    int yes = 1;

    *conn = (struct conn){ .state = CONN_CONNECTING,
        .index = index,
        .wants_writable = true,
        .number = conn->number,
        .narrow = conn->narrow,
        .unsent = conn->unsent,
        .begun_us = tally_now_us() };
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0) return false;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (conn->narrow) make_narrow(conn->fd);
    /* The port is chosen at connect(), when the kernel knows the whole four-tuple. */
    setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    bool loopback = (ntohl(target->address.sin_addr.s_addr) >> 24) == 127;
    if (loopback && bind(conn->fd, (struct sockaddr *)&from, sizeof from) != 0) return false;
    if (connect(conn->fd, (const struct sockaddr *)&target->address, sizeof target->address) != 0 &&
        errno != EINPROGRESS)
        return false;
    return epoll_ctl(target->epoll, EPOLL_CTL_ADD, conn->fd, &event) == 0;
}

bool conn_turn(struct conn *conn, struct conn_target *target, uint32_t events, conn_hears *hears, const char **why)
{
    if (conn->state == CONN_CONNECTING) return connected(conn, target, why);
    if (conn->state == CONN_SECURING) return secure(conn, target, why);

    *why = "the connection broke while writing";
    if ((events & EPOLLOUT) != 0 && !write_out(conn, target)) return false;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) return drink(conn, target, hears, why);
    return true;
}

void conn_be_deaf(struct conn *conn, struct conn_target *target, bool deaf)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = conn->index };

    if (conn->deaf == deaf || conn->fd < 0) return;
    conn->deaf = deaf;
    conn->wants_writable = false;
    epoll_ctl(target->epoll, deaf ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, conn->fd, &event);
}

void conn_end(struct conn *conn)
{
    if (conn->fd >= 0) close(conn->fd);
    SSL_free(conn->ssl);
    free(conn->rest);
    free(conn->out);
    *conn = (struct conn){ .fd = -1,
        .index = conn->index,
        .number = conn->number,
        .narrow = conn->narrow,
        .unsent = conn->unsent,
        .state = CONN_LOST };
}

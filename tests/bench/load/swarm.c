/* swarm.c - many Socket.IO clients in one thread. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/swarm.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 512, MAX_PACKET = 16 * 1024, SPARE_FDS = 32 };

#define NAMESPACE "/chat,"

static struct {
    const struct options *options;
    const struct swarm_user *user;
    struct conn_target target;
    struct conn *conns;
    struct swarm_counts counts;
} swarm;

void swarm_complain(const char *about, const char *text, size_t len)
{
    static bool complained;

    if (!complained) fprintf(stderr, "bench-load: %s: %.*s\n", about, (int)(len < 300 ? len : 300), text);
    complained = true;
}

void swarm_send(struct conn *conn, const char *text, size_t len)
{
    conn_send(conn, &swarm.target, text, len);
}

static void enter_namespace(struct conn *conn)
{
    const struct options *o = swarm.options;
    char packet[MAX_PACKET];
    int n =
        snprintf(packet, sizeof packet, "40" NAMESPACE "{\"token\":\"%s\"}", o->tokens[conn->index % o->token_count]);

    assert(n > 0 && (size_t)n < sizeof packet);
    swarm_send(conn, packet, (size_t)n);
}

static void lose(struct conn *conn, const char *why)
{
    struct swarm_counts *c = &swarm.counts;
    bool was_ready = conn->state == CONN_READY;

    if (was_ready) {
        c->lost++;
        c->ready--;
    } else {
        c->failed++;
        c->opening--;
    }
    swarm_complain("a connection was lost", why, strlen(why));
    conn_end(conn);
    if (swarm.user->lost != NULL) swarm.user->lost(conn, was_ready);
}

static void welcome(struct conn *conn)
{
    if (conn->state == CONN_READY) return;
    conn->state = CONN_READY;
    swarm.counts.opening--;
    swarm.counts.ready++;
    tally_add(&swarm.counts.open_us, tally_now_us() - conn->begun_us);
    if (swarm.user->ready != NULL) swarm.user->ready(conn);
}

/* `text` begins after the namespace. */
static void hear_ack(struct conn *conn, const char *text, size_t len)
{
    uint64_t id = 0;
    size_t i = 0;

    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) id = id * 10 + (uint64_t)(text[i] - '0');
    if (swarm.user->ack != NULL) swarm.user->ack(conn, id, text + i, len - i);
}

static void hear_message(struct conn *conn, const char *text, size_t len)
{
    const size_t skip = 2 + strlen(NAMESPACE);

    if (len < skip || memcmp(text + 2, NAMESPACE, strlen(NAMESPACE)) != 0) return;
    switch (text[1]) {
    case '0': welcome(conn); return;
    case '2':
        if (swarm.user->event != NULL) swarm.user->event(conn, text + skip, len - skip);
        return;
    case '3': hear_ack(conn, text + skip, len - skip); return;
    case '1':
    case '4':
        swarm.counts.refused++;
        swarm_complain("the server said no", text + skip, len - skip);
        shutdown(conn->fd, SHUT_RDWR); /* the next read finds the end, and tells of the loss */
        return;
    }
}

static void hear_packet(struct conn *conn, const char *text, size_t len)
{
    char pong[] = { '3' };

    if (len == 0) return;
    switch (text[0]) {
    case '0': enter_namespace(conn); return;
    case '2': swarm_send(conn, pong, sizeof pong); return;
    case '4': hear_message(conn, text, len); return;
    }
}

static void open_more(void)
{
    struct swarm_counts *c = &swarm.counts;

    while (c->begun < c->total && c->opening < swarm.options->opening) {
        struct conn *conn = &swarm.conns[c->begun];
        c->opening++;
        if (!conn_begin(conn, &swarm.target, (uint32_t)c->begun++)) lose(conn, strerror(errno));
    }
}

void swarm_again(struct conn *conn)
{
    swarm.counts.opening++;
    if (!conn_begin(conn, &swarm.target, conn->index)) lose(conn, strerror(errno));
}

void swarm_be_deaf(struct conn *conn, bool deaf)
{
    conn_be_deaf(conn, &swarm.target, deaf);
}

void swarm_turn(int most_ms)
{
    struct epoll_event events[EVENTS_PER_TURN];

    conn_flush_all(&swarm.target);
    int n = epoll_wait(swarm.target.epoll, events, EVENTS_PER_TURN, most_ms);

    for (int i = 0; i < n; i++) {
        struct conn *conn = &swarm.conns[events[i].data.u32];
        const char *why = "";
        if (conn->fd >= 0 && !conn_turn(conn, &swarm.target, events[i].events, hear_packet, &why)) lose(conn, why);
    }
}

void swarm_open(void)
{
    const struct swarm_counts *c = &swarm.counts;
    int64_t until = tally_now_us() + (int64_t)(swarm.options->open_seconds * 1e6);

    while (c->ready + c->failed + c->lost < c->total && tally_now_us() < until) {
        open_more();
        swarm_turn(50);
    }
}

bool swarm_told(void)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    char line[64];

    return poll(&in, 1, 0) > 0 && read(STDIN_FILENO, line, sizeof line) >= 0;
}

void swarm_pace(const char *word)
{
    fprintf(stderr, "%s\n", word);
    while (swarm.options->paced && !swarm_told()) swarm_turn(5);
}

const struct swarm_counts *swarm_counts(void)
{
    return &swarm.counts;
}

struct conn *swarm_conn(size_t i)
{
    assert(i < swarm.counts.total);
    return &swarm.conns[i];
}

static SSL_CTX *tls_create(void)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

    if (tls == NULL) abort();
    SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(
        tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    return tls;
}

static void want_fds(size_t connections)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < connections + SPARE_FDS) {
        fprintf(stderr, "bench-load: %zu connections want more than the %lu files allowed\n", connections,
            (unsigned long)limit.rlim_cur);
        exit(2);
    }
}

void swarm_create(const struct options *options, size_t total, const struct swarm_user *user)
{
    want_fds(total);
    swarm.options = options;
    swarm.user = user;
    swarm.counts = (struct swarm_counts){ .total = total };
    swarm.conns = calloc(total, sizeof *swarm.conns);
    if (swarm.conns == NULL) abort();
    for (size_t i = 0; i < total; i++) swarm.conns[i].fd = -1;

    swarm.target = (struct conn_target){ .host = options->host,
        .path = options->path,
        .address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)options->port) },
        .sources = options->sources,
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .unsent = calloc(total, sizeof *swarm.target.unsent),
        .tls = options->tls ? tls_create() : NULL };
    if (swarm.target.unsent == NULL) abort();
    if (inet_pton(AF_INET, options->host, &swarm.target.address.sin_addr) != 1) {
        fprintf(stderr, "bench-load: --host wants an IPv4 address\n");
        exit(2);
    }
}

void swarm_destroy(void)
{
    for (size_t i = 0; i < swarm.counts.total; i++) conn_end(&swarm.conns[i]);
    free(swarm.conns);
    free(swarm.target.unsent);
    SSL_CTX_free(swarm.target.tls);
    close(swarm.target.epoll);
}

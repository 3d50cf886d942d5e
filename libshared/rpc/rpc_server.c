/* rpc_server.c - the socket: its making, what comes in by it, its clock, its end. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/rpc_server.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/base/clock.h"
#include "libshared/base/turn.h"
#include "libshared/rpc/rpc_accept.h"
#include "libshared/rpc/rpc_server_private.h"
#include "libshared/base/metrics.h"
#include "libshared/wire/record.h"

#define FLUSH_EVERY_S  0.005
#define MALFORMED_NAME "madang_rpc_malformed_total"
#define MALFORMED_HELP "Messages from peers that made no sense"

struct loop_post *rpc_server_post(struct rpc_server *server)
{
    return server->post;
}

struct ev_loop *rpc_server_loop(struct rpc_server *server)
{
    return server->loop;
}

/* --- reading --- */

static void set_call(struct rpc_later *later)
{
    struct rpc_server *server = later->server;
    later->began_us = turn_us();
    later->call = (struct call){
        .arena = later->arena,
        .who = &later->head.who,
        .trace = later->head.trace,
        .peer_name = str_of(later->peer->name),
        .peer = later->peer,
        .server = server,
        .fetcher = server->config.fetcher,
        .now = clock_ms(),
        .deadline_us = rpc_call_deadline_us(later->began_us, later->head.budget_ms),
        .context = server->config.context,
        .why = &later->why,
    };
}

/* The name is a certificate's, so there are few of them. */
static void count_malformed(const char *name)
{
    char labels[128];
    snprintf(labels, sizeof labels, "peer=\"%s\"", name != NULL ? name : "");
    metric_add(metric_counter(MALFORMED_NAME, labels, MALFORMED_HELP), 1);
}

static void drop_malformed(struct rpc_later *later, const char *name)
{
    count_malformed(name);
    LOG_BOUNDED(WARN, "rpc.malformed", F_TEXT("peer", name));
    rpc_later_give(later);
}

static bool read_head(struct rpc_later *later, struct str bytes, struct frame_head *head)
{
    if (frame_read(bytes, later->arena, head) != OK) return false;
    return head->kind == FRAME_BATCH || (head->kind == FRAME_REQUEST && head->request.same_who == 0);
}

/* A connection begins with `hello`.  A peer that speaks without was given up here, and doesn't know it. */
static void take_request(struct rpc_later *later, const void *id, const char *name, const struct frame_request *head)
{
    struct rpc_server *server = later->server;
    later->head = *head;
    later->peer = rpc_peer_find(server, id);
    if (later->peer == NULL && str_is(later->head.method, "hello")) later->peer = rpc_peer_add(server, id, name);
    if (later->peer == NULL) {
        rpc_send_goodbye(server, id);
        rpc_later_give(later);
        return;
    }
    if (server->leaving && str_is(later->head.method, "hello")) rpc_send_leaving(server, id);
    later->peer->quiet = 0;
    later->peer->in_hand++;
    set_call(later);
    rpc_dispatch(later);
}

static struct str bytes_of(zmq_msg_t *msg)
{
    return (struct str){ zmq_msg_data(msg), zmq_msg_size(msg) };
}

/* --- several messages in one --- */

static void begin_batch(struct rpc_later *later, zmq_msg_t *id)
{
    struct rpc_incoming *in = &later->server->incoming;
    zmq_msg_init(&in->id);
    zmq_msg_init(&in->head);
    zmq_msg_init(&in->body);
    zmq_msg_move(&in->id, id);
    zmq_msg_move(&in->head, &later->head_bytes);
    zmq_msg_move(&in->body, &later->body_bytes);
    in->left = bytes_of(&in->body);
    in->n = 0;
    in->open = true;
    rpc_later_give(later);
}

static void end_batch(struct rpc_incoming *in)
{
    zmq_msg_close(&in->id);
    zmq_msg_close(&in->head);
    zmq_msg_close(&in->body);
    arena_reset(in->arena);
    in->open = false;
}

/* A request may be in hand for long, and would keep all of its batch. */
static struct str copy_bytes(struct arena *arena, struct str bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);
    memcpy(copy, bytes.at, bytes.len);
    return (struct str){ copy, bytes.len };
}

/* The caller is remembered for the requests behind it. */
static bool find_who(struct rpc_incoming *in, struct frame_request *request)
{
    size_t n = in->n++;
    uint64_t same = request->same_who;

    if (n < RPC_BATCH_MESSAGES) in->has_who[n] = false;
    if (same > 0) {
        if (same > n || same > RPC_BATCH_MESSAGES || !in->has_who[same - 1]) return false;
        request->who = in->who[same - 1];
    }
    if (n < RPC_BATCH_MESSAGES) {
        in->who[n] = request->who;
        in->has_who[n] = true;
    }
    return true;
}

static bool read_one_of(struct rpc_incoming *in, struct rpc_later *later, struct str bytes, struct frame_head *head)
{
    bool is_request = frame_read(bytes, in->arena, head) == OK && head->kind == FRAME_REQUEST;

    if (!is_request) head->request = (struct frame_request){ .same_who = UINT64_MAX };
    if (!find_who(in, &head->request)) return false;
    head->request.method = copy_bytes(later->arena, head->request.method);
    head->request.trace = copy_bytes(later->arena, head->request.trace);
    record_keep(principal_shape(), later->arena, &head->request.who);
    return true;
}

/* The next message of a batch; the batch ends with the last one, or where it is cut wrongly.  One that is no request is its own
 * affair: the others may be other people's. */
static void take_next(struct rpc_server *server)
{
    struct rpc_incoming *in = &server->incoming;
    const char *name = zmq_msg_gets(&in->head, "name");
    struct rpc_later *later = rpc_later_take(server);
    struct frame_head head;
    struct str head_bytes, body;
    bool cut = frame_batch_next(&in->left, &head_bytes, &body);
    if (cut && read_one_of(in, later, head_bytes, &head)) {
        later->body = copy_bytes(later->arena, body);
        take_request(later, zmq_msg_data(&in->id), name, &head.request);
    } else {
        drop_malformed(later, name);
    }
    if (!cut || in->left.len == 0) end_batch(in);
}

/* --- one message --- */

static void take_message(struct rpc_later *later, zmq_msg_t *id)
{
    struct frame_head head;
    /* Not of the routing id: asking the socket for its events makes libzmq 4.3.4 lose that frame's metadata. */
    const char *name = zmq_msg_gets(&later->head_bytes, "name");
    if (name == NULL || !read_head(later, bytes_of(&later->head_bytes), &head)) {
        drop_malformed(later, name);
    } else if (head.kind == FRAME_BATCH) {
        begin_batch(later, id);
    } else {
        later->body = bytes_of(&later->body_bytes);
        take_request(later, zmq_msg_data(id), name, &head.request);
    }
}

static bool receive_part(struct rpc_server *server, zmq_msg_t *msg)
{
    return rpc_socket_get(server->socket.raw, msg) >= 0;
}

/* The message's next part, if the last one said that there is one.  `last` is the last part that was received. */
static bool receive_next(struct rpc_server *server, zmq_msg_t **last, zmq_msg_t *part)
{
    if (!zmq_msg_more(*last) || !receive_part(server, part)) return false;
    *last = part;
    return true;
}

static void skip_rest(struct rpc_server *server, zmq_msg_t *last)
{
    while (zmq_msg_more(last) && receive_part(server, last)) continue;
}

/* false: nothing is left to read. */
static bool receive_request(void *arg)
{
    struct rpc_server *server = arg;
    if (server->incoming.open) {
        take_next(server);
        return true;
    }
    zmq_msg_t id, *last = &id;
    zmq_msg_init(&id);
    if (!receive_part(server, &id)) {
        zmq_msg_close(&id);
        return false;
    }
    struct rpc_later *later = rpc_later_take(server);
    bool whole = zmq_msg_size(&id) == RPC_ID_BYTES && receive_next(server, &last, &later->head_bytes) &&
                 receive_next(server, &last, &later->body_bytes) && !zmq_msg_more(last);
    if (whole) {
        take_message(later, &id);
    } else {
        skip_rest(server, last);
        drop_malformed(later, zmq_msg_gets(last, "name"));
    }
    zmq_msg_close(&id);
    return true;
}

/* --- timers --- */

/* Ticks are counted, not time: when our own loop was held up, what the peers said meanwhile waits in the socket, and
 * no peer may be blamed for that. */
static void lose_the_quiet(struct rpc_server *server)
{
    struct rpc_peer *peer, *next;
    HASH_ITER(hh, server->peers, peer, next) {
        if (++peer->quiet <= RPC_QUIET_MAX) continue;
        rpc_send_goodbye(server, peer->id);
        rpc_peer_lose(server, peer, "silent");
    }
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct rpc_server *server = timer->data;
    lose_the_quiet(server);
    metric_set(server->refused_now, rpc_accept_refused());
    if (server->pool != NULL) metric_set(server->waiting_now, (int64_t)rpc_pool_waiting(server->pool));
    if (server->blocking != NULL) metric_set(server->blocked_now, (int64_t)rpc_pool_waiting(server->blocking));
}

static bool end_turn(void *arg)
{
    rpc_send_filled(arg);
    return false;
}

static void on_flush(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    rpc_send_flush(timer->data);
}

void rpc_server_print_calls(struct rpc_server *server)
{
    LOG(INFO, "rpc.calls", F_INT("in_hand", server->n_in_hand), F_INT("later", server->n_later),
        F_INT("works", server->n_works), F_INT("peers", HASH_COUNT(server->peers)));
    if (server->pool != NULL) rpc_pool_print(server->pool);
    if (server->blocking != NULL) rpc_pool_print(server->blocking);
}

/* --- making and unmaking --- */

static void bind_all(struct rpc_server *server)
{
    struct str rest = str_of(server->config.endpoints);
    while (rest.len > 0) {
        char endpoint[256];
        struct str one = str_cut(&rest, ',');
        snprintf(endpoint, sizeof endpoint, "%.*s", STR_ARG(one));
        if (rpc_socket_bind(server->socket.raw, endpoint) != 0) {
            LOG(ERROR, "rpc.bind_failed", F_TEXT("endpoint", endpoint), F_TEXT("why", zmq_strerror(errno)));
            exit(1);
        }
        LOG(INFO, "rpc.bound", F_TEXT("endpoint", endpoint));
    }
}

static struct metric *labelled(struct metric *(*make)(const char *, const char *, const char *), const char *name,
    const char *label, const char *value, const char *help)
{
    char labels[128];
    snprintf(labels, sizeof labels, "%s=\"%s\"", label, value);
    return make(name, labels, help);
}

static void make_metrics(struct rpc_server *server)
{
    const struct rpc_server_config *config = &server->config;
    server->stats = mem_zero((config->n_methods + 1) * sizeof *server->stats);
    for (size_t i = 0; i < config->n_methods; i++) {
        const char *name = config->methods[i].name;
        struct rpc_method_stats *s = &server->stats[i];
        s->calls = labelled(metric_counter, "madang_rpc_calls_total", "method", name, "Calls answered");
        s->failed = labelled(metric_counter, "madang_rpc_failed_total", "method", name, "Calls answered with an error");
        s->time = labelled(metric_histogram_us, "madang_rpc_seconds", "method", name, "Time from receipt to answer");
    }
    for (int e = OK + 1; e < ERR_COUNT; e++)
        server->errors[e] = labelled(
            metric_counter, "madang_rpc_errors_total", "code", err_code((enum err)e), "Errors answered, by code");
    server->events = metric_counter("madang_rpc_events_total", NULL, "Events sent to peers");
    server->events_lost = metric_counter("madang_rpc_events_lost_total", NULL, "Events not sent: a full pipe");
    server->refused_now = metric_gauge(
        "madang_rpc_connections_refused", NULL, "Connections closed since the start so that descriptors are left");
    server->peers_now = metric_gauge("madang_rpc_peers", NULL, "Connected peers");
    server->waiting_now = metric_gauge("madang_rpc_waiting", "pool=\"worker\"", "Requests waiting for a thread");
    server->blocked_now = metric_gauge("madang_rpc_waiting", "pool=\"blocking\"", "Requests waiting for a thread");
}

static void make_pools(struct rpc_server *server)
{
    const struct rpc_server_config *config = &server->config;
    struct rpc_pool_config pool = { .name = "worker",
        .threads = config->workers,
        .queue_max = config->queue_max,
        .conninfo = config->pg_conninfo,
        .schema = config->service };
    struct rpc_pool_config blocking = {
        .name = "blocking",
        .threads = config->blocking,
        .queue_max = config->blocking_queue_max > 0 ? config->blocking_queue_max : config->queue_max,
        .nice = config->blocking_nice,
    };

    if (pool.threads > 0) server->pool = rpc_pool_create(&pool, server->post);
    if (blocking.threads > 0) server->blocking = rpc_pool_create(&blocking, server->post);
}

struct rpc_server *rpc_server_create(struct ev_loop *loop, const struct rpc_server_config *config)
{
    struct rpc_server *server = mem_zero(sizeof *server);
    server->config = *config;
    server->loop = loop;
    server->head = BUF(4096);
    /* bound: the lists of the heads of one batch, which the decoder asks for */
    server->incoming.arena = arena_create("rpc_incoming", RPC_ARENA_MAX);
    pthread_mutex_init(&server->commit_lock, NULL);
    make_metrics(server);
    server->post = loop_post_create(loop);
    server->socket = rpc_socket_server(config->key_dir, config->service, config->event_hwm);
    bind_all(server);
    make_pools(server);
    server->watch = loop_sock_create(loop, server->socket.raw, receive_request, server);

    ev_timer_init(&server->tick, on_tick, 1., 1.);
    ev_timer_init(&server->flush, on_flush, FLUSH_EVERY_S, FLUSH_EVERY_S);
    server->tick.data = server->flush.data = server;
    ev_timer_start(loop, &server->tick);
    before_sleep_begin_last(&server->resume_end_turn, loop, "rpc_send_filled", end_turn, server);
    return server;
}

/* What was begun and not answered has an unknown end: to its sender that is a lost connection, not a refusal. */
static void abandon_in_hand(struct rpc_server *server)
{
    while (server->in_hand != NULL) {
        struct rpc_later *later = server->in_hand;
        assert(later->peer->in_hand > 0);
        later->peer->in_hand--;
        rpc_later_give(later);
    }
}

void rpc_server_leave(struct rpc_server *server)
{
    struct rpc_peer *peer, *next;
    server->leaving = true;
    rpc_send_filled(server);
    HASH_ITER(hh, server->peers, peer, next) rpc_send_leaving(server, peer->id);
}

void rpc_server_destroy(struct rpc_server **server)
{
    struct rpc_server *s = *server;
    if (s == NULL) return;
    s->drained = NULL;
    rpc_pool_destroy(&s->pool);
    rpc_pool_destroy(&s->blocking);
    ev_timer_stop(s->loop, &s->tick);
    loop_post_destroy(&s->post); /* runs what the workers have posted */
    abandon_in_hand(s);
    rpc_send_filled(s);
    if (s->incoming.open) end_batch(&s->incoming);
    ev_timer_stop(s->loop, &s->flush);
    rpc_peers_free(s);
    before_sleep_end(&s->resume_end_turn);
    rpc_laters_free(s);
    rpc_works_free(s);
    loop_sock_destroy(&s->watch);
    rpc_socket_close(&s->socket);
    pthread_mutex_destroy(&s->commit_lock);
    buf_free(&s->head);
    arena_destroy(&s->incoming.arena);
    mem_free(s->stats);
    mem_free(s);
    *server = NULL;
}

/* rpc_server.c - the socket, and who gets what comes out of it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/rpc_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_inside.h"
#include "libshared/service/metrics.h"

#define MESSAGES_A_TURN 256 /* then the loop's other descriptors have a turn */
#define FLUSH_EVERY_S   0.005

struct loop_post *rpc_server_post(struct rpc_server *server)
{
    return server->post;
}

struct ev_loop *rpc_server_loop(struct rpc_server *server)
{
    return server->loop;
}

/* --- answering --- */

static void refuse(struct rpc_later *later, enum err e, const char *text)
{
    snprintf(later->why.text, sizeof(later->why.text), "%s", text);
    rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
}

static void run_on_loop(struct rpc_later *later)
{
    struct call *call = &later->call;
    struct str body = { zmq_msg_data(&later->body_bytes), zmq_msg_size(&later->body_bytes) };
    enum err e = rpc_call_run(later->method, call, body, &later->reply);
    rpc_later_answer(later, rpc_call_settle(call, e, &later->reply));
}

static void begin_later(struct rpc_later *later)
{
    struct rpc_server *server = later->server;
    if (server->n_later >= server->config.later_max) {
        refuse(later, ERR_OVERLOADED, "too many requests are unanswered");
        return;
    }
    void *req;
    struct str body = { zmq_msg_data(&later->body_bytes), zmq_msg_size(&later->body_bytes) };
    enum err e = rpc_call_decode(later->method, &later->call, body, &req);
    if (e != OK) {
        rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
        return;
    }
    server->n_later++;
    later->method->begin(&later->call, req, later);
}

static void worker_is_done(void *arg)
{
    struct rpc_later *later = arg;
    struct rpc_server *server = later->server;
    later->call.peer = later->peer;
    if (later->status == OK)
        for (struct call_after *after = later->call.after; after != NULL; after = after->next)
            after->run(server, server->config.context, after->arg);
    rpc_later_answer(later, later->status);
}

static void log_and_post(struct rpc_later *later)
{
    int64_t us = clock_mono_us() - later->began_us;
    rpc_call_log(&later->call, WORKER, later->head.method, us, later->status);
    loop_post_run(later->server->post, worker_is_done, later);
}

/* What runs after a commit must see commits in their order, or a cache would keep the older of two truths.  A thread
 * can be held up between its commit and its post; so for these calls both happen under one lock.  (A COMMIT that
 * waits for another transaction would stop here for ever: no constraint of ours is deferred.) */
static void settle_in_order(struct rpc_later *later, enum err e)
{
    struct rpc_server *server = later->server;
    pthread_mutex_lock(&server->commit_lock);
    later->status = rpc_call_settle(&later->call, e, &later->reply);
    log_and_post(later); /* from here on it is the loop's */
    pthread_mutex_unlock(&server->commit_lock);
}

static void run_on_worker(struct rpc_task *task, struct pg *pg)
{
    struct rpc_later *later = (struct rpc_later *)task;
    struct call *call = &later->call;
    struct str body = { zmq_msg_data(&later->body_bytes), zmq_msg_size(&later->body_bytes) };

    call->peer = NULL;
    call->pg = pg;
    if (pg != NULL) pg_set_deadline(pg, call->deadline_us);
    enum err e = rpc_call_run(later->method, call, body, &later->reply);
    if (e == OK && call->after != NULL) {
        settle_in_order(later, e);
        return;
    }
    later->status = rpc_call_settle(call, e, &later->reply);
    log_and_post(later);
}

static void drop_for_worker(struct rpc_task *task)
{
    refuse((struct rpc_later *)task, ERR_SHUTTING_DOWN, "this process is leaving");
}

static void queue_for_worker(struct rpc_later *later)
{
    later->task = (struct rpc_task){
        .run = run_on_worker,
        .drop = drop_for_worker,
        .what = later->head.method,
        .trace = later->head.trace,
    };
    if (later->server->pool == NULL || !rpc_pool_put(later->server->pool, &later->task))
        refuse(later, ERR_OVERLOADED, "too many requests wait for a worker");
}

static void run(struct rpc_later *later)
{
    switch (later->method->where) {
    case LOOP: run_on_loop(later); return;
    case WORKER: queue_for_worker(later); return;
    case LATER: begin_later(later); return;
    }
}

/* --- what every server answers --- */

static void say_hello(struct rpc_later *later)
{
    struct hello hello = { str_of(later->server->config.service), later->peer->instance };
    enum err e = wire_encode(hello_shape(), &hello, &later->reply);
    rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
}

static void say_pong(struct rpc_later *later)
{
    enum err e = wire_encode(nothing_shape(), &(struct { char none; }){ 0 }, &later->reply);
    rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
}

static void dispatch(struct rpc_later *later)
{
    struct rpc_server *server = later->server;
    const struct rpc_server_config *config = &server->config;
    if (str_is(later->head.method, "hello")) {
        say_hello(later);
        return;
    }
    if (str_is(later->head.method, "ping")) {
        say_pong(later);
        return;
    }
    if (server->draining) {
        refuse(later, ERR_SHUTTING_DOWN, "this process is leaving");
        return;
    }
    const struct rpc_method *method = rpc_find_method(config->methods, config->n_methods, later->head.method);
    if (method == NULL) {
        refuse(later, ERR_NO_METHOD, "there is no such method");
        return;
    }
    later->method = method;
    if (!rpc_may_call(method, later->call.peer_name)) {
        refuse(later, ERR_FORBIDDEN, "your certificate may not call this");
        return;
    }
    run(later);
}

/* --- reading --- */

static void set_call(struct rpc_later *later)
{
    struct rpc_server *server = later->server;
    int64_t budget_ms = later->head.budget_ms < RPC_BUDGET_MAX ? later->head.budget_ms : RPC_BUDGET_MAX;
    later->began_us = clock_mono_us();
    later->call = (struct call){
        .arena = later->arena,
        .who = &later->head.who,
        .trace = later->head.trace,
        .peer_name = str_of(later->peer->name),
        .peer = later->peer,
        .server = server,
        .now = clock_ms(),
        .deadline_us = later->began_us + budget_ms * 1000,
        .context = server->config.context,
        .why = &later->why,
    };
}

static void malformed(struct rpc_later *later, const char *name)
{
    metric_add(later->server->malformed, 1);
    LOG(WARN, "rpc.malformed", F_TEXT("peer", name));
    rpc_later_give(later);
}

/* A connection begins with `hello`.  Whoever speaks without is a peer that we gave up, and that doesn't know it. */
static void take_request(struct rpc_later *later, const void *id)
{
    struct rpc_server *server = later->server;
    struct frame_head head;
    /* Not of the routing id: asking the socket for its events makes libzmq 4.3.4 lose that frame's metadata. */
    const char *name = zmq_msg_gets(&later->head_bytes, "name");
    struct str bytes = { zmq_msg_data(&later->head_bytes), zmq_msg_size(&later->head_bytes) };
    if (name == NULL || frame_read(bytes, later->arena, &head) != OK || head.kind != FRAME_REQUEST) {
        malformed(later, name);
        return;
    }
    later->head = head.request;
    later->peer = rpc_peer_find(server, id);
    if (later->peer == NULL && str_is(later->head.method, "hello")) later->peer = rpc_peer_add(server, id, name);
    if (later->peer == NULL) {
        rpc_send_goodbye(server, id);
        rpc_later_give(later);
        return;
    }
    later->peer->quiet = 0;
    later->peer->in_hand++;
    set_call(later);
    dispatch(later);
}

static bool receive_part(struct rpc_server *server, zmq_msg_t *msg)
{
    return zmq_msg_recv(msg, server->socket.raw, ZMQ_DONTWAIT) >= 0;
}

static void skip_parts(struct rpc_server *server, zmq_msg_t *msg)
{
    while (zmq_msg_more(msg) && receive_part(server, msg)) continue;
}

/* false: nothing is left to read. */
static bool receive(struct rpc_server *server)
{
    zmq_msg_t id;
    zmq_msg_init(&id);
    if (!receive_part(server, &id)) {
        zmq_msg_close(&id);
        return false;
    }
    struct rpc_later *later = rpc_later_take(server);
    bool whole = zmq_msg_size(&id) == RPC_ID_BYTES && zmq_msg_more(&id) && receive_part(server, &later->head_bytes) &&
                 zmq_msg_more(&later->head_bytes) && receive_part(server, &later->body_bytes) &&
                 !zmq_msg_more(&later->body_bytes);
    if (whole) {
        take_request(later, zmq_msg_data(&id));
    } else {
        skip_parts(server, zmq_msg_size(&later->body_bytes) ? &later->body_bytes : &id);
        malformed(later, NULL);
    }
    zmq_msg_close(&id);
    return true;
}

static void readable(void *arg)
{
    for (int i = 0; i < MESSAGES_A_TURN; i++)
        if (!receive(arg)) return;
}

/* --- timers, drain --- */

static void on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct rpc_server *server = timer->data;
    rpc_peers_tick(server);
    metric_set(server->waiting_now, server->pool != NULL ? (int64_t)rpc_pool_waiting(server->pool) : 0);
}

static void on_flush(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    rpc_send_flush(timer->data);
}

static void tell_drained(void *arg)
{
    struct rpc_server *server = arg;
    void (*drained)(void *) = server->drained;
    server->drained = NULL;
    if (drained != NULL) drained(server->drained_arg);
}

void rpc_server_check_drained(struct rpc_server *server)
{
    if (server->draining && server->drained != NULL && server->n_in_hand == 0 && server->n_works == 0 &&
        !ev_is_active(&server->flush))
        loop_post_run(server->post, tell_drained, server);
}

void rpc_server_drain(struct rpc_server *server, void (*done)(void *), void *arg)
{
    server->draining = true;
    server->drained = done;
    server->drained_arg = arg;
    LOG(INFO, "rpc.drain", F_INT("in_hand", server->n_in_hand), F_INT("works", server->n_works));
    rpc_server_check_drained(server);
}

void rpc_server_print_calls(struct rpc_server *server)
{
    LOG(INFO, "rpc.calls", F_INT("in_hand", server->n_in_hand), F_INT("later", server->n_later),
        F_INT("works", server->n_works), F_INT("peers", HASH_COUNT(server->peers)));
    if (server->pool != NULL) rpc_pool_print(server->pool);
}

/* --- making and unmaking --- */

static void bind_all(struct rpc_server *server)
{
    const char *at = server->config.endpoints;
    while (*at != '\0') {
        char endpoint[256];
        int len = (int)strcspn(at, ",");
        snprintf(endpoint, sizeof(endpoint), "%.*s", len, at);
        if (zmq_bind(server->socket.raw, endpoint) != 0) {
            LOG(ERROR, "rpc.bind_failed", F_TEXT("endpoint", endpoint), F_TEXT("why", zmq_strerror(errno)));
            exit(1);
        }
        LOG(INFO, "rpc.bound", F_TEXT("endpoint", endpoint));
        at += len;
        at += *at == ',';
    }
}

static struct metric *labelled(struct metric *(*make)(const char *, const char *, const char *), const char *name,
    const char *label, const char *value, const char *help)
{
    char labels[128];
    snprintf(labels, sizeof(labels), "%s=\"%s\"", label, value);
    return make(name, labels, help);
}

static void make_metrics(struct rpc_server *server)
{
    const struct rpc_server_config *config = &server->config;
    server->stats = mem_zero((config->n_methods + 1) * sizeof(*server->stats));
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
    server->malformed = metric_counter("madang_rpc_malformed_total", NULL, "Messages from peers that made no sense");
    server->events = metric_counter("madang_rpc_events_total", NULL, "Events sent to peers");
    server->events_lost = metric_counter("madang_rpc_events_lost_total", NULL, "Events not sent: a full pipe");
    server->peers_now = metric_gauge("madang_rpc_peers", NULL, "Connected peers");
    server->waiting_now = metric_gauge("madang_rpc_waiting", NULL, "Requests waiting for a worker");
}

struct rpc_server *rpc_server_create(struct ev_loop *loop, const struct rpc_server_config *config)
{
    struct rpc_server *server = mem_zero(sizeof(*server));
    server->config = *config;
    server->loop = loop;
    server->head = BUF(4096);
    pthread_mutex_init(&server->commit_lock, NULL);
    make_metrics(server);
    server->post = loop_post_create(loop);
    server->socket = rpc_socket_server(config->key_dir, config->service, config->event_hwm);
    bind_all(server);
    if (config->workers > 0) server->pool = rpc_pool_create(config);
    server->watch = loop_sock_create(loop, server->socket.raw, readable, server);

    ev_timer_init(&server->tick, on_tick, 1., 1.);
    ev_timer_init(&server->flush, on_flush, FLUSH_EVERY_S, FLUSH_EVERY_S);
    server->tick.data = server->flush.data = server;
    ev_timer_start(loop, &server->tick);
    return server;
}

/* What was begun and not answered has an unknown end: to its sender that is a lost connection, not a refusal. */
static void abandon_in_hand(struct rpc_server *server)
{
    while (server->in_hand != NULL) {
        struct rpc_later *later = server->in_hand;
        later->peer->in_hand--;
        rpc_later_give(later);
    }
}

void rpc_server_destroy(struct rpc_server **server)
{
    struct rpc_server *s = *server;
    if (s == NULL) return;
    s->drained = NULL;
    rpc_pool_destroy(&s->pool);
    ev_timer_stop(s->loop, &s->tick);
    loop_post_destroy(&s->post); /* runs what the workers have posted */
    abandon_in_hand(s);
    ev_timer_stop(s->loop, &s->flush);
    rpc_peers_free(s);
    rpc_works_free(s);
    loop_sock_destroy(&s->watch);
    rpc_socket_close(&s->socket);
    pthread_mutex_destroy(&s->commit_lock);
    buf_free(&s->head);
    mem_free(s->stats);
    mem_free(s);
    *server = NULL;
}

/* rpc_dispatch.c - a request in hand: whether it is heard, on which thread its method runs, and its answer. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "libshared/base/clock.h"
#include "libshared/base/container_of.h"
#include "libshared/base/network.h"
#include "libshared/base/turn.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_server_private.h"

static void refuse_request(struct rpc_later *later, enum err e, const char *text)
{
    snprintf(later->why.text, sizeof later->why.text, "%s", text);
    rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
}

static void run_on_loop(struct rpc_later *later)
{
    struct call *call = &later->call;
    struct turn_span span = turn_enter();
    enum err e = rpc_call_run(later->method, call, later->body, &later->reply);
    turn_leave(span, str_of(later->method->name));
    rpc_later_answer(later, rpc_call_settle(call, e, &later->reply));
}

static void begin_later(struct rpc_later *later)
{
    struct rpc_server *server = later->server;
    if (server->n_later >= server->config.later_max) {
        refuse_request(later, ERR_OVERLOADED, "too many requests are unanswered");
        return;
    }
    void *req;
    enum err e = rpc_call_decode(later->method, &later->call, later->body, &req);
    if (e != OK) {
        rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
        return;
    }
    server->n_later++;
    struct str name = str_of(later->method->name);
    struct turn_span span = turn_enter();
    later->method->begin(&later->call, req, later); /* which may answer, and be done with it */
    turn_leave(span, name);
}

static void worker_is_done(void *arg)
{
    struct rpc_later *later = arg;
    struct rpc_server *server = later->server;
    struct turn_span span = turn_enter();
    struct str name = str_of(later->method->name);
    later->call.peer = later->peer;
    if (later->status == OK)
        for (struct call_after *after = later->call.after; after != NULL; after = after->next)
            after->run(server, server->config.context, after->arg);
    rpc_later_answer(later, later->status);
    turn_leave(span, name);
}

static void log_and_post(struct rpc_later *later)
{
    int64_t us = clock_mono_us() - later->began_us;
    rpc_call_log(&later->call, later->method->where, later->head.method, us, later->status);
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

static void run_on_thread(struct rpc_task *task, struct pg *pg)
{
    struct rpc_later *later = CONTAINER_OF(task, struct rpc_later, task);
    struct call *call = &later->call;

    call->peer = NULL;
    call->fetcher = NULL;
    call->pg = pg;
    if (pg != NULL) pg_set_deadline(pg, call->deadline_us);
    enum err e = rpc_call_run(later->method, call, later->body, &later->reply);
    if (e == OK && call->after != NULL) {
        settle_in_order(later, e);
        return;
    }
    later->status = rpc_call_settle(call, e, &later->reply);
    log_and_post(later);
}

static void drop_unrun(struct rpc_task *task, enum err why)
{
    refuse_request(CONTAINER_OF(task, struct rpc_later, task), why,
        why == ERR_OVERLOADED ? "too many of your requests wait for a worker" : "this process is leaving");
}

struct str rpc_call_lane(const struct call *call)
{
    const struct principal *who = call->who;
    char block[INET6_ADDRSTRLEN];
    if (who->sub.len > 0 || who->address.len == 0) return who->sub;
    return arena_printf(call->arena, "%c%.*s", 0, STR_ARG(address_block_name(who->address, block)));
}

static void queue_for(struct rpc_pool *pool, struct rpc_later *later)
{
    later->task = (struct rpc_task){
        .run = run_on_thread,
        .drop = drop_unrun,
        .what = later->head.method,
        .trace = later->head.trace,
    };
    if (pool == NULL || !rpc_pool_put(pool, &later->task, rpc_call_lane(&later->call)))
        refuse_request(later, ERR_OVERLOADED, "too many requests wait for a worker");
}

static void run_request(struct rpc_later *later)
{
    switch (later->method->where) {
    case LOOP: run_on_loop(later); return;
    case WORKER: queue_for(later->server->pool, later); return;
    case BLOCKING: queue_for(later->server->blocking, later); return;
    case LATER: begin_later(later); return;
    }
}

/* --- what every server answers --- */

/* One of a former version sends an empty record. */
static bool reads_batches(struct rpc_later *later)
{
    struct greeting greeting;

    return wire_decode(greeting_shape(), later->body, later->arena, &greeting, &later->why) == OK && greeting.batches;
}

static void say_hello(struct rpc_later *later)
{
    struct hello hello = { str_of(later->server->config.service), later->peer->instance, .batches = true,
        .same_who = true };
    later->peer->batches = reads_batches(later);
    enum err e = wire_encode(hello_shape(), &hello, &later->reply);
    rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
}

static void say_pong(struct rpc_later *later)
{
    enum err e = wire_encode(nothing_shape(), &(struct { char none; }){ 0 }, &later->reply);
    rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
}

void rpc_dispatch(struct rpc_later *later)
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
        refuse_request(later, ERR_SHUTTING_DOWN, "this process is leaving");
        return;
    }
    const struct rpc_method *method = rpc_find_method(config->methods, config->n_methods, later->head.method);
    if (method == NULL) {
        refuse_request(later, ERR_NO_METHOD, "there is no such method");
        return;
    }
    later->method = method;
    if (!rpc_may_call(method, later->call.peer_name)) {
        refuse_request(later, ERR_FORBIDDEN, "your certificate may not call this");
        return;
    }
    run_request(later);
}

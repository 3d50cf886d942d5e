/* rpc_later.c - requests in hand, until they are answered: at once or later. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/turn.h"
#include "libshared/rpc/rpc_server_private.h"
#include "libshared/base/metrics.h"

#define REPLY_KEPT (64u << 10) /* a larger reply's memory isn't kept for the next */

struct rpc_later *rpc_later_take(struct rpc_server *server)
{
    struct rpc_later *later = server->spare;
    if (later != NULL) {
        server->spare = later->next;
        server->n_spare--;
    } else {
        later = mem_zero(sizeof *later);
        /* bound: the decoder asks, and the call does at its end */
        later->arena = arena_create("call", RPC_ARENA_MAX);
        later->reply = BUF(RPC_BODY_MAX);
    }
    later->server = server;
    zmq_msg_init(&later->head_bytes);
    zmq_msg_init(&later->body_bytes);
    DL_APPEND(server->in_hand, later);
    server->n_in_hand++;
    return later;
}

static void later_free(struct rpc_later *later)
{
    arena_destroy(&later->arena);
    buf_free(&later->reply);
    mem_free(later);
}

static void empty_request(struct rpc_later *later)
{
    struct rpc_later clean = { .arena = later->arena, .reply = later->reply };
    zmq_msg_close(&later->head_bytes);
    zmq_msg_close(&later->body_bytes);
    if (clean.reply.cap > REPLY_KEPT) {
        buf_free(&clean.reply);
        clean.reply = BUF(RPC_BODY_MAX);
    }
    buf_clear(&clean.reply);
    arena_reset(clean.arena);
    *later = clean;
}

void rpc_later_give(struct rpc_later *later)
{
    struct rpc_server *server = later->server;
    DL_DELETE(server->in_hand, later);
    assert(server->n_in_hand > 0);
    server->n_in_hand--;
    empty_request(later);
    if (server->n_spare >= RPC_SPARE_MAX) {
        later_free(later);
    } else {
        later->next = server->spare;
        server->spare = later;
        server->n_spare++;
    }
    rpc_drain_check(server);
}

static void count_request(struct rpc_server *server, const struct rpc_later *later, int64_t us)
{
    struct rpc_method_stats *stats = &server->stats[later->method - server->config.methods];
    metric_add(stats->calls, 1);
    metric_observe_us(stats->time, us);
    if (later->status != OK) {
        metric_add(stats->failed, 1);
        metric_add(server->errors[later->status], 1);
    }
}

void rpc_later_answer(struct rpc_later *later, enum err status)
{
    struct rpc_server *server = later->server;
    struct rpc_peer *peer = later->peer;
    later->status = status;
    rpc_send_reply(server, peer, later->head.id, status, buf_str(&later->reply));

    if (later->method != NULL) {
        int64_t us = turn_us() - later->began_us;
        count_request(server, later, us);
        if (!rpc_runs_on_thread(later->method->where)) /* the thread has logged its own */
            rpc_call_log(&later->call, later->method->where, later->head.method, us, status);
    }
    rpc_later_give(later);
    rpc_peer_answered(server, peer);
}

struct call *rpc_later_call(struct rpc_later *later)
{
    return &later->call;
}

void rpc_later_done(struct rpc_later *later, enum err e, const void *rep)
{
    if (e == OK && arena_is_over(later->call.arena))
        e = call_fail(&later->call, ERR_TOO_LARGE, "it needs more memory than one request may");
    if (e == OK) e = rpc_call_encode(later->method, &later->call, rep, &later->reply);
    if (later->server == NULL) { /* begun by rpc_server_answer, which settles */
        later->status = e;
        return;
    }
    assert(later->server->n_later > 0);
    later->server->n_later--;
    rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
}

void rpc_laters_free(struct rpc_server *server)
{
    while (server->spare != NULL) {
        struct rpc_later *later = server->spare;
        server->spare = later->next;
        later_free(later);
    }
}

/* rpc_client.c - calls out, answers and events in. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/rpc_client.h"

#include <stdio.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/turn.h"
#include "libshared/rpc/rpc_client_private.h"

#define TICK_S 0.02
#define PING_S 2.

bool rpc_client_is_up(const struct rpc_client *client)
{
    return client->link == LINK_UP;
}

size_t rpc_client_pending(const struct rpc_client *client)
{
    return client->n_waiting;
}

/* --- out --- */

/* false: the pipe has no room. */
static bool send_waiting(struct rpc_client *client, struct waiting *w)
{
    int64_t left_us = w->deadline_us - clock_mono_us();
    w->head.budget_ms = left_us > 1000 ? left_us / 1000 : 1;
    enum put put = rpc_link_put(client, &w->head, &w->body);
    w->sent = put == PUT_SENT;
    if (put == PUT_REFUSED) rpc_wait_end(client, w, ERR_TOO_LARGE);
    return put != PUT_FULL;
}

static void send_held(struct rpc_client *client)
{
    struct waiting *w, *next;
    client->held_up = false;
    if (client->link != LINK_UP || client->leaving) return;
    DL_FOREACH_SAFE(client->first, w, next)
    {
        if (!w->sent && !send_waiting(client, w)) {
            client->held_up = true;
            return;
        }
    }
}

static bool can_send(const struct rpc_client *client)
{
    return client->link == LINK_UP && !client->leaving && !client->held_up;
}

/* What is past its deadline is nobody's any more, and may be in the pipe yet. */
static bool has_too_many(const struct rpc_client *client)
{
    return client->n_waiting + client->n_ended > client->config.pending_max ||
           client->waiting_bytes > RPC_PENDING_BYTES || !rpc_pipe_has_room(client->pipe);
}

void rpc_client_call(struct rpc_client *client, const struct rpc_request *request, rpc_reply_fn *reply, void *arg)
{
    struct waiting *w = rpc_wait_add(client, request, reply, arg);
    if (has_too_many(client)) {
        rpc_wait_end(client, w, ERR_OVERLOADED);
        return;
    }
    if (can_send(client) && send_waiting(client, w)) return;
    if (client->link != LINK_UP && !w->safe)
        rpc_wait_end(client, w, ERR_UNAVAILABLE);
    else if (client->link == LINK_UP && !client->leaving)
        client->held_up = true;
}

/* --- in --- */

/* The server began nothing of this request and is leaving: whatever its kind, it may go to the next instance. */
static void hold_for_the_next(struct rpc_client *client, struct waiting *w)
{
    client->leaving = true;
    w->sent = false;
}

static void take_reply(struct rpc_client *client, const struct frame_reply *reply, struct str body)
{
    if (reply->id == client->hello_id) {
        if (rpc_link_greeted(client, reply->status, body)) send_held(client);
        return;
    }
    struct waiting *w = rpc_wait_find(client, reply->id);
    if (w == NULL || !w->sent) return; /* a ping's, or too late */
    if (reply->status == ERR_SHUTTING_DOWN)
        hold_for_the_next(client, w);
    else
        rpc_wait_answer(client, w, reply->status, body);
}

static void take_event(struct rpc_client *client, const struct frame_event *event, struct str body)
{
    if (str_is(event->name, "goodbye"))
        rpc_link_break(client, "given_up");
    else if (str_is(event->name, "leaving"))
        client->told = true;
    else if (client->link == LINK_UP && client->config.event != NULL)
        client->config.event(client->config.arg, event, body);
}

static void take_message(struct rpc_client *client, struct str head_bytes, struct str body)
{
    struct frame_head head;
    struct turn_span span = turn_enter();
    client->heard_us = clock_mono_us();
    if (frame_read(head_bytes, client->arena, &head) != OK || head.kind == FRAME_REQUEST)
        LOG_BOUNDED(WARN, "rpc.malformed", F_TEXT("peer", client->config.service));
    else if (head.kind == FRAME_REPLY)
        take_reply(client, &head.reply, body);
    else
        take_event(client, &head.event, body);
    turn_leave(span, str_of(client->config.service));
    arena_reset(client->arena);
}

static struct str bytes_of(zmq_msg_t *msg)
{
    return (struct str){ zmq_msg_data(msg), zmq_msg_size(msg) };
}

static bool receive_part(struct rpc_client *client, zmq_msg_t *msg)
{
    return zmq_msg_recv(msg, client->socket.raw, ZMQ_DONTWAIT) >= 0;
}

/* false: nothing is left to read. */
static bool receive_message(void *arg)
{
    struct rpc_client *client = arg;
    zmq_msg_t head, body;
    if (client->broken) return false;
    zmq_msg_init(&head);
    zmq_msg_init(&body);
    bool any = receive_part(client, &head);
    if (any && zmq_msg_more(&head) && receive_part(client, &body) && !zmq_msg_more(&body))
        take_message(client, bytes_of(&head), bytes_of(&body));
    while (any && zmq_msg_more(&body) && receive_part(client, &body)) continue;
    zmq_msg_close(&head);
    zmq_msg_close(&body);
    return any;
}

/* --- timers --- */

static void on_soon(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct rpc_client *client = timer->data;
    if (client->broken) rpc_link_replace(client);
    rpc_wait_tell(client);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct rpc_client *client = timer->data;
    rpc_wait_expire(client);
    if (client->link == LINK_GREETING && client->hello_id == 0) rpc_link_send_hello(client);
    if (client->held_up) send_held(client);
    if (client->n_waiting == 0 && client->link != LINK_GREETING) ev_timer_stop(loop, timer);
}

static void on_ping(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    rpc_link_ping(timer->data);
}

struct rpc_client *rpc_client_create(struct ev_loop *loop, const struct rpc_client_config *config)
{
    struct rpc_client *client = mem_zero(sizeof(*client));
    client->config = *config;
    client->loop = loop;
    /* bound: heads and failures, whose records have no lists */
    client->arena = arena_create("rpc_client", 1u << 20);
    client->head = BUF(16384);
    ev_timer_init(&client->soon, on_soon, 0., 0.);
    ev_timer_init(&client->tick, on_tick, TICK_S, TICK_S);
    ev_timer_init(&client->ping, on_ping, PING_S, PING_S);
    client->soon.data = client->tick.data = client->ping.data = client;
    ev_timer_start(loop, &client->ping);
    client->read_one = receive_message;
    rpc_link_open(client);
    return client;
}

void rpc_client_destroy(struct rpc_client **client)
{
    struct rpc_client *c = *client;
    if (c == NULL) return;
    rpc_wait_free(c);
    ev_timer_stop(c->loop, &c->soon);
    ev_timer_stop(c->loop, &c->tick);
    ev_timer_stop(c->loop, &c->ping);
    rpc_link_close(c);
    buf_free(&c->head);
    arena_destroy(&c->arena);
    mem_free(c);
    *client = NULL;
}

void rpc_failure_read(struct str body, struct arena *arena, struct failure *out)
{
    struct wire_error why = { .field = "" };
    if (wire_decode(failure_shape(), body, arena, out, &why) != OK)
        *out = (struct failure){ .code = str_of(err_code(ERR_INTERNAL)), .message = str_of(err_text(ERR_INTERNAL)) };
}

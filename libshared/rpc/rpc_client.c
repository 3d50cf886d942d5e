/* rpc_client.c - answers and events in. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/rpc_client.h"

#include <stdio.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/metrics.h"
#include "libshared/base/turn.h"
#include "libshared/rpc/rpc_client_private.h"

#define TICK_S 0.02
#define PING_S 2.

/* --- in --- */

/* The server began nothing of this request and is leaving: whatever its kind, it may go to the next instance. */
static void hold_for_the_next(struct rpc_client *client, struct rpc_waiting *w)
{
    client->leaving = true;
    w->sent = false;
}

static void take_reply(struct rpc_client *client, const struct frame_reply *reply, struct str body)
{
    if (reply->id == client->hello_id) {
        if (rpc_link_greeted(client, reply->status, body)) rpc_client_send_again(client);
        return;
    }
    struct rpc_waiting *w = rpc_wait_find(client, reply->id);
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

static void log_malformed(struct rpc_client *client)
{
    LOG_BOUNDED(WARN, "rpc.malformed", F_TEXT("peer", client->config.service));
}

/* Into `head`; false: it is none. */
static bool read_head(struct rpc_client *client, struct str bytes, struct frame_head *head)
{
    client->heard_us = turn_us();
    if (frame_read(bytes, client->arena, head) == OK && head->kind != FRAME_REQUEST) return true;
    log_malformed(client);
    return false;
}

static void take_one(struct rpc_client *client, const struct frame_head *head, struct str body)
{
    struct turn_span span = turn_enter();
    if (head->kind == FRAME_REPLY)
        take_reply(client, &head->reply, body);
    else
        take_event(client, &head->event, body);
    turn_leave(span, str_of(client->config.service));
}

static struct str bytes_of(zmq_msg_t *msg)
{
    return (struct str){ zmq_msg_data(msg), zmq_msg_size(msg) };
}

static void begin_batch(struct rpc_client *client, zmq_msg_t *body)
{
    zmq_msg_move(&client->in, body);
    client->in_left = bytes_of(&client->in);
    client->in_batch = true;
}

/* The next message of a batch; with the last one, or one that is none, the batch ends. */
static void take_next(struct rpc_client *client)
{
    struct frame_head head;
    struct str head_bytes, body;

    bool good = frame_batch_next(&client->in_left, &head_bytes, &body);
    if (!good) log_malformed(client);
    if (good && read_head(client, head_bytes, &head)) {
        if (head.kind == FRAME_BATCH)
            log_malformed(client);
        else
            take_one(client, &head, body);
    }
    arena_reset(client->arena);
    if (!good || client->in_left.len == 0) client->in_batch = false;
}

static bool receive_part(struct rpc_client *client, zmq_msg_t *msg)
{
    return rpc_socket_get(client->socket.raw, msg) >= 0;
}

static void take_message(struct rpc_client *client, zmq_msg_t *head_msg, zmq_msg_t *body)
{
    struct frame_head head;

    if (!read_head(client, bytes_of(head_msg), &head)) return;
    if (head.kind == FRAME_BATCH)
        begin_batch(client, body);
    else
        take_one(client, &head, bytes_of(body));
    arena_reset(client->arena);
}

/* false: nothing is left to read. */
static bool receive_message(void *arg)
{
    struct rpc_client *client = arg;
    zmq_msg_t head, body;
    if (client->broken) return false;
    if (client->in_batch) {
        take_next(client);
        return true;
    }
    zmq_msg_init(&head);
    zmq_msg_init(&body);
    bool any = receive_part(client, &head);
    if (any && zmq_msg_more(&head) && receive_part(client, &body) && !zmq_msg_more(&body))
        take_message(client, &head, &body);
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
    if (client->held_up) rpc_client_send_again(client);
    if (client->n_waiting == 0 && client->link != LINK_GREETING) ev_timer_stop(loop, timer);
}

static void on_ping(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    rpc_link_ping(timer->data);
}

/* Of all its processes together. */
static struct metric *count_unanswered(const char *service)
{
    char labels[80];

    snprintf(labels, sizeof labels, "peer=\"%s\"", service);
    return metric_gauge(
        "madang_rpc_unanswered", labels, "Requests to this service that wait for an answer, or to be sent");
}

struct rpc_client *rpc_client_create(struct ev_loop *loop, const struct rpc_client_config *config)
{
    struct rpc_client *client = mem_zero(sizeof *client);
    client->config = *config;
    client->loop = loop;
    /* bound: heads and failures, whose records have no lists */
    client->arena = arena_create("rpc_client", 1u << 20);
    client->head = BUF(16384);
    client->unanswered = count_unanswered(config->service);
    ev_timer_init(&client->soon, on_soon, 0., 0.);
    ev_timer_init(&client->tick, on_tick, TICK_S, TICK_S);
    ev_timer_init(&client->ping, on_ping, PING_S, PING_S);
    client->soon.data = client->tick.data = client->ping.data = client;
    ev_timer_start(loop, &client->ping);
    client->read_one = receive_message;
    zmq_msg_init(&client->in);
    rpc_client_send_begin(client);
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
    rpc_client_send_end(c);
    rpc_link_close(c);
    zmq_msg_close(&c->in);
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

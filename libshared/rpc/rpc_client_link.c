/*
 * rpc_client_link.c - the connection: greeted, up, broken, made anew.
 *
 *      DOWN --handshake--> GREETING --hello's reply--> UP --disconnected, quiet, goodbye--> DOWN
 *
 * Each connection that got as far as a handshake has a socket of its own: what an old one had still to deliver cannot
 * be mistaken for the new one's.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/rpc/rpc_client_private.h"

#define GREETING_US 5000000
#define SENT_MAX    2        /* times that a SAFE request is sent to one that is then lost */
#define QUIET_US    10000000 /* pings go out every 2 s, and are answered */

static const int MONITORED = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                             ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                             ZMQ_EVENT_DISCONNECTED;

enum put rpc_link_put(struct rpc_client *client, const struct frame_request *head, zmq_msg_t *body)
{
    buf_clear(&client->head);
    frame_put_request(&client->head, head);
    if (client->head.over) return PUT_REFUSED;
    if (!rpc_pipe_has_room(client->pipe)) return PUT_FULL;
    size_t bytes = client->head.len + zmq_msg_size(body);
    zmq_msg_t head_msg, copy;
    rpc_pipe_fill_head(client->pipe, &head_msg, buf_str(&client->head), bytes);
    if (loop_sock_put(client->watch, &head_msg, ZMQ_SNDMORE) < 0) {
        zmq_msg_close(&head_msg);
        return PUT_FULL;
    }
    rpc_pipe_sent(client->pipe, bytes);
    zmq_msg_init(&copy); /* by reference count: the original may have to go again */
    zmq_msg_copy(&copy, body);
    int rc = loop_sock_put(client->watch, &copy, 0);
    if (rc < 0) zmq_msg_close(&copy);
    return rc >= 0 ? PUT_SENT : PUT_FULL;
}

/* As one message.  Whether it was sent or not, `out` is empty afterwards. */
enum put rpc_link_put_batch(struct rpc_client *client)
{
    zmq_msg_t bare, head, body;
    if (!rpc_pipe_has_room(client->pipe)) {
        rpc_batch_clear(&client->out);
        return PUT_FULL;
    }
    rpc_batch_close(&client->out, &bare, &body);
    size_t bytes = zmq_msg_size(&bare) + zmq_msg_size(&body);
    rpc_pipe_fill_head(client->pipe, &head, (struct str){ zmq_msg_data(&bare), zmq_msg_size(&bare) }, bytes);
    bool sent = loop_sock_put(client->watch, &head, ZMQ_SNDMORE) >= 0 && loop_sock_put(client->watch, &body, 0) >= 0;
    if (sent) {
        rpc_pipe_sent(client->pipe, bytes);
    } else {
        zmq_msg_close(&head);
        zmq_msg_close(&body);
    }
    zmq_msg_close(&bare);
    return sent ? PUT_SENT : PUT_FULL;
}

static bool send_small(struct rpc_client *client, uint64_t id, struct str method, int64_t budget_ms, struct str record)
{
    zmq_msg_t body;
    zmq_msg_init_size(&body, record.len);
    memcpy(zmq_msg_data(&body), record.at, record.len);
    const struct frame_request head = { .id = id, .method = method, .budget_ms = budget_ms };
    enum put put = rpc_link_put(client, &head, &body);
    zmq_msg_close(&body);
    return put == PUT_SENT;
}

bool rpc_link_send_hello(struct rpc_client *client)
{
    struct buf greeting = BUF(64);
    enum err e = wire_encode(greeting_shape(), &(struct greeting){ .batches = true }, &greeting);
    assert(e == OK);
    (void)e;
    loop_sock_settle(client->watch);
    bool sent = send_small(client, client->last_id + 1, STR("hello"), GREETING_US / 1000, buf_str(&greeting));
    if (sent) client->hello_id = ++client->last_id;
    buf_free(&greeting);
    return sent;
}

static void on_handshake(struct rpc_client *client)
{
    if (client->link != LINK_DOWN) { /* it was lost and made again before we heard of the loss */
        rpc_link_break(client, "disconnected");
        return;
    }
    client->link = LINK_GREETING;
    client->hello_id = 0;
    client->greeted_us = client->heard_us = clock_mono_us();
    rpc_link_send_hello(client); /* else the tick tries again */
    if (!ev_is_active(&client->tick)) ev_timer_again(client->loop, &client->tick);
}

static const char *reason_of(uint16_t event)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return "key_refused";
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return "protocol_mismatch";
    default: return "hung_up_or_other_key";
    }
}

static void on_refused(struct rpc_client *client, uint16_t event)
{
    if (client->refused) return;
    client->refused = true;
    LOG(WARN, "rpc.handshake_failed", F_TEXT("peer", client->config.service),
        F_TEXT("endpoint", client->config.endpoint), F_TEXT("why", reason_of(event)));
}

static bool read_monitor(void *arg)
{
    struct rpc_client *client = arg;
    uint16_t event = 0;
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    bool any = !client->broken && rpc_socket_get(client->monitor.raw, &msg) >= 0;
    if (any && zmq_msg_size(&msg) >= sizeof event) memcpy(&event, zmq_msg_data(&msg), sizeof event);
    while (any && zmq_msg_more(&msg) && rpc_socket_get(client->monitor.raw, &msg) >= 0) continue;
    zmq_msg_close(&msg);
    if (!any) return false;
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        on_handshake(client);
    else if (event != ZMQ_EVENT_DISCONNECTED)
        on_refused(client, event);
    else if (client->link != LINK_DOWN)
        rpc_link_break(client, "disconnected");
    return true;
}

void rpc_link_open(struct rpc_client *client)
{
    const struct rpc_client_config *config = &client->config;
    int hwm = (int)(config->pending_max < 1000000 ? config->pending_max : 1000000) + 100;
    client->socket = rpc_socket_client(config->key_dir, config->self, config->service, hwm);
    client->pipe = rpc_pipe_create();
    client->monitor = rpc_socket_monitor(client->socket.raw, MONITORED);
    client->watch = loop_sock_create(client->loop, client->socket.raw, client->read_one, client);
    client->monitor_watch = loop_sock_create(client->loop, client->monitor.raw, read_monitor, client);
    rpc_name_connect(client);
}

void rpc_link_close(struct rpc_client *client)
{
    rpc_name_end(client);
    zmq_socket_monitor(client->socket.raw, NULL, 0);
    loop_sock_destroy(&client->watch);
    loop_sock_destroy(&client->monitor_watch);
    rpc_socket_close(&client->monitor);
    rpc_socket_close(&client->socket);
    rpc_pipe_leave(&client->pipe);
}

static void log_loss(const struct rpc_client *client, const char *why)
{
    enum log_level level = client->told ? LOG_INFO : LOG_WARN;
    const struct log_field fields[] = { F_TEXT("peer", client->config.service),
        F_TEXT("endpoint", client->config.endpoint), F_TEXT("why", client->told ? "left" : why),
        F_INT("pending", client->n_waiting), { .kind = LOG_END } };

    if (level >= log_threshold()) log_write(level, "rpc.peer_lost", fields);
}

void rpc_link_break(struct rpc_client *client, const char *why)
{
    if (client->broken) return;
    log_loss(client, why);
    client->link = LINK_DOWN;
    client->broken = true;
    client->leaving = client->held_up = client->in_batch = false;
    if (!ev_is_active(&client->soon)) ev_timer_start(client->loop, &client->soon);
}

/* Two lost connections may be an accident each.  But a request that its servers die of would walk through them all. */
static bool may_go_again(struct rpc_waiting *w)
{
    return w->safe && ++w->lost < SENT_MAX;
}

/* SAFE ones wait for the next connection; what became of the others nobody knows. */
static void fail_what_was_sent(struct rpc_client *client)
{
    struct rpc_waiting *w, *next;
    DL_FOREACH_SAFE(client->first, w, next) {
        if (w->sent && !may_go_again(w)) rpc_wait_end(client, w, ERR_UNAVAILABLE);
        w->sent = false;
    }
}

void rpc_link_replace(struct rpc_client *client)
{
    rpc_link_close(client);
    fail_what_was_sent(client);
    client->broken = false;
    rpc_link_open(client);
    bool told = client->told;
    client->told = false;
    if (client->told_up) {
        client->told_up = false;
        if (client->config.down != NULL) client->config.down(client->config.arg, told);
    }
}

bool rpc_link_greeted(struct rpc_client *client, enum err status, struct str body)
{
    struct hello hello;
    struct wire_error why = { .field = "" };
    if (client->link != LINK_GREETING) return false;
    if (status != OK || wire_decode(hello_shape(), body, client->arena, &hello, &why) != OK ||
        !str_is(hello.service, client->config.service)) {
        rpc_link_break(client, "other_service");
        return false;
    }
    client->link = LINK_UP;
    client->told_up = true;
    client->refused = false;
    LOG(INFO, "rpc.peer_up", F_TEXT("peer", client->config.service), F_TEXT("endpoint", client->config.endpoint),
        F_ID("instance", hello.instance), F_INT("pending", client->n_waiting));
    client->batches = hello.batches;
    client->same_who = hello.same_who;
    client->calling_up = true;
    client->ahead = client->first;
    if (client->config.up != NULL) client->config.up(client->config.arg, hello.instance);
    client->calling_up = false;
    client->ahead = NULL;
    client->unsent = client->first;
    return true;
}

/* Pings go out at twice the rate that the server expects.  Their answers prove that its event loop runs. */
void rpc_link_ping(struct rpc_client *client)
{
    int64_t now_us = clock_mono_us();
    if (client->link == LINK_GREETING && now_us - client->greeted_us > GREETING_US) rpc_link_break(client, "no_hello");
    if (client->link != LINK_UP) return;
    if (now_us - client->heard_us > QUIET_US)
        rpc_link_break(client, "silent");
    else
        send_small(client, ++client->last_id, STR("ping"), 2000, STR("\x80"));
}

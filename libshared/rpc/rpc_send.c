/*
 * rpc_send.c - replies and events out, on the loop thread.
 *
 * What a turn of the loop has for a peer leaves at its end, as one message if it is small, in its order.
 * A pipe that is full, of messages or of bytes, loses events, and says so with a `resync` when there is room; replies
 * wait, in order.  While a peer has either, nothing overtakes: its events count as lost, its replies join those that
 * wait.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "libshared/rpc/rpc_server_private.h"
#include "libshared/base/metrics.h"

enum send_result { SENT, FULL, LOST };

struct rpc_event {
    zmq_msg_t head, body;
};

static const char EMPTY_MAP[] = "\x80";

static void fill_message(zmq_msg_t *msg, struct str bytes)
{
    int rc = zmq_msg_init_size(msg, bytes.len);
    assert(rc == 0 && "out of memory");
    (void)rc;
    if (bytes.len > 0) memcpy(zmq_msg_data(msg), bytes.at, bytes.len);
}

static size_t bytes_of(const zmq_msg_t *head, const zmq_msg_t *body)
{
    return zmq_msg_size(head) + zmq_msg_size(body);
}

/* Only the first part can be refused: once it is in, the ROUTER takes the whole message.  head and body are consumed
 * if it says SENT.  pipe NULL: to one that is no peer. */
static enum send_result send_parts(
    struct rpc_server *server, const void *id, struct rpc_pipe *pipe, zmq_msg_t *head, zmq_msg_t *body)
{
    if (pipe != NULL && !rpc_pipe_has_room(pipe)) return FULL;
    if (loop_sock_put_bytes(server->watch, id, RPC_ID_BYTES, ZMQ_SNDMORE) < 0) return errno == EAGAIN ? FULL : LOST;
    if (pipe != NULL) rpc_pipe_mark_head(pipe, head, bytes_of(head, body));
    int rc = loop_sock_put(server->watch, head, ZMQ_SNDMORE);
    assert(rc >= 0);
    rc = loop_sock_put(server->watch, body, 0);
    assert(rc >= 0);
    (void)rc;
    return SENT;
}

static void wait_for_room(struct rpc_server *server)
{
    if (!ev_is_active(&server->flush)) ev_timer_again(server->loop, &server->flush);
}

static bool is_held_up(const struct rpc_peer *peer)
{
    return peer->missed || peer->n_waiting > 0;
}

static void keep_reply(struct rpc_server *server, struct rpc_peer *peer, zmq_msg_t *head, zmq_msg_t *body)
{
    struct rpc_outgoing *out = mem_zero(sizeof *out);
    zmq_msg_init(&out->head);
    zmq_msg_init(&out->body);
    zmq_msg_move(&out->head, head);
    zmq_msg_move(&out->body, body);
    rpc_pipe_keep(peer->pipe, bytes_of(&out->head, &out->body));
    *peer->last_waiting = out;
    peer->last_waiting = &out->next;
    peer->n_waiting++;
    wait_for_room(server);
}

/* The peer bounds its own unanswered requests, so that this bound is met by one that doesn't read at all. */
static void send_or_keep(struct rpc_server *server, struct rpc_peer *peer, zmq_msg_t *head, zmq_msg_t *body)
{
    if (peer->n_waiting >= (size_t)server->config.event_hwm || rpc_pipe_keeps_too_much(peer->pipe)) {
        LOG(WARN, "rpc.peer_stuck", F_TEXT("peer", peer->name), F_INT("replies", peer->n_waiting));
        rpc_peer_lose(server, peer, "replies_unread");
        return;
    }
    enum send_result sent = is_held_up(peer) ? FULL : send_parts(server, peer->id, peer->pipe, head, body);
    if (sent == FULL) keep_reply(server, peer, head, body);
    if (sent == LOST) rpc_peer_lose(server, peer, "unreachable");
}

/* --- what a turn has for a peer --- */

void rpc_send_forget(struct rpc_server *server, struct rpc_peer *peer)
{
    if (peer->out.n == 0) return;
    DL_DELETE2(server->filled, peer, prev_filled, next_filled);
    rpc_batch_clear(&peer->out);
}

static void send_filled(struct rpc_server *server, struct rpc_peer *peer)
{
    zmq_msg_t head, body;

    if (peer->out.n == 0) return;
    DL_DELETE2(server->filled, peer, prev_filled, next_filled);
    rpc_batch_close(&peer->out, &head, &body);
    send_or_keep(server, peer, &head, &body);
    zmq_msg_close(&head);
    zmq_msg_close(&body);
}

void rpc_send_filled(struct rpc_server *server)
{
    while (server->filled != NULL) send_filled(server, server->filled);
}

/* false: it has to go alone, behind what is there. */
static bool joins_others(struct rpc_server *server, struct rpc_peer *peer, struct str head, struct str body)
{
    if (!peer->batches || body.len > RPC_BATCH_EACH || is_held_up(peer)) {
        send_filled(server, peer);
        return false;
    }
    if (server->filled == NULL) before_sleep_wake(&server->resume_end_turn);
    if (peer->out.n == 0) DL_APPEND2(server->filled, peer, prev_filled, next_filled);
    rpc_batch_add(&peer->out, head, body);
    if (rpc_batch_is_full(&peer->out)) send_filled(server, peer);
    return true;
}

void rpc_send_reply(struct rpc_server *server, struct rpc_peer *peer, uint64_t id, enum err status, struct str body)
{
    if (peer->gone) return;
    zmq_msg_t head_msg, body_msg;
    buf_clear(&server->head);
    frame_put_reply(&server->head, &(struct frame_reply){ id, status });
    if (joins_others(server, peer, buf_str(&server->head), body) || peer->gone) return;
    fill_message(&head_msg, buf_str(&server->head));
    fill_message(&body_msg, body);
    send_or_keep(server, peer, &head_msg, &body_msg);
    zmq_msg_close(&head_msg);
    zmq_msg_close(&body_msg);
}

static enum send_result send_notice(struct rpc_server *server, const void *id, struct rpc_pipe *pipe, struct str name)
{
    zmq_msg_t head_msg, body_msg;
    buf_clear(&server->head);
    frame_put_event(&server->head, &(struct frame_event){ .name = name });
    fill_message(&head_msg, buf_str(&server->head));
    fill_message(&body_msg, (struct str){ EMPTY_MAP, 1 });
    enum send_result sent = send_parts(server, id, pipe, &head_msg, &body_msg);
    zmq_msg_close(&head_msg);
    zmq_msg_close(&body_msg);
    return sent;
}

void rpc_send_goodbye(struct rpc_server *server, const void *id)
{
    send_notice(server, id, NULL, STR("goodbye"));
}

void rpc_send_leaving(struct rpc_server *server, const void *id)
{
    send_notice(server, id, NULL, STR("leaving"));
}

static enum send_result flush_replies(struct rpc_server *server, struct rpc_peer *peer)
{
    while (peer->waiting != NULL) {
        struct rpc_outgoing *out = peer->waiting;
        size_t bytes = bytes_of(&out->head, &out->body);
        enum send_result sent = send_parts(server, peer->id, peer->pipe, &out->head, &out->body);
        if (sent != SENT) return sent;
        rpc_pipe_unkeep(peer->pipe, bytes);
        peer->waiting = out->next;
        assert(peer->n_waiting > 0);
        peer->n_waiting--;
        zmq_msg_close(&out->head);
        zmq_msg_close(&out->body);
        mem_free(out);
    }
    peer->last_waiting = &peer->waiting;
    return SENT;
}

static enum send_result flush_peer(struct rpc_server *server, struct rpc_peer *peer)
{
    enum send_result sent = flush_replies(server, peer);
    if (sent == SENT && peer->missed) {
        sent = send_notice(server, peer->id, peer->pipe, STR("resync"));
        peer->missed = sent == FULL;
    }
    return sent;
}

void rpc_send_flush(struct rpc_server *server)
{
    struct rpc_peer *peer, *next;
    bool full = false;
    HASH_ITER(hh, server->peers, peer, next) {
        if (!is_held_up(peer)) continue;
        enum send_result sent = flush_peer(server, peer);
        full = full || sent == FULL;
        if (sent == LOST) rpc_peer_lose(server, peer, "unreachable");
    }
    if (!full) ev_timer_stop(server->loop, &server->flush);
    rpc_drain_check(server);
}

struct rpc_event *rpc_event_create(
    struct id stream, int64_t seq, const char *name, const struct wire_shape *shape, const void *rec)
{
    struct rpc_event *event = mem_zero(sizeof *event);
    struct buf head = BUF(1024), body = BUF(RPC_BODY_MAX);
    frame_put_event(&head, &(struct frame_event){ stream, seq, str_of(name) });
    enum err e = wire_encode(shape, rec, &body);
    assert(e == OK && "an event of ours has its record's shape");
    (void)e;
    fill_message(&event->head, buf_str(&head));
    fill_message(&event->body, buf_str(&body));
    buf_free(&head);
    buf_free(&body);
    return event;
}

void rpc_event_destroy(struct rpc_event **event)
{
    if (*event == NULL) return;
    zmq_msg_close(&(*event)->head);
    zmq_msg_close(&(*event)->body);
    mem_free(*event);
    *event = NULL;
}

static enum send_result send_copy(struct rpc_server *server, struct rpc_peer *peer, const struct rpc_event *event)
{
    zmq_msg_t head, body;
    zmq_msg_init(&head);
    zmq_msg_init(&body);
    zmq_msg_copy(&head, (zmq_msg_t *)&event->head); /* by reference count; ZeroMQ knows no const */
    zmq_msg_copy(&body, (zmq_msg_t *)&event->body);
    enum send_result sent = send_parts(server, peer->id, peer->pipe, &head, &body);
    zmq_msg_close(&head);
    zmq_msg_close(&body);
    return sent;
}

static struct str view_of(const zmq_msg_t *msg)
{
    return (struct str){ zmq_msg_data((zmq_msg_t *)msg), zmq_msg_size(msg) };
}

static enum send_result send_event(struct rpc_server *server, struct rpc_peer *peer, const struct rpc_event *event)
{
    if (joins_others(server, peer, view_of(&event->head), view_of(&event->body))) return SENT;
    if (peer->gone) return LOST;
    return is_held_up(peer) ? FULL : send_copy(server, peer, event);
}

bool rpc_event_send(struct rpc_server *server, struct rpc_peer *peer, const struct rpc_event *event)
{
    if (peer->gone) return false;
    enum send_result sent = send_event(server, peer, event);
    if (sent == LOST) rpc_peer_lose(server, peer, "unreachable");
    if (sent == FULL) {
        if (!peer->missed) LOG(WARN, "rpc.event_lost", F_TEXT("peer", peer->name));
        peer->missed = true;
        wait_for_room(server);
    }
    metric_add(sent == SENT ? server->events : server->events_lost, 1);
    return sent == SENT;
}

void rpc_event_send_all(struct rpc_server *server, const char *name, const struct rpc_event *event)
{
    struct rpc_peer *peer, *next;

    HASH_ITER(hh, server->peers, peer, next)
        if (strcmp(peer->name, name) == 0) (void)rpc_event_send(server, peer, event);
}

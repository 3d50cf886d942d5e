/*
 * rpc_client_send.c - calls out.
 *
 *      call, call, call --> [ first .. | unsent .. ] --at the end of the loop's turn--> one message
 *
 * What is called stands in the list of those that wait, and is written into a message when the turn ends: so its budget is what is
 * left then, and what the pipe does not take is still there.  Nothing waits for a time: a call that is alone leaves in its own turn.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/turn.h"
#include "libshared/rpc/rpc_client_private.h"
#include "libshared/wire/record.h"

bool rpc_client_is_up(const struct rpc_client *client)
{
    return client->link == LINK_UP;
}

size_t rpc_client_pending(const struct rpc_client *client)
{
    return client->n_waiting;
}

static void set_budget(struct rpc_waiting *w)
{
    int64_t left_us = w->deadline_us - turn_us();
    w->head.budget_ms = left_us > 1000 ? left_us / 1000 : 1;
}

/* What was refused ends; the rest, up to `end`, has left if the pipe took it. */
static bool settle_put(struct rpc_client *client, enum put put, struct rpc_waiting *end)
{
    if (put == PUT_FULL) return false;
    for (; client->unsent != end; client->unsent = client->unsent->next) client->unsent->sent = true;
    return true;
}

static bool send_alone(struct rpc_client *client)
{
    struct rpc_waiting *w = client->unsent;
    set_budget(w);
    w->head.same_who = 0; /* it may have been in a batch that the pipe did not take */
    enum put put = rpc_link_put(client, &w->head, &w->body);
    if (put == PUT_REFUSED) {
        rpc_wait_end(client, w, ERR_TOO_LARGE);
        return true;
    }
    return settle_put(client, put, w->next);
}

static bool goes_with_others(const struct rpc_client *client, const struct rpc_waiting *w)
{
    return client->batches && zmq_msg_size(&w->body) <= RPC_BATCH_EACH;
}

/* The senders whose requests a batch has already, by their sessions: the last one of each place. */
#define SENDERS 64
struct senders {
    const struct frame_request *at[SENDERS];
    size_t number[SENDERS];
};

static size_t place_of(struct str session)
{
    return session.len > 0 ? table_hash(session.at, session.len) % SENDERS : 0;
}

/* Of most requests the principal is that of another one in the same batch; it is sent once, and then by that one's number. */
static uint64_t find_same(const struct rpc_client *client, const struct senders *senders, const struct principal *who)
{
    size_t place = place_of(who->session);
    const struct frame_request *other = client->same_who ? senders->at[place] : NULL;

    return other != NULL && record_is_same(principal_shape(), &other->who, who) ? senders->number[place] : 0;
}

static void note_sender(struct senders *senders, const struct frame_request *head, size_t number)
{
    if (head->same_who > 0) return;
    senders->at[place_of(head->who.session)] = head;
    senders->number[place_of(head->who.session)] = number;
}

static void add_to_batch(struct rpc_client *client, struct rpc_waiting *w, struct senders *senders)
{
    set_budget(w);
    w->head.same_who = find_same(client, senders, &w->head.who);
    buf_clear(&client->head);
    frame_put_request(&client->head, &w->head);
    if (client->head.over) {
        rpc_wait_end(client, w, ERR_TOO_LARGE);
        return;
    }
    rpc_batch_add(&client->out, buf_str(&client->head), (struct str){ zmq_msg_data(&w->body), zmq_msg_size(&w->body) });
    note_sender(senders, &w->head, client->out.n);
}

static bool send_batch(struct rpc_client *client)
{
    struct rpc_waiting *w = client->unsent;
    struct senders senders = { .at = { NULL } };
    while (w != NULL && goes_with_others(client, w) && !rpc_batch_is_full(&client->out)) {
        struct rpc_waiting *next = w->next;
        add_to_batch(client, w, &senders);
        w = next;
    }
    return client->out.n == 0 || settle_put(client, rpc_link_put_batch(client), w);
}

static bool can_send(const struct rpc_client *client)
{
    return client->link == LINK_UP && !client->leaving && !client->held_up && !client->calling_up;
}

void rpc_client_flush(struct rpc_client *client)
{
    client->n_fresh = client->fresh_bytes = 0;
    if (!can_send(client)) return;
    while (client->unsent != NULL && !client->held_up)
        client->held_up = goes_with_others(client, client->unsent) ? !send_batch(client) : !send_alone(client);
}

void rpc_client_send_again(struct rpc_client *client)
{
    client->held_up = false;
    rpc_client_flush(client);
}

/* What is past its deadline is nobody's any more, and may be in the pipe yet. */
static bool has_too_many(const struct rpc_client *client)
{
    return client->n_waiting + client->n_ended > client->config.pending_max ||
           client->waiting_bytes > RPC_PENDING_BYTES || !rpc_pipe_has_room(client->pipe);
}

void rpc_client_call(struct rpc_client *client, const struct rpc_request *request, rpc_reply_fn *reply, void *arg)
{
    struct rpc_waiting *w = rpc_wait_add(client, request, reply, arg);
    if (has_too_many(client)) {
        rpc_wait_end(client, w, ERR_OVERLOADED);
        return;
    }
    if (client->link != LINK_UP && !w->safe) {
        rpc_wait_end(client, w, ERR_UNAVAILABLE);
        return;
    }
    if (client->n_fresh == 0) before_sleep_wake(&client->resume_end_turn);
    client->fresh_bytes += w->bytes;
    if (++client->n_fresh >= RPC_BATCH_MESSAGES || client->fresh_bytes >= RPC_BATCH_BYTES) rpc_client_flush(client);
}

static bool end_turn(void *arg)
{
    struct rpc_client *client = arg;
    if (client->n_fresh > 0) rpc_client_flush(client);
    return false;
}

void rpc_client_send_begin(struct rpc_client *client)
{
    before_sleep_begin_last(&client->resume_end_turn, client->loop, "rpc_client_flush", end_turn, client);
}

void rpc_client_send_end(struct rpc_client *client)
{
    before_sleep_end(&client->resume_end_turn);
    rpc_batch_free(&client->out);
}

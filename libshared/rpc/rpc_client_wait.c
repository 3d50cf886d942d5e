/* rpc_client_wait.c - requests without an answer: in order, by id, by deadline. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/metrics.h"
#include "libshared/base/turn.h"
#include "libshared/base/invariant.h"
#include "libshared/rpc/rpc_client_private.h"

#define CHECKED_MOST 64

static size_t slot_of(int64_t deadline_us)
{
    return (size_t)(deadline_us / WHEEL_SLOT_US + 1) % WHEEL_SLOTS;
}

static size_t head_bytes(const struct rpc_request *request)
{
    size_t n = strlen(request->method) + request->trace.len;
    const struct principal *who = request->who;
    if (who == NULL) return n;
    for (size_t i = 0; i < who->quotas.len; i++) n += sizeof *who->quotas.at + who->quotas.at[i].quota.len;
    return n + who->sub.len + who->kind.len + who->session.len + who->key.len + who->policy.len + who->address.len +
           who->agent.len;
}

static struct str put_text(char **at, struct str text)
{
    if (text.at == NULL) return text;
    memcpy(*at, text.at, text.len);
    struct str copy = { *at, text.len };
    *at += text.len;
    return copy;
}

/* Aligned as what it begins with. */
static void copy_quotas(struct quota_limit_list *to, struct quota_limit_list from, char **at)
{
    if (from.len == 0) return;
    *to = (struct quota_limit_list){ (struct quota_limit *)(void *)*at, from.len };
    *at += from.len * sizeof *from.at;
    for (size_t i = 0; i < from.len; i++)
        to->at[i] = (struct quota_limit){ put_text(at, from.at[i].quota), from.at[i].limit };
}

static void copy_head(struct frame_request *head, const struct rpc_request *request, char *at)
{
    if (request->who != NULL) copy_quotas(&head->who.quotas, request->who->quotas, &at);
    head->method = put_text(&at, str_of(request->method));
    head->trace = put_text(&at, request->trace);
    const struct principal *who = request->who;
    if (who == NULL) return;
    head->who.sub = put_text(&at, who->sub);
    head->who.kind = put_text(&at, who->kind);
    head->who.session = put_text(&at, who->session);
    head->who.key = put_text(&at, who->key);
    head->who.policy = put_text(&at, who->policy);
    head->who.address = put_text(&at, who->address);
    head->who.agent = put_text(&at, who->agent);
    head->who.request = who->request;
    head->who.narrowed = who->narrowed;
}

static void copy_body(zmq_msg_t *body, struct str from)
{
    int rc = zmq_msg_init_size(body, from.len);
    assert(rc == 0 && "out of memory");
    (void)rc;
    if (from.len > 0) memcpy(zmq_msg_data(body), from.at, from.len);
}

/* What `up` calls goes out before what waited for the connection. */
static void join_queue(struct rpc_client *client, struct rpc_waiting *w)
{
    if (client->ahead != NULL)
        DL_PREPEND_ELEM(client->first, client->ahead, w);
    else
        DL_APPEND(client->first, w);
    if (client->unsent == NULL) client->unsent = w;
}

static bool is_in_slot(const struct rpc_client *client, const struct rpc_waiting *w)
{
    const struct rpc_waiting *each;

    DL_FOREACH2(client->wheel[slot_of(w->deadline_us)], each, later)
        if (each == w) return true;
    return false;
}

/* Asked for while there are few. */
static void wait_check(const struct rpc_client *client)
{
    const struct rpc_waiting *w, *found;
    size_t n = 0, bytes = 0, n_ended = 0;
    bool is_unsent = false;

    if (client->n_waiting > CHECKED_MOST || client->n_ended > CHECKED_MOST) return;
    DL_FOREACH(client->first, w) {
        HASH_FIND(hh, client->by_id, &w->id, sizeof w->id, found);
        is_unsent |= w == client->unsent;
        assert(found == w && is_in_slot(client, w));
        assert(
            !w->sent || client->link == LINK_UP || client->broken); /* what was lost is sorted out with the new one */
        assert(!is_unsent || !w->sent);
        n++;
        bytes += w->bytes;
    }
    DL_FOREACH(client->ended, w) n_ended++;
    assert(n == client->n_waiting && n == HASH_COUNT(client->by_id) && bytes == client->waiting_bytes);
    assert(is_unsent || client->unsent == NULL);
    assert(n_ended == client->n_ended && (n == 0 || ev_is_active(&client->tick)));
}

struct rpc_waiting *rpc_wait_add(
    struct rpc_client *client, const struct rpc_request *request, rpc_reply_fn *reply, void *arg)
{
    int64_t budget_ms = request->budget_ms != 0 ? request->budget_ms : client->config.budget_ms;
    assert(budget_ms >= 1 && budget_ms <= 60000);
    struct rpc_waiting *w = mem_alloc(sizeof *w + head_bytes(request));
    *w = (struct rpc_waiting){
        .bytes = sizeof *w + head_bytes(request) + request->body.len,
        .id = ++client->last_id,
        .deadline_us = turn_us() + budget_ms * 1000,
        .safe = request->safe,
        .reply = reply,
        .arg = arg,
    };
    w->head.id = w->id;
    copy_head(&w->head, request, (char *)(w + 1));
    copy_body(&w->body, request->body);
    join_queue(client, w);
    DL_APPEND2(client->wheel[slot_of(w->deadline_us)], w, earlier, later);
    HASH_ADD(hh, client->by_id, id, sizeof w->id, w);
    client->n_waiting++;
    metric_add(client->unanswered, 1);
    client->waiting_bytes += w->bytes;
    if (!ev_is_active(&client->tick)) {
        client->wheel_at = clock_mono_us() / WHEEL_SLOT_US;
        ev_timer_again(client->loop, &client->tick);
    }
    CHECK_STEP(wait_check(client));
    return w;
}

struct rpc_waiting *rpc_wait_find(struct rpc_client *client, uint64_t id)
{
    struct rpc_waiting *w;
    HASH_FIND(hh, client->by_id, &id, sizeof id, w);
    return w;
}

static void leave_queue(struct rpc_client *client, struct rpc_waiting *w)
{
    if (client->unsent == w) client->unsent = w->next;
    DL_DELETE(client->first, w);
    DL_DELETE2(client->wheel[slot_of(w->deadline_us)], w, earlier, later);
    HASH_DEL(client->by_id, w);
    assert(client->n_waiting > 0 && client->waiting_bytes >= w->bytes);
    client->n_waiting--;
    metric_add(client->unanswered, -1);
    client->waiting_bytes -= w->bytes;
}

void rpc_wait_answer(struct rpc_client *client, struct rpc_waiting *w, enum err status, struct str body)
{
    leave_queue(client, w);
    CHECK_STEP(wait_check(client));
    w->reply(w->arg, status, body);
    zmq_msg_close(&w->body);
    mem_free(w);
}

void rpc_wait_end(struct rpc_client *client, struct rpc_waiting *w, enum err status)
{
    leave_queue(client, w);
    w->status = status;
    DL_APPEND(client->ended, w);
    client->n_ended++;
    if (!ev_is_active(&client->soon)) ev_timer_start(client->loop, &client->soon);
    CHECK_STEP(wait_check(client));
}

static void describe_failure(const struct rpc_client *client, const struct rpc_waiting *w, struct wire_error *why)
{
    const char *service = client->config.service;
    if (w->status == ERR_DEADLINE)
        snprintf(why->text, sizeof why->text, "%s did not answer in time", service);
    else if (w->status == ERR_OVERLOADED)
        snprintf(why->text, sizeof why->text, "too many requests to %s are unanswered", service);
    else if (w->status == ERR_UNAVAILABLE)
        snprintf(why->text, sizeof why->text, "%s is away", service);
    else
        snprintf(why->text, sizeof why->text, "%s", err_text(w->status));
    if (w->status == ERR_OVERLOADED || w->status == ERR_UNAVAILABLE) why->retry_after_ms = 100;
}

static void tell_caller(struct rpc_client *client, struct rpc_waiting *w)
{
    struct wire_error why = { .field = "" };
    struct buf body = BUF(2048);
    describe_failure(client, w, &why);
    frame_put_failure(&body, w->status, &why);
    w->reply(w->arg, w->status, buf_str(&body));
    buf_free(&body);
    zmq_msg_close(&w->body);
    mem_free(w);
}

/* A caller that is told may call again, and fail again: that is for the next turn. */
void rpc_wait_tell(struct rpc_client *client)
{
    struct rpc_waiting *list = client->ended;
    client->ended = NULL;
    client->n_ended = 0;
    while (list != NULL) {
        struct rpc_waiting *w = list;
        DL_DELETE(list, w);
        tell_caller(client, w);
    }
}

static void expire_slot(struct rpc_client *client, int64_t slot, int64_t now_us)
{
    struct rpc_waiting *w, *next;
    DL_FOREACH_SAFE2(client->wheel[(size_t)slot % WHEEL_SLOTS], w, next, later)
        if (w->deadline_us <= now_us) rpc_wait_end(client, w, ERR_DEADLINE);
}

/* Each slot that the clock has passed, once; a whole round at most. */
void rpc_wait_expire(struct rpc_client *client)
{
    int64_t now_us = clock_mono_us();
    int64_t now = now_us / WHEEL_SLOT_US;
    if (now - client->wheel_at > WHEEL_SLOTS) client->wheel_at = now - WHEEL_SLOTS;
    while (client->wheel_at < now) expire_slot(client, ++client->wheel_at, now_us);
}

void rpc_wait_free(struct rpc_client *client)
{
    while (client->first != NULL) rpc_wait_end(client, client->first, ERR_SHUTTING_DOWN);
    rpc_wait_tell(client);
}

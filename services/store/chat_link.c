/* chat_link.c - the pipe to chat: questions, publications, and the changes that chat tells. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/chat_link.h"

#include <assert.h>
#include <ev.h>

#include "services/store/access_cache.h"

#define RETRY_S  0.5
#define BODY_MAX (64u << 20)

struct chat_link {
    struct ev_loop *loop;
    struct rpc_client *client;
    struct access_cache *access;
    struct arena *arena; /* for decoding one event */
    ev_timer retry;
    void (*lines)(void *arg);
    void *arg;
    bool recheck, telling; /* chat has to be told; is being told */
};

static void call_chat(struct chat_link *link, const char *method, const struct wire_shape *shape, const void *rec,
    rpc_reply_fn *done, void *arg)
{
    struct buf body = BUF(BODY_MAX);
    enum err e = wire_encode(shape, rec, &body);

    assert(e == OK); /* these records are ours */
    rpc_client_call(
        link->client, &(struct rpc_request){ .method = method, .safe = true, .body = buf_str(&body) }, done, arg);
    buf_free(&body);
}

static void on_watched(void *arg, enum err status, struct str body)
{
    struct chat_link *link = arg;

    (void)body;
    if (status == OK) {
        access_cache_watched(link->access);
        link->lines(link->arg); /* what came before is not told any more */
    } else if (rpc_client_is_up(link->client)) {
        ev_timer_start(link->loop, &link->retry);
    }
}

static void watch_access(struct chat_link *link)
{
    struct nothing none;

    call_chat(link, "access.watch", nothing_shape(), &none, on_watched, link);
}

static void on_told(void *arg, enum err status, struct str body);

static void tell_recheck(struct chat_link *link)
{
    struct nothing none;

    if (!link->recheck || link->telling) return;
    link->recheck = false;
    link->telling = true;
    call_chat(link, "room.recheck", nothing_shape(), &none, on_told, link);
}

static void on_told(void *arg, enum err status, struct str body)
{
    struct chat_link *link = arg;

    (void)body;
    link->telling = false;
    if (status != OK) link->recheck = true;
    if (link->recheck && rpc_client_is_up(link->client)) ev_timer_start(link->loop, &link->retry);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)events;
    ev_timer_stop(loop, timer);
    ev_timer_set(timer, RETRY_S, 0.);
    watch_access(timer->data);
    tell_recheck(timer->data);
}

static void on_up(void *arg, struct id instance)
{
    struct chat_link *link = arg;

    (void)instance;
    access_cache_lost(link->access);
    watch_access(link);
    tell_recheck(link);
}

static void on_down(void *arg, bool told)
{
    struct chat_link *link = arg;

    (void)told;
    access_cache_lost(link->access);
    ev_timer_stop(link->loop, &link->retry);
}

/* A change that we can't read is as good as many missed. */
static void on_change(struct chat_link *link, struct str body)
{
    struct access_change change;
    struct wire_error why = { 0 };

    if (wire_decode(access_change_shape(), body, link->arena, &change, &why) == OK) {
        access_cache_changed(link->access, change.room, change.subject);
    } else {
        access_cache_lost(link->access);
        watch_access(link);
    }
    arena_reset(link->arena);
}

static void on_chat_event(void *arg, const struct frame_event *head, struct str body)
{
    struct chat_link *link = arg;

    if (str_is(head->name, "access.changed")) {
        on_change(link, body);
    } else if (str_is(head->name, "line.waiting")) {
        link->lines(link->arg);
    } else if (str_is(head->name, "resync")) {
        access_cache_lost(link->access);
        watch_access(link);
    }
}

struct chat_link *chat_link_create(
    struct ev_loop *loop, struct access_cache *access, const struct chat_link_config *config)
{
    struct chat_link *link = mem_zero(sizeof *link);

    link->loop = loop;
    link->access = access;
    link->lines = config->lines;
    link->arg = config->arg;
    link->recheck = true;
    /* bound: an access_change has no lists */
    link->arena = arena_create("chat_link", 1 << 20);
    ev_timer_init(&link->retry, on_retry, RETRY_S, 0.);
    link->retry.data = link;
    link->client = rpc_client_create(loop, &(struct rpc_client_config){ .self = "store",
                                               .service = "chat",
                                               .endpoint = config->endpoint,
                                               .key_dir = config->key_dir,
                                               .budget_ms = config->budget_ms,
                                               .pending_max = config->pending_max,
                                               .up = on_up,
                                               .down = on_down,
                                               .event = on_chat_event,
                                               .arg = link });
    return link;
}

void chat_link_destroy(struct chat_link **link)
{
    if (*link == NULL) return;
    ev_timer_stop((*link)->loop, &(*link)->retry);
    rpc_client_destroy(&(*link)->client);
    arena_destroy(&(*link)->arena);
    mem_free(*link);
    *link = NULL;
}

bool chat_link_is_up(const struct chat_link *link)
{
    return rpc_client_is_up(link->client);
}

void chat_link_ask(struct chat_link *link, const struct access_query *query, rpc_reply_fn *done, void *arg)
{
    call_chat(link, "room.access", access_query_shape(), query, done, arg);
}

void chat_link_readable(struct chat_link *link, const struct readable_query *query, rpc_reply_fn *done, void *arg)
{
    call_chat(link, "room.readable", readable_query_shape(), query, done, arg);
}

void chat_link_export(struct chat_link *link, const struct export_question *question, rpc_reply_fn *done, void *arg)
{
    call_chat(link, "room.export", export_question_shape(), question, done, arg);
}

void chat_link_arrival(struct chat_link *link, const struct room_arrival *arrival, rpc_reply_fn *done, void *arg)
{
    call_chat(link, "room.import", room_arrival_shape(), arrival, done, arg);
}

void chat_link_hook(struct chat_link *link, const struct hook_code *code, rpc_reply_fn *done, void *arg)
{
    call_chat(link, "hook.open", hook_code_shape(), code, done, arg);
}

void chat_link_recheck(struct chat_link *link)
{
    link->recheck = true;
    tell_recheck(link);
}

void chat_link_publish(struct chat_link *link, const struct publication *publication, rpc_reply_fn *done, void *arg)
{
    call_chat(link, "room.publish", publication_shape(), publication, done, arg);
}

void chat_link_take_lines(struct chat_link *link, const struct line_query *query, rpc_reply_fn *done, void *arg)
{
    call_chat(link, "line.take", line_query_shape(), query, done, arg);
}

void chat_link_absent(struct chat_link *link, const struct access_queries *who, rpc_reply_fn *done, void *arg)
{
    call_chat(link, "member.absent", access_queries_shape(), who, done, arg);
}

void chat_link_keeping(struct chat_link *link, const struct log_begins *logs, rpc_reply_fn *done, void *arg)
{
    call_chat(link, "room.keeping", log_begins_shape(), logs, done, arg);
}

void chat_link_feed(struct chat_link *link, const char *method, struct str batch, rpc_reply_fn *done, void *arg)
{
    rpc_client_call(link->client, &(struct rpc_request){ .method = method, .safe = true, .body = batch }, done, arg);
}

void chat_link_flush(struct chat_link *link)
{
    rpc_client_flush(link->client);
}

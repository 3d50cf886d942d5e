/* main.c - the store service: what was said.  Owns the schema `store`. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/service.h"
#include "libshared/service/settings.h"
#include "services/store/store.h"

#define OUTBOX_BYTES     (64u << 20)
#define PUBLICATIONS_MAX 10000 /* in flight to chat, beside the questions of open appends */

/* clang-format off */
#define METHOD RPC_ADAPTER
#include "proto/begin.def"
#include "proto/store.def"
#include "proto/end.def"

static const struct rpc_method methods[] = {
#define METHOD RPC_ROW
#include "proto/begin.def"
#include "proto/store.def"
#include "proto/end.def"
};
/* clang-format on */

struct question {
    struct store *store;
    void *token;
};

static struct question *question_of(struct store *store, void *token)
{
    struct question *q = mem_alloc(sizeof *q);

    *q = (struct question){ store, token };
    return q;
}

static bool is_member(struct str body)
{
    /* bound: an access has no lists */
    struct arena *arena = arena_create("access", 1 << 16);
    struct access access = { 0 };
    struct wire_error why = { 0 };
    bool yes = wire_decode(access_shape(), body, arena, &access, &why) == OK && access.role.len > 0;

    arena_destroy(&arena);
    return yes;
}

static void on_access(void *arg, enum err status, struct str body)
{
    struct question q = *(struct question *)arg;

    mem_free(arg);
    if (!q.store->stopping) access_cache_answer(q.store->access, q.token, status, status == OK && is_member(body));
}

static void ask_chat(void *arg, const struct access_query *query, void *token)
{
    struct store *store = arg;

    chat_link_ask(store->link, query, on_access, question_of(store, token));
}

static void on_published(void *arg, enum err status, struct str body)
{
    struct question q = *(struct question *)arg;

    (void)body;
    mem_free(arg);
    if (!q.store->stopping) outbox_sent(q.store->outbox, q.token, status == OK);
}

static void publish_messages(void *arg, const struct publication *publication, void *token)
{
    struct store *store = arg;

    chat_link_publish(store->link, publication, on_published, question_of(store, token));
}

static void *start_service(struct ev_loop *loop)
{
    struct store *store = mem_zero(sizeof *store);
    struct chat_link_config link = {
        .endpoint = settings.common.chat_url,
        .key_dir = settings.common.key_dir,
        .budget_ms = settings.common.call_budget_ms,
        .pending_max = (size_t)settings.store.append_max + PUBLICATIONS_MAX,
    };
    struct committer_config committer = {
        .conninfo = settings.store.db,
        .batch_max = (size_t)settings.store.batch_max,
        .gather_us = settings.store.gather_us,
        .statement_ms = settings.common.call_budget_ms,
    };

    store->settings = &settings.store;
    store->access = access_cache_create((size_t)settings.store.access_cached, ask_chat, store);
    store->outbox = outbox_create(loop, OUTBOX_BYTES, publish_messages, store);
    store->link = chat_link_create(loop, store->access, &link);
    store->committer = committer_create(loop, &committer, appends_done, store);
    return store;
}

static void begin_serving(void *context, struct rpc_server *server)
{
    ((struct store *)context)->server = server;
}

static bool check_ready(void *context, struct buf *why)
{
    const struct store *store = context;

    if (!chat_link_is_up(store->link)) buf_add_str(why, STR("no connection to chat"));
    return chat_link_is_up(store->link);
}

/* The server is gone already, and with it every request that waits for an answer. */
static void stop_service(void *context)
{
    struct store *store = context;

    store->stopping = true;
    committer_destroy(&store->committer);
    chat_link_destroy(&store->link);
    outbox_destroy(&store->outbox);
    access_cache_destroy(&store->access);
    mem_free(store);
}

int main(int argc, char **argv)
{
    return service_main(argc, argv,
        &(struct service){
            .name = "store",
            .doc = "Keeps the rooms' logs: what is acknowledged is on disk",
            .methods = methods,
            .n_methods = COUNT(methods),
            .start = start_service,
            .serving = begin_serving,
            .stop = stop_service,
            .ready = check_ready,
        });
}

/* main.c - the store service: what was said.  Owns the schema `store`. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/service.h"
#include "services/store/store.h"

#define OUTBOX_BYTES     (64u << 20)
#define PUBLICATIONS_MAX 10000 /* in flight to chat, beside the questions of open appends */

static struct settings settings;

#define SERVICE_DEF "proto/store.def"
#include "libshared/service/service_rows.def"

struct chat_request {
    const struct chat_part *part;
    void *token;
};

static struct chat_request *make_chat_request(const struct chat_part *part, void *token)
{
    struct chat_request *q = mem_alloc(sizeof *q);

    *q = (struct chat_request){ part, token };
    return q;
}

static struct log_access read_access(struct str body)
{
    /* bound: an access has no lists */
    struct arena *arena = arena_create("access", 1 << 16);
    struct access access = { 0 };
    struct wire_error why = { 0 };
    bool is_read = wire_decode(access_shape(), body, arena, &access, &why) == OK;
    struct log_access may = { .role = is_read ? room_role_of(access.role) : ROLE_none,
        .slow_s = (int32_t)access.slow_s,
        .reads_after = access.reads_after };

    arena_destroy(&arena);
    return may;
}

static void on_access(void *arg, enum err status, struct str body)
{
    struct chat_request q = *(struct chat_request *)arg;

    mem_free(arg);
    if (!q.part->store->stopping)
        access_cache_answer(q.part->access, q.token, status,
            status == OK ? read_access(body) : (struct log_access){ .role = ROLE_none });
}

static void ask_chat(void *arg, const struct access_query *query, void *token)
{
    const struct chat_part *part = arg;

    chat_link_ask(part->link, query, on_access, make_chat_request(part, token));
}

static void on_published(void *arg, enum err status, struct str body)
{
    struct chat_request q = *(struct chat_request *)arg;

    (void)body;
    mem_free(arg);
    if (!q.part->store->stopping) outbox_sent(q.part->store->outbox, q.token, status == OK);
}

static void publish_messages(void *arg, const struct publication *publication, void *token)
{
    const struct chat_part *part = store_chat(arg, publication->room);

    chat_link_publish(part->link, publication, on_published, make_chat_request(part, token));
}

static void connect_to_chat(struct store *store, struct ev_loop *loop)
{
    const struct endpoint_list *endpoints = &settings.common.chat_url;
    struct chat_link_config config = {
        .key_dir = settings.common.key_dir,
        .budget_ms = settings.common.call_budget_ms,
        .pending_max = (size_t)settings.store.append_max + PUBLICATIONS_MAX,
        .lines = lines_wake,
        .arg = store->lines,
    };

    store->n_parts = endpoints->n;
    for (size_t i = 0; i < store->n_parts; i++) {
        struct chat_part *part = &store->parts[i];
        part->store = store;
        part->access = access_cache_create((size_t)settings.store.access_cached / store->n_parts, ask_chat, part);
        config.endpoint = endpoints->at[i];
        part->link = chat_link_create(loop, part->access, &config);
    }
}

static struct rpc_client *connect_to_share(struct ev_loop *loop)
{
    return rpc_client_create(loop, &(struct rpc_client_config){ .self = "store",
                                       .service = "share",
                                       .endpoint = settings.common.share_url.at[0],
                                       .key_dir = settings.common.key_dir,
                                       .budget_ms = settings.common.call_budget_ms,
                                       .pending_max = (size_t)settings.store.append_max });
}

static void *start_service(struct ev_loop *loop)
{
    struct store *store = mem_zero(sizeof *store);
    struct committer_config committer = {
        .conninfo = settings.store.db,
        .committers = (size_t)settings.store.committers,
        .open_max = (size_t)settings.store.append_max,
        .batch_max = (size_t)settings.store.batch_max,
        .gather_us = settings.store.gather_us,
        .limits = { settings.common.call_budget_ms, entry_words_kept_s(&settings.store, ENTRY_edit),
            entry_words_kept_s(&settings.store, ENTRY_delete) },
    };

    struct directory_config directory = { .self = "store",
        .auth_url = settings.common.auth_url.at[0],
        .key_dir = settings.common.key_dir,
        .budget_ms = settings.common.call_budget_ms,
        .context = store,
        .erase = &message_erase_job,
        .step = messages_erase_some };

    store->settings = &settings.store;
    store->turns = turns_create();
    store->outbox = outbox_create(loop, OUTBOX_BYTES, publish_messages, store);
    store->lines = lines_create(loop, store);
    connect_to_chat(store, loop);
    store->share = connect_to_share(loop);
    store->feeds = feeds_create(loop, store);
    store->committer = committer_create(loop, &committer, appends_done, store);
    store->directory = directory_create(loop, &directory);
    return store;
}

static void begin_serving(void *context, struct rpc_server *server)
{
    struct store *store = context;

    store->server = server;
    directory_serve(store->directory, server);
    feeds_begin(store->feeds, server);
}

static bool check_ready(void *context, struct buf *why)
{
    const struct store *store = context;

    for (size_t i = 0; i < store->n_parts; i++)
        if (!chat_link_is_up(store->parts[i].link)) {
            buf_printf(why, "no connection to %s", settings.common.chat_url.at[i]);
            return false;
        }
    return true;
}

/* The server is gone already, and with it every request that waits for an answer. */
static void stop_service(void *context)
{
    struct store *store = context;

    store->stopping = true;
    directory_destroy(&store->directory);
    committer_destroy(&store->committer);
    for (size_t i = 0; i < store->n_parts; i++) chat_link_destroy(&store->parts[i].link);
    rpc_client_destroy(&store->share);
    lines_destroy(&store->lines);
    feeds_destroy(&store->feeds);
    outbox_destroy(&store->outbox);
    turns_destroy(&store->turns);
    for (size_t i = 0; i < store->n_parts; i++) access_cache_destroy(&store->parts[i].access);
    mem_free(store);
}

int main(int argc, char **argv)
{
    return service_main(argc, argv,
        &(struct service){
            .name = "store",
            .settings = &settings,
            .doc = "Keeps the rooms' logs: what is acknowledged is on disk",
            .methods = methods,
            .n_methods = COUNT(methods),
            .jobs = jobs,
            .n_jobs = COUNT(jobs),
            .start = start_service,
            .serving = begin_serving,
            .stop = stop_service,
            .ready = check_ready,
        });
}

/* main.c - the chat service: rooms and their members.  Owns the schema `chat`. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/db/pg_claim.h"
#include "libshared/db/pg_listen.h"
#include "libshared/service/service.h"
#include "services/chat/chat.h"
#include "services/chat/push/push.h"
#include "services/chat/webhooks/webhooks.h"

static struct settings settings;

#define SERVICE_DEF "proto/chat.def"
#include "libshared/service/service_rows.def"

#define CLAIM_SLOTS 0x6d61 /* this kind of advisory lock; each of its numbers is a slot of rooms */
#define SURE_MS     6000   /* a machine may be busy, and is not away for that */

static struct pg_claim *claim;

static size_t own_part(void)
{
    size_t part = (size_t)settings.chat.part - 1, n = settings.common.chat_url.n;

    if (part < n) return part;
    fprintf(stderr, "MADANG_CHAT_PART: wants a number from 1 to %zu, as MADANG_CHAT_URL lists so many\n", n);
    exit(2);
}

/* Two that had the same room would not know of each other's members: the second waits, and takes over if the first dies. */
static enum err claim_part(void)
{
    struct part_slots slots = part_slots(own_part(), settings.common.chat_url.n);

    claim = pg_claim_take(&(struct pg_claim_config){ .conninfo = settings.chat.db,
        .name = "chat.part",
        .kind = CLAIM_SLOTS,
        .first = slots.first,
        .n = slots.n,
        .sure_ms = SURE_MS });
    return claim != NULL ? OK : ERR_UNAVAILABLE;
}

/* Another process has the rooms: what is remembered here is of no more use, nor is an orderly end. */
static void end_at_once(void *arg)
{
    (void)arg;
    log_flush(1000);
    _exit(1);
}

/* What keeps.def lists. */
struct keep {
    void (*forget_peer)(const struct chat *chat, const struct rpc_peer *peer); /* may be NULL */
    void (*destroy)(struct chat *chat);
};

/* clang-format off */
#define KEEP(name, created, forget_peer) static void destroy_##name(struct chat *chat) { name##_destroy(&chat->name); }
#include "services/chat/keeps.def"
#undef KEEP

static const struct keep keeps[] = {
#define KEEP(name, created, forget_peer) { forget_peer, destroy_##name },
#include "services/chat/keeps.def"
#undef KEEP
};
/* clang-format on */

/* What is sealed is on the file key's first line before anything is sent. */
static enum err renew_columns(struct pg *pg)
{
    static const struct sealed_column *const columns[] = { &webhook_secret_column, &webhook_former_column,
        &push_secret_column, &push_keys_column };
    enum err e = sealed_columns_renew(pg, columns, COUNT(columns));

    if (e == OK) return pg_commit(pg);
    pg_rollback(pg);
    return e == ERR_CONFLICT ? OK : e; /* some that cannot be opened: the log says which */
}

static void renew_sealed(void)
{
    struct pg *pg = pg_create(settings.chat.db, "chat");
    enum err e = renew_columns(pg);

    pg_destroy(&pg);
    if (e == OK) return;
    LOG(ERROR, "chat.not_renewed", F_TEXT("code", err_code(e)));
    exit(1);
}

static void *start_service(struct ev_loop *loop)
{
    struct chat *chat = mem_zero(sizeof *chat);
    struct directory_config directory = { .self = "chat",
        .auth_url = settings.common.auth_url.at[0],
        .key_dir = settings.common.key_dir,
        .budget_ms = settings.common.call_budget_ms,
        .context = chat,
        .look = person_news_look,
        .tell = person_news_tell,
        .erase = &member_erase_job,
        .step = members_erase_some };

    renew_sealed();
    chat->settings = &settings.chat;
    chat->n_parts = settings.common.chat_url.n;
    chat->part = own_part();
    chat->loop = loop;
    chat->goes_plain = settings.common.fetch_plain;
    chat->public_url = settings.common.public_url;
    pg_claim_watch(claim, loop, end_at_once, NULL);
#define KEEP(name, created, forget_peer) chat->name = created;
#include "services/chat/keeps.def"
#undef KEEP
    chat->directory = directory_create(loop, &directory);
    return chat;
}

static void begin_serving(void *context, struct rpc_server *server)
{
    struct chat *chat = context;

    chat->server = server;
    chat->listen = pg_listen_create(chat->loop, settings.chat.db, CHAT_CHANGED, members_hear_erased, chat);
    directory_serve(chat->directory, server);
}

static enum err refuse_foreign(struct call *call, size_t part)
{
    LOG_BOUNDED(ERROR, "chat.foreign_room", F_STR("peer", call->peer_name), F_INT("part", part + 1));
    return call_fail(
        call, ERR_UNAVAILABLE, "this room is with another process of chat: MADANG_CHAT_URL differs somewhere");
}

static enum err refuse_unsure(struct call *call)
{
    LOG_BOUNDED(ERROR, "chat.part_unsure", F_STR("peer", call->peer_name));
    return call_fail(
        call, ERR_UNAVAILABLE, "the database does not answer: this room may be with another process of chat by now");
}

/* What is asked about a room by a process with another list must not find, or make, a second memory of it; nor what is asked of
 * a process that is cut off from the database, while another one may have its rooms. */
static enum err admit_room(struct call *call, const struct wire_shape *shape, const void *req)
{
    const struct chat *chat = call->context;
    const struct wire_field *f = wire_find(shape, STR("room"));

    if (f == NULL || f->kind != WIRE_ID) return OK;
    size_t part = part_of(*(const struct id *)(const void *)((const char *)req + f->at), chat->n_parts);
    if (part != chat->part) return refuse_foreign(call, part);
    return pg_claim_is_sure(claim) ? OK : refuse_unsure(call);
}

static bool check_ready(void *context, struct buf *why)
{
    bool sure = pg_claim_is_sure(claim);

    (void)context;
    if (!sure) buf_add_str(why, STR("its rooms may be another process's by now"));
    return sure;
}

static void peer_gone(void *context, struct rpc_peer *peer)
{
    const struct chat *chat = context;

    for (size_t i = 0; i < COUNT(keeps); i++)
        if (keeps[i].forget_peer != NULL) keeps[i].forget_peer(chat, peer);
    if (strcmp(rpc_peer_name(peer), "store") == 0) feeds_recheck(chat->server); /* it may not come back */
}

static void stop_service(void *context)
{
    struct chat *chat = context;

    directory_destroy(&chat->directory);
    pg_listen_destroy(&chat->listen);
    for (size_t i = COUNT(keeps); i-- > 0;) keeps[i].destroy(chat);
    mem_free(chat);
    pg_claim_destroy(&claim);
}

int main(int argc, char **argv)
{
    return service_main(argc, argv,
        &(struct service){
            .name = "chat",
            .settings = &settings,
            .seals = true,
            .doc = "Keeps rooms and members, and hands what is said in a room to every gateway with a listener",
            .methods = methods,
            .n_methods = COUNT(methods),
            .jobs = jobs,
            .n_jobs = COUNT(jobs),
            .claim = claim_part,
            .start = start_service,
            .serving = begin_serving,
            .stop = stop_service,
            .peer_gone = peer_gone,
            .admit = admit_room,
            .ready = check_ready,
        });
}

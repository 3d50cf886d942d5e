/* main.c - the chat service: rooms and their members.  Owns the schema `chat`. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/service/service.h"
#include "libshared/service/settings.h"
#include "services/chat/chat.h"

/* clang-format off */
#define METHOD RPC_ADAPTER
#include "proto/begin.def"
#include "proto/chat.def"
#include "proto/end.def"

static const struct rpc_method methods[] = {
#define METHOD RPC_ROW
#include "proto/begin.def"
#include "proto/chat.def"
#include "proto/end.def"
};
/* clang-format on */

static void *start_service(struct ev_loop *loop)
{
    struct chat *chat = mem_zero(sizeof *chat);

    (void)loop;
    chat->members_max = settings.chat.members_max;
    chat->member_cache = member_cache_create((size_t)settings.chat.memory_bytes);
    chat->feeds = feeds_create((size_t)settings.chat.rooms_heard);
    chat->watchers = watchers_create();
    chat->gateways = gateways_create();
    return chat;
}

static void begin_serving(void *context, struct rpc_server *server)
{
    ((struct chat *)context)->server = server;
}

static void peer_gone(void *context, struct rpc_peer *peer)
{
    struct chat *chat = context;

    feeds_forget_peer(chat->feeds, peer);
    watchers_forget_peer(chat->watchers, peer);
    gateways_forget_peer(chat->gateways, chat->server, peer);
    if (strcmp(rpc_peer_name(peer), "store") == 0) feeds_recheck(chat->server); /* it may not come back */
}

static void stop_service(void *context)
{
    struct chat *chat = context;

    gateways_destroy(&chat->gateways);
    watchers_destroy(&chat->watchers);
    feeds_destroy(&chat->feeds);
    member_cache_destroy(&chat->member_cache);
    mem_free(chat);
}

int main(int argc, char **argv)
{
    return service_main(argc, argv,
        &(struct service){
            .name = "chat",
            .doc = "Keeps rooms and members, and hands what is said in a room to every gateway with a listener",
            .methods = methods,
            .n_methods = COUNT(methods),
            .start = start_service,
            .serving = begin_serving,
            .stop = stop_service,
            .peer_gone = peer_gone,
        });
}

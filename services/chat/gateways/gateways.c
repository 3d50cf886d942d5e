/* gateways.c - gateway.announce: which gateways there are, and where the others reach them. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/rpc/endpoint.h"
#include "services/chat/chat.h"

#define MAX_GATEWAYS 256 /* gateway_page's own bound */

struct announced {
    struct rpc_peer *peer;
    char id[9 * 4], endpoint[200 * 4 + 1]; /* bounds are in characters, of up to four bytes */
};

struct gateways {
    struct announced at[MAX_GATEWAYS];
    struct gateway_info info[MAX_GATEWAYS]; /* views into `at`, for answers */
    size_t n;
};

struct gateways *gateways_create(void)
{
    return mem_zero(sizeof(struct gateways));
}

void gateways_destroy(struct gateways **gateways)
{
    mem_free(*gateways);
    *gateways = NULL;
}

size_t gateways_count(const struct gateways *g)
{
    return g->n;
}

struct gateway_ref gateways_at(const struct gateways *g, size_t i)
{
    return (struct gateway_ref){ g->at[i].peer, str_of(g->at[i].id) };
}

static struct gateway_page make_page(struct gateways *g)
{
    for (size_t i = 0; i < g->n; i++)
        g->info[i] = (struct gateway_info){ str_of(g->at[i].id), str_of(g->at[i].endpoint) };
    return (struct gateway_page){ { g->info, g->n } };
}

static void tell_all(struct gateways *g, struct rpc_server *server)
{
    struct gateway_page all = make_page(g);
    struct rpc_event *event = rpc_event_create((struct id){ 0 }, 0, "gateway.changed", gateway_page_shape(), &all);

    for (size_t i = 0; i < g->n; i++) (void)rpc_event_send(server, g->at[i].peer, event);
    rpc_event_destroy(&event);
}

/* A gateway that comes back on a new pipe before the old one is known to be gone keeps its one place. */
static struct announced *place_of(struct gateways *g, const struct rpc_peer *peer, struct str id)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->at[i].peer == peer || str_is(id, g->at[i].id)) return &g->at[i];
    return g->n == MAX_GATEWAYS ? NULL : &g->at[g->n];
}

static void copy_text(char *to, struct str from)
{
    memcpy(to, from.at, from.len);
    to[from.len] = '\0';
}

enum err gateway_announce(struct call *call, const struct gateway_info *req, struct gateway_page *rep)
{
    const struct chat *chat = call->context;
    struct gateways *g = chat->gateways;
    struct announced *place = place_of(g, call->peer, req->id);

    if (chat->part > 0) return call_fail(call, ERR_UNAVAILABLE, "the first process of chat keeps the directory");
    if (!endpoint_is_valid(req->endpoint))
        return call_fail(call, ERR_INVALID_ARGUMENT, "endpoint: is neither tcp://host:port nor ipc://path");
    if (place == NULL) return call_fail(call, ERR_OVERLOADED, "there are %d gateways already", MAX_GATEWAYS);
    bool is_news = place == &g->at[g->n] || !str_is(req->id, place->id) || !str_is(req->endpoint, place->endpoint);
    g->n += place == &g->at[g->n];
    place->peer = call->peer;
    copy_text(place->id, req->id);
    copy_text(place->endpoint, req->endpoint);
    if (is_news) tell_all(g, call->server);
    *rep = make_page(g);
    return OK;
}

void gateways_forget_peer(const struct chat *chat, const struct rpc_peer *peer)
{
    struct gateways *g = chat->gateways;

    for (size_t i = 0; i < g->n; i++) {
        if (g->at[i].peer != peer) continue;
        memmove(&g->at[i], &g->at[i + 1], (g->n - i - 1) * sizeof g->at[0]);
        g->n--;
        tell_all(g, chat->server);
        return;
    }
}

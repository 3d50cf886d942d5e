/* link.c - the pipes to the other gateways. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/http/address/address_count.h"
#include "libshared/rpc/endpoint.h"
#include "services/gateway/mesh/mesh_private.h"

#define CALL_MS      10000
/* A message of each of a pipe's WebSockets is a record, and takes less time than a request to a service. */
#define LINK_PENDING 4
#define BODY_KEPT    (256u << 10) /* a larger record's memory is not kept for the next */
/* What a record costs beside its bytes. */
#define RECORD_BYTES 512

bool link_is_up(const struct link *link)
{
    return rpc_client_is_up(link->client);
}

/* --- what the pipe says --- */

static void on_up(void *arg, struct id instance)
{
    struct link *link = arg;

    (void)instance;
    LOG(INFO, "mesh.link_up", F_TEXT("gateway", link->id));
    link->mesh->link_events->up(link->mesh);
}

static void on_down(void *arg, bool told)
{
    struct link *link = arg;

    if (told)
        LOG(INFO, "mesh.link_down", F_TEXT("gateway", link->id), F_BOOL("told", true), F_INT("users", link->users));
    else
        LOG(WARN, "mesh.link_down", F_TEXT("gateway", link->id), F_BOOL("told", false), F_INT("users", link->users));
    link->mesh->link_events->lost(link->mesh, link);
}

static void on_link_event(void *arg, const struct frame_event *head, struct str body)
{
    struct link *link = arg;

    link->mesh->link_events->event(link->mesh, head->name, body);
}

/* --- sending --- */

struct link_send {
    struct link *link;
    int64_t number;
    size_t bytes, window;
    bool counted;
    struct in6_addr from; /* of what is counted */
};

static size_t cost_of(size_t bytes)
{
    return RECORD_BYTES + bytes;
}

/* Each may have as much as it leaves free: one address a half, two a third each.  So there is always some left. */
bool link_has_room(const struct link *link, const struct freight *freight)
{
    size_t left = link->bytes < RPC_PENDING_BYTES ? RPC_PENDING_BYTES - link->bytes : 0;

    return freight->from == NULL ||
           (size_t)address_count_get(link->addresses, freight->from) + cost_of(freight->bytes) <= left;
}

static void count_sent(struct link_send *sent, const struct in6_addr *from)
{
    size_t cost = cost_of(sent->bytes);

    if (from == NULL) return;
    sent->counted = true;
    sent->from = *from;
    sent->link->bytes += cost;
    address_count_add(sent->link->addresses, from, (int64_t)cost);
}

static void uncount_sent(const struct link_send *sent)
{
    size_t cost = cost_of(sent->bytes);

    if (!sent->counted) return;
    assert(sent->link->bytes >= cost);
    sent->link->bytes -= cost;
    address_count_remove(sent->link->addresses, &sent->from, (int64_t)cost);
}

/* A request or tunnel whose record was not taken has lost something, and ends; the others on this pipe have not. */
static void not_taken(const struct link *link, int64_t number, enum err e)
{
    if (link->mesh->link_events->refused(link->mesh, number))
        LOG_BOUNDED(WARN, "mesh.refused", F_TEXT("gateway", link->id), F_TEXT("code", err_code(e)));
}

static void on_reply(void *arg, enum err status, struct str body)
{
    struct link_send *sent = arg;
    struct link *link = sent->link;

    (void)body;
    uncount_sent(sent);
    if (!link->closing && status != OK)
        not_taken(link, sent->number, status);
    else if (!link->closing && sent->window > 0)
        link->mesh->link_events->taken(link->mesh, sent->number, sent->window);
    mem_free(sent);
}

void link_send_for(struct link *link, enum method_index method, const void *record, const struct freight *freight)
{
    struct buf *body = &link->mesh->body;
    struct link_send *sent = mem_alloc(sizeof *sent);
    *sent = (struct link_send){
        .link = link, .number = freight->number, .bytes = freight->bytes, .window = freight->window
    };
    count_sent(sent, freight->from);
    buf_clear(body);
    enum err e = wire_encode(methods[method].req(), record, body);

    assert(e == OK && "a record of ours has its shape");
    (void)e;
    rpc_client_call(link->client,
        &(struct rpc_request){
            .method = methods[method].name, .safe = methods[method].safe, .budget_ms = CALL_MS, .body = buf_str(body) },
        on_reply, sent);
    if (body->cap > BODY_KEPT) {
        size_t max = body->max;
        buf_free(body);
        *body = BUF(max);
    }
}

void link_send(struct link *link, enum method_index method, const void *record)
{
    link_send_for(link, method, record, &(struct freight){ .number = 0 });
}

/* --- which there are --- */

static void open_pipe(struct link *link)
{
    link->client =
        rpc_client_create(link->mesh->loop, &(struct rpc_client_config){ .self = "gateway",
                                                .service = "gateway",
                                                .endpoint = link->endpoint,
                                                .key_dir = link->mesh->config.key_dir,
                                                .pending_max = LINK_PENDING * (size_t)link->mesh->config.pending_max,
                                                .up = on_up,
                                                .down = on_down,
                                                .event = on_link_event,
                                                .arg = link });
}

static struct link *find_link(struct mesh *mesh, const char *id)
{
    struct link *link;

    HASH_FIND(hh, mesh->links, id, EIO_GATEWAY_CHARS, link);
    return link;
}

struct link *link_for(struct mesh *mesh, struct str sid)
{
    return find_link(mesh, sid.at);
}

static void link_free(struct link *link)
{
    struct mesh *mesh = link->mesh;

    mesh->link_events->lost(mesh, link);
    link->closing = true;
    rpc_client_destroy(&link->client);
    address_count_destroy(link->addresses);
    HASH_DEL(mesh->links, link);
    mem_free(link);
}

static bool is_gateway(const struct gateway_info *info)
{
    return info->id.len == EIO_GATEWAY_CHARS && info->endpoint.len < sizeof((struct link *)0)->endpoint &&
           endpoint_is_valid(info->endpoint) && memcmp(info->id.at, eio_gateway_id(), EIO_GATEWAY_CHARS) != 0;
}

static void learn_one(struct mesh *mesh, const struct gateway_info *info)
{
    struct link *link = find_link(mesh, info->id.at);

    if (link == NULL) {
        link = mem_zero(sizeof *link);
        link->mesh = mesh;
        link->addresses = address_count_create();
        memcpy(link->id, info->id.at, EIO_GATEWAY_CHARS);
        memcpy(link->endpoint, info->endpoint.at, info->endpoint.len);
        HASH_ADD(hh, mesh->links, id, EIO_GATEWAY_CHARS, link);
        open_pipe(link); /* now, and not for the first request: a second one would overtake it */
        LOG(INFO, "mesh.gateway_known", F_TEXT("gateway", link->id), F_TEXT("endpoint", link->endpoint));
    }
    link->listed = true;
}

/* A chat that was restarted knows few of us for a moment: what is in use stays while its pipe is up. */
void links_learn(struct mesh *mesh, const struct gateway_page *page)
{
    const struct gateway_info *info = page->gateways.at;
    struct link *link, *next;

    HASH_ITER(hh, mesh->links, link, next) link->listed = false;
    for (size_t i = 0; i < page->gateways.len; i++)
        if (is_gateway(&info[i])) learn_one(mesh, &info[i]);
    HASH_ITER(hh, mesh->links, link, next)
        if (!link->listed && (link->users == 0 || !link_is_up(link))) link_free(link);
}

void links_free(struct mesh *mesh)
{
    struct link *link, *next;

    HASH_ITER(hh, mesh->links, link, next) link_free(link);
}

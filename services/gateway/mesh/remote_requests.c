/* remote_requests.c - GETs and POSTs for sessions here, from other gateways. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/container_of.h"
#include "libshared/base/log.h"
#include "services/gateway/mesh/mesh_private.h"

/* One answer carries so much, and a packet more: what is left goes with the next. */
#define ANSWER_BYTES (4u << 20)

struct remote_request {
    struct eio_request base;
    struct remote_gateway *remote;
    struct eio *eio; /* NULL: nothing is served here */
    int64_t number;
    char sid[EIO_SID_CHARS + 1];
    UT_hash_handle hh;
};

static struct remote_request *request_of(struct eio_request *base)
{
    return CONTAINER_OF(base, struct remote_request, base);
}

static struct remote_request *find_request(struct remote_gateway *remote, int64_t number)
{
    struct remote_request *request;

    HASH_FIND(hh, remote->calls, &number, sizeof number, request);
    return request;
}

static void free_request(struct remote_request *request)
{
    HASH_DEL(request->remote->calls, request);
    mem_free(request);
}

static void on_request_dropped(struct eio_request *base)
{
    free_request(request_of(base));
}

static void answer_request(struct eio_request *base, const struct eio_answer *a)
{
    struct remote_request *request = request_of(base);
    struct mesh_answer record = { .call = request->number,
        .status = a->status,
        .content_type = str_of(a->content_type),
        .no_store = a->no_store,
        .body = a->body.len > 0 ? a->body : STR_NONE,
        .subject = request->eio != NULL ? eio_subject(request->eio, mesh_sid(request->sid)) : STR_NONE };

    if (a->body.len > MESH_BYTES_MAX) {
        LOG_BOUNDED(WARN, "mesh.answer_too_large", F_INT("bytes", a->body.len));
        record = (struct mesh_answer){ .call = request->number, .status = 500 };
    }
    remote_gateway_send(request->remote, "mesh.answered", mesh_answer_shape(), &record);
    free_request(request);
}

enum err mesh_ask(struct call *call, const struct mesh_request *req, struct nothing *rep)
{
    struct mesh *mesh = call->context;
    struct remote_gateway *remote = remote_gateway_get(mesh, call->peer);
    struct eio *eio = mesh->paths[req->path].eio;

    (void)rep;
    if (find_request(remote, req->call) != NULL) return call_fail(call, ERR_CONFLICT, "call: in use");
    struct remote_request *request = mem_zero(sizeof *request);
    *request = (struct remote_request){ .base = { answer_request, on_request_dropped, NULL, ANSWER_BYTES },
        .remote = remote,
        .eio = eio,
        .number = req->call };
    memcpy(request->sid, req->sid.at, EIO_SID_CHARS);
    HASH_ADD(hh, remote->calls, number, sizeof request->number, request);
    if (eio == NULL)
        answer_request(&request->base, &(struct eio_answer){ .status = 404 });
    else
        eio_take_request(eio, &request->base, req->sid, req->address, req->post ? STR("POST") : STR("GET"),
            req->octets ? STR("application/octet-stream") : STR_NONE, req->body);
    return OK;
}

static void forget_request(struct remote_request *request)
{
    eio_request_gone(&request->base);
    free_request(request);
}

enum err mesh_forget(struct call *call, const struct mesh_call *req, struct nothing *rep)
{
    struct remote_request *request = find_request(remote_gateway_get(call->context, call->peer), req->call);

    (void)rep;
    if (request != NULL) forget_request(request);
    return OK;
}

enum err mesh_release(struct call *call, const struct mesh_call *req, struct nothing *rep)
{
    struct remote_request *request = find_request(remote_gateway_get(call->context, call->peer), req->call);

    (void)rep;
    if (request != NULL) eio_request_release(&request->base);
    return OK;
}

/* Forgetting one may end its session, which answers the session's other request: so the list is read anew each time. */
void remote_requests_gone(struct remote_gateway *remote)
{
    while (remote->calls != NULL) forget_request(remote->calls);
}

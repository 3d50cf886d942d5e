/* host_calls.c - GETs and POSTs for sessions here, from other gateways. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/container_of.h"
#include "libshared/base/log.h"
#include "services/gateway/mesh/inside.h"

/* One answer carries so much, and a packet more: what is left goes with the next. */
#define ANSWER_BYTES (4u << 20)

struct hosted_call {
    struct eio_request base;
    struct caller *caller;
    int64_t number;
    UT_hash_handle hh;
};

static struct hosted_call *of(struct eio_request *base)
{
    return CONTAINER_OF(base, struct hosted_call, base);
}

static struct hosted_call *find(struct caller *caller, int64_t number)
{
    struct hosted_call *hosted;

    HASH_FIND(hh, caller->calls, &number, sizeof number, hosted);
    return hosted;
}

static void hosted_free(struct hosted_call *hosted)
{
    HASH_DEL(hosted->caller->calls, hosted);
    mem_free(hosted);
}

static void dropped(struct eio_request *base)
{
    hosted_free(of(base));
}

static void answer(struct eio_request *base, const struct eio_answer *a)
{
    struct hosted_call *hosted = of(base);
    struct mesh_answer record = { hosted->number, a->status, str_of(a->content_type), a->no_store,
        a->body.len > 0 ? a->body : STR_NONE };

    if (a->body.len > MESH_BYTES_MAX) {
        LOG_BOUNDED(WARN, "mesh.answer_too_large", F_INT("bytes", a->body.len));
        record = (struct mesh_answer){ .call = hosted->number, .status = 500 };
    }
    caller_send(hosted->caller, "mesh.answered", mesh_answer_shape(), &record);
    hosted_free(hosted);
}

enum err mesh_ask(struct call *call, const struct mesh_request *req, struct nothing *rep)
{
    struct mesh *mesh = call->context;
    struct caller *caller = caller_of(mesh, call->peer);
    struct eio *eio = mesh->faces[req->face].eio;

    (void)rep;
    if (find(caller, req->call) != NULL) return call_fail(call, ERR_CONFLICT, "call: in use");
    struct hosted_call *hosted = mem_zero(sizeof *hosted);
    *hosted =
        (struct hosted_call){ .base = { answer, dropped, NULL, ANSWER_BYTES }, .caller = caller, .number = req->call };
    HASH_ADD(hh, caller->calls, number, sizeof hosted->number, hosted);
    if (eio == NULL)
        answer(&hosted->base, &(struct eio_answer){ .status = 404 });
    else
        eio_take_request(eio, &hosted->base, req->sid, req->address, req->post ? STR("POST") : STR("GET"),
            req->octets ? STR("application/octet-stream") : STR_NONE, req->body);
    return OK;
}

static void forget(struct hosted_call *hosted)
{
    eio_request_gone(&hosted->base);
    hosted_free(hosted);
}

enum err mesh_forget(struct call *call, const struct mesh_call *req, struct nothing *rep)
{
    struct hosted_call *hosted = find(caller_of(call->context, call->peer), req->call);

    (void)rep;
    if (hosted != NULL) forget(hosted);
    return OK;
}

enum err mesh_release(struct call *call, const struct mesh_call *req, struct nothing *rep)
{
    struct hosted_call *hosted = find(caller_of(call->context, call->peer), req->call);

    (void)rep;
    if (hosted != NULL) eio_request_release(&hosted->base);
    return OK;
}

/* A session that ends may answer its other request: there may be fewer after each. */
void hosted_calls_gone(struct caller *caller)
{
    while (caller->calls != NULL) forget(caller->calls);
}

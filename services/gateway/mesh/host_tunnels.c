/* host_tunnels.c - WebSockets of sessions here, whose clients are at other gateways. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <utlist.h>

#include "libshared/base/container_of.h"
#include "libshared/base/invariant.h"
#include "services/gateway/mesh/inside.h"

#define WRITES_A_TURN 10000

struct hosted_tunnel {
    struct eio_channel base;
    struct caller *caller;
    int64_t number;
    size_t untaken; /* bytes that the client's socket has not taken yet */
    bool dirty;
    struct hosted_tunnel *prev, *next; /* among the dirty */
    UT_hash_handle hh;
};

static struct hosted_tunnel *of(const struct eio_channel *base)
{
    return CONTAINER_OF(base, struct hosted_tunnel, base);
}

static struct hosted_tunnel *find(struct call *call, int64_t number)
{
    struct caller *caller = caller_of(call->context, call->peer);
    struct hosted_tunnel *t;

    HASH_FIND(hh, caller->tunnels, &number, sizeof number, t);
    return t;
}

static void clean(struct hosted_tunnel *t)
{
    struct mesh *mesh = t->caller->mesh;

    if (!t->dirty) return;
    t->dirty = false;
    DL_DELETE(mesh->dirty, t);
}

static void hosted_free(struct hosted_tunnel *t)
{
    struct mesh *mesh = t->caller->mesh;

    clean(t);
    if (mesh->writing == t) mesh->writing = NULL;
    HASH_DEL(t->caller->tunnels, t);
    mem_free(t);
}

/* --- what the session does with it --- */

static bool put(struct eio_channel *base, struct str frame)
{
    struct hosted_tunnel *t = of(base);
    struct mesh *mesh = t->caller->mesh;

    assert(mesh->writing == t);
    if (t->untaken >= DOWN_WINDOW) return false;
    buf_add_str(&mesh->frames, frame);
    t->untaken += frame.len;
    return true;
}

static void send_frames(struct hosted_tunnel *t)
{
    struct mesh *mesh = t->caller->mesh;
    struct str left = buf_str(&mesh->frames);

    while (left.len > 0) {
        size_t n = left.len < MESH_BYTES_GOOD ? left.len : MESH_BYTES_GOOD;
        struct mesh_frames record = { t->number, { left.at, n } };
        caller_send(t->caller, "mesh.frames", mesh_frames_shape(), &record);
        left = str_skip(left, n);
    }
    buf_clear(&mesh->frames);
    if (mesh->frames.cap > 2 * DOWN_WINDOW) {
        buf_free(&mesh->frames);
        mesh->frames = BUF(SIZE_MAX);
    }
}

static void want_write(struct eio_channel *base)
{
    struct hosted_tunnel *t = of(base);
    struct mesh *mesh = t->caller->mesh;

    if (t->dirty) return;
    t->dirty = true;
    DL_APPEND(mesh->dirty, t);
    before_sleep_wake(&mesh->before_sleep);
}

/* The session may close it meanwhile; then what it put has gone out already. */
static void flush(struct eio_channel *base)
{
    struct hosted_tunnel *t = of(base);
    struct mesh *mesh = t->caller->mesh;

    if (mesh->writing != NULL) {
        want_write(base);
        return;
    }
    clean(t);
    mesh->writing = t;
    eio_channel_writable(base);
    if (mesh->writing == t) send_frames(t);
    mesh->writing = NULL;
}

static bool is_blocked(const struct eio_channel *base)
{
    const struct hosted_tunnel *t = of(base);

    return t->untaken >= DOWN_WINDOW || t->caller->first != NULL;
}

static void close_it(struct eio_channel *base, int code, const char *reason)
{
    struct hosted_tunnel *t = of(base);
    struct mesh_end record = { t->number, code, *reason != '\0' ? str_of(reason) : STR_NONE };

    if (t->caller->mesh->writing == t) send_frames(t);
    caller_send(t->caller, "mesh.ended", mesh_end_shape(), &record);
    hosted_free(t);
}

/* The gateway that has the client reads and inflates its messages, and has to know how much that may be. */
static void bound(struct eio_channel *base, bool is_stranger)
{
    struct hosted_tunnel *t = of(base);
    struct mesh_bound record = { t->number, is_stranger };

    caller_send(t->caller, "mesh.bound", mesh_bound_shape(), &record);
}

static const struct eio_channel_way way = { put, want_write, flush, is_blocked, bound, NULL, close_it };

static void hosted_tunnels_check(const struct mesh *mesh)
{
    const struct hosted_tunnel *t, *found;

    DL_FOREACH(mesh->dirty, t)
    {
        HASH_FIND(hh, t->caller->tunnels, &t->number, sizeof t->number, found);
        assert(found == t && t->dirty && t->caller->mesh == mesh && t->base.session != NULL);
    }
    assert(mesh->writing == NULL && mesh->frames.len == 0);
}

void hosted_tunnels_write(struct mesh *mesh)
{
    for (unsigned n = 0; mesh->dirty != NULL && n < WRITES_A_TURN; n++) flush(&mesh->dirty->base);
    CHECK_STEP(hosted_tunnels_check(mesh));
}

/* --- what its client does --- */

enum err mesh_upgrade(struct call *call, const struct mesh_upgrade *req, struct nothing *rep)
{
    struct mesh *mesh = call->context;
    struct caller *caller = caller_of(mesh, call->peer);
    struct eio *eio = mesh->faces[req->face].eio;

    (void)rep;
    if (find(call, req->tunnel) != NULL) return call_fail(call, ERR_CONFLICT, "tunnel: in use");
    struct hosted_tunnel *t = mem_zero(sizeof *t);
    *t = (struct hosted_tunnel){
        .base = { .way = &way, .answers_probe = req->probe }, .caller = caller, .number = req->tunnel
    };
    snprintf(t->base.address, sizeof t->base.address, "%.*s", STR_ARG(req->address));
    HASH_ADD(hh, caller->tunnels, number, sizeof t->number, t);
    if (eio == NULL || !eio_take_upgrade(eio, &t->base, req->sid)) close_it(&t->base, 0, "");
    return OK;
}

enum err mesh_message(struct call *call, const struct mesh_message *req, struct nothing *rep)
{
    struct hosted_tunnel *t = find(call, req->tunnel);

    (void)rep;
    if (t != NULL) eio_channel_message(&t->base, req->binary, req->bytes);
    return OK;
}

enum err mesh_taken(struct call *call, const struct mesh_taken *req, struct nothing *rep)
{
    struct hosted_tunnel *t = find(call, req->tunnel);

    (void)rep;
    if (t == NULL) return OK;
    t->untaken -= (size_t)req->bytes < t->untaken ? (size_t)req->bytes : t->untaken;
    want_write(&t->base);
    return OK;
}

static void gone(struct hosted_tunnel *t)
{
    eio_channel_closed(&t->base);
    hosted_free(t);
}

enum err mesh_close(struct call *call, const struct mesh_tunnel *req, struct nothing *rep)
{
    struct hosted_tunnel *t = find(call, req->tunnel);

    (void)rep;
    if (t != NULL) gone(t);
    return OK;
}

void hosted_tunnels_gone(struct caller *caller)
{
    while (caller->tunnels != NULL) gone(caller->tunnels);
}

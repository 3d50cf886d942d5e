/* remote_tunnels.c - WebSockets of sessions here, whose clients are at other gateways. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <utlist.h>

#include "libshared/base/container_of.h"
#include "libshared/base/holding.h"
#include "libshared/base/invariant.h"
#include "services/gateway/mesh/mesh_private.h"

#define WRITES_A_TURN 10000

struct remote_tunnel {
    struct eio_channel base;
    struct remote_gateway *remote;
    int64_t number;
    size_t untaken; /* bytes that the client's socket has not taken yet */
    bool stranger;  /* as its client's gateway knows */
    bool dirty;
    struct remote_tunnel *prev, *next; /* among the dirty */
    UT_hash_handle hh;
};

static struct remote_tunnel *tunnel_of(const struct eio_channel *base)
{
    return CONTAINER_OF(base, struct remote_tunnel, base);
}

static struct remote_tunnel *find_tunnel(struct call *call, int64_t number)
{
    struct remote_gateway *remote = remote_gateway_get(call->context, call->peer);
    struct remote_tunnel *t;

    HASH_FIND(hh, remote->tunnels, &number, sizeof number, t);
    return t;
}

static void clean_tunnel(struct remote_tunnel *t)
{
    struct mesh *mesh = t->remote->mesh;

    if (!t->dirty) return;
    t->dirty = false;
    DL_DELETE(mesh->dirty, t);
}

static void free_request(struct remote_tunnel *t)
{
    struct mesh *mesh = t->remote->mesh;

    clean_tunnel(t);
    if (mesh->writing == t) mesh->writing = NULL;
    HASH_DEL(t->remote->tunnels, t);
    mem_free(t);
}

/* --- what the session does with it --- */

static bool put_frame(struct eio_channel *base, struct str frame)
{
    struct remote_tunnel *t = tunnel_of(base);
    struct mesh *mesh = t->remote->mesh;

    assert(mesh->writing == t);
    if (t->untaken >= DOWN_WINDOW) return false;
    buf_add_str(&mesh->frames, frame);
    t->untaken += frame.len;
    return true;
}

static void send_frames(struct remote_tunnel *t)
{
    struct mesh *mesh = t->remote->mesh;
    struct str left = buf_str(&mesh->frames);

    while (left.len > 0) {
        size_t n = left.len < MESH_BYTES_GOOD ? left.len : MESH_BYTES_GOOD;
        struct mesh_frames record = { t->number, { left.at, n } };
        remote_gateway_send(t->remote, "mesh.frames", mesh_frames_shape(), &record);
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
    struct remote_tunnel *t = tunnel_of(base);
    struct mesh *mesh = t->remote->mesh;

    if (t->dirty) return;
    t->dirty = true;
    DL_APPEND(mesh->dirty, t);
    before_sleep_wake(&mesh->before_sleep);
}

/* The session may close it meanwhile; then what it put has gone out already. */
static void flush_tunnel(struct eio_channel *base)
{
    struct remote_tunnel *t = tunnel_of(base);
    struct mesh *mesh = t->remote->mesh;

    if (mesh->writing != NULL) {
        want_write(base);
        return;
    }
    clean_tunnel(t);
    mesh->writing = t;
    eio_channel_writable(base);
    if (mesh->writing == t) send_frames(t);
    mesh->writing = NULL;
}

static bool is_blocked(const struct eio_channel *base)
{
    const struct remote_tunnel *t = tunnel_of(base);

    return t->untaken >= DOWN_WINDOW || t->remote->first != NULL;
}

static void close_it(struct eio_channel *base, int code, const char *reason)
{
    struct remote_tunnel *t = tunnel_of(base);
    struct mesh_end record = { t->number, code, *reason != '\0' ? str_of(reason) : STR_NONE };

    if (t->remote->mesh->writing == t) send_frames(t);
    remote_gateway_send(t->remote, "mesh.ended", mesh_end_shape(), &record);
    free_request(t);
}

/* The gateway that has the client reads, inflates and holds its messages, and has to know how much that may be. */
static void tell_bound(const struct remote_tunnel *t, struct str subject)
{
    struct mesh_bound record = { t->number, t->stranger, subject };

    remote_gateway_send(t->remote, "mesh.bound", mesh_bound_shape(), &record);
}

static void bound(struct eio_channel *base, bool is_stranger)
{
    tunnel_of(base)->stranger = is_stranger;
    tell_bound(tunnel_of(base), STR_NONE);
}

static void follow_session(struct eio_channel *base, const struct holding *session)
{
    struct str subject = holding_subject(session);

    if (subject.len > 0) tell_bound(tunnel_of(base), subject);
}

static const struct eio_channel_way way = { put_frame, want_write, flush_tunnel, is_blocked, bound, follow_session,
    close_it };

static void remote_tunnels_check(const struct mesh *mesh)
{
    const struct remote_tunnel *t, *found;

    DL_FOREACH(mesh->dirty, t) {
        HASH_FIND(hh, t->remote->tunnels, &t->number, sizeof t->number, found);
        assert(found == t && t->dirty && t->remote->mesh == mesh && t->base.session != NULL);
    }
    assert(mesh->writing == NULL && mesh->frames.len == 0);
}

void remote_tunnels_write(struct mesh *mesh)
{
    for (unsigned n = 0; mesh->dirty != NULL && n < WRITES_A_TURN; n++) flush_tunnel(&mesh->dirty->base);
    CHECK_STEP(remote_tunnels_check(mesh));
}

/* --- what its client does --- */

enum err mesh_upgrade(struct call *call, const struct mesh_upgrade *req, struct nothing *rep)
{
    struct mesh *mesh = call->context;
    struct remote_gateway *remote = remote_gateway_get(mesh, call->peer);
    struct eio *eio = mesh->paths[req->path].eio;

    (void)rep;
    if (find_tunnel(call, req->tunnel) != NULL) return call_fail(call, ERR_CONFLICT, "tunnel: in use");
    struct remote_tunnel *t = mem_zero(sizeof *t);
    *t = (struct remote_tunnel){
        .base = { .way = &way, .answers_probe = req->probe }, .remote = remote, .number = req->tunnel
    };
    snprintf(t->base.address, sizeof t->base.address, "%.*s", STR_ARG(req->address));
    HASH_ADD(hh, remote->tunnels, number, sizeof t->number, t);
    if (eio == NULL || !eio_take_upgrade(eio, &t->base, req->sid)) close_it(&t->base, 0, "");
    return OK;
}

enum err mesh_message(struct call *call, const struct mesh_message *req, struct nothing *rep)
{
    struct remote_tunnel *t = find_tunnel(call, req->tunnel);

    (void)rep;
    if (t != NULL) eio_channel_message(&t->base, req->binary, req->bytes);
    return OK;
}

enum err mesh_taken(struct call *call, const struct mesh_taken *req, struct nothing *rep)
{
    struct remote_tunnel *t = find_tunnel(call, req->tunnel);

    (void)rep;
    if (t == NULL) return OK;
    t->untaken -= (size_t)req->bytes < t->untaken ? (size_t)req->bytes : t->untaken;
    want_write(&t->base);
    return OK;
}

static void forget_tunnel(struct remote_tunnel *t)
{
    eio_channel_closed(&t->base);
    free_request(t);
}

enum err mesh_close(struct call *call, const struct mesh_tunnel *req, struct nothing *rep)
{
    struct remote_tunnel *t = find_tunnel(call, req->tunnel);

    (void)rep;
    if (t != NULL) forget_tunnel(t);
    return OK;
}

void remote_tunnels_gone(struct remote_gateway *remote)
{
    while (remote->tunnels != NULL) forget_tunnel(remote->tunnels);
}

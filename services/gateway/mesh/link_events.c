/* link_events.c - what the pipes to the other gateways say, and whom it concerns. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "services/gateway/mesh/mesh_private.h"

static bool read_record(struct mesh *mesh, const struct wire_shape *shape, struct str body, void *out)
{
    struct wire_error why = { .field = "" };

    if (wire_decode(shape, body, mesh->arena, out, &why) == OK) return true;
    LOG_BOUNDED(WARN, "mesh.unreadable", F_TEXT("why", why.text));
    return false;
}

/* "resync" is for those who lose events; a gateway keeps them until there is room. */
static void take_link_event(struct mesh *mesh, struct str name, struct str body)
{
    union {
        struct mesh_answer answer;
        struct mesh_frames frames;
        struct mesh_bound bound;
        struct mesh_end end;
    } it;

    if (str_is(name, "mesh.answered")) {
        if (read_record(mesh, mesh_answer_shape(), body, &it.answer)) forwarded_request_answered(mesh, &it.answer);
    } else if (str_is(name, "mesh.frames")) {
        if (read_record(mesh, mesh_frames_shape(), body, &it.frames)) tunnel_frames(mesh, &it.frames);
    } else if (str_is(name, "mesh.bound")) {
        if (read_record(mesh, mesh_bound_shape(), body, &it.bound)) tunnel_bound(mesh, &it.bound);
    } else if (str_is(name, "mesh.ended")) {
        if (read_record(mesh, mesh_end_shape(), body, &it.end)) tunnel_ended(mesh, &it.end);
    }
    arena_reset(mesh->arena);
}

/* What was on it cannot go on, as nobody can tell which answers were lost: its clients connect anew. */
static void on_lost(struct mesh *mesh, const struct link *link)
{
    forwarded_requests_fail(mesh, link);
    tunnels_fail(mesh, link);
}

static bool on_refused(struct mesh *mesh, int64_t number)
{
    return forwarded_request_fail(mesh, number) || tunnel_fail_one(mesh, number);
}

const struct link_events mesh_link_events = {
    .up = wait_retry, .event = take_link_event, .lost = on_lost, .refused = on_refused, .taken = tunnel_sent
};

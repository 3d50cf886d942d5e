/* mesh.c - the mesh as a whole: made, announced, left. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "services/gateway/mesh/mesh_private.h"

static struct metric *forwarded_metric(const char *labels)
{
    return metric_counter("madang_mesh_forwarded_total", labels, "Handed to the gateway that has the session");
}

struct mesh *mesh_create(struct ev_loop *loop, const struct mesh_config *config)
{
    struct mesh *mesh = mem_zero(sizeof *mesh);

    mesh->loop = loop;
    mesh->config = *config;
    mesh->body = BUF(MESH_BYTES_MAX + 4096);
    /* bound: records without lists, and a page of gateways, whose room the decoder asks for */
    mesh->arena = arena_create("mesh", 1u << 20);
    mesh->polls = forwarded_metric("kind=\"poll\"");
    mesh->posts = forwarded_metric("kind=\"post\"");
    mesh->upgrades = forwarded_metric("kind=\"upgrade\"");
    mesh->messages = forwarded_metric("kind=\"message\"");
    mesh->open = metric_gauge("madang_mesh_tunnels", NULL, "WebSockets here whose session is on another gateway");
    mesh->link_events = &mesh_link_events;
    wait_init(mesh);
    mesh_server_open(mesh);
    return mesh;
}

void mesh_destroy(struct mesh **mesh)
{
    struct mesh *m = *mesh;

    if (m == NULL) return;
    m->ending = true;
    for (int i = 0; i < MESH_PATHS; i++)
        if (m->paths[i].eio != NULL) eio_set_mesh(m->paths[i].eio, &(struct eio_mesh){ .arg = NULL });
    forwarded_requests_free(m);
    known_sessions_free(m);
    tunnels_free(m);
    links_free(m);
    mesh_server_close(m);
    ev_timer_stop(m->loop, &m->patience);
    arena_destroy(&m->arena);
    buf_free(&m->body);
    mem_free(m);
    *mesh = NULL;
}

/* --- between Engine.IO and the others --- */

static bool is_foreign(struct str sid)
{
    for (size_t i = 0; i < sid.len; i++) {
        char c = sid.at[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return !str_starts(sid, (struct str){ eio_gateway_id(), EIO_GATEWAY_CHARS });
}

static bool http_begin(void *arg, struct http *http, struct str sid)
{
    return is_foreign(sid) && forwarded_request_begin(arg, http, sid);
}

static bool ws_accept(void *arg, struct str sid)
{
    struct mesh_path *path = arg;

    return is_foreign(sid) && link_for(path->mesh, sid) != NULL;
}

static void ws_open(void *arg, struct ws *ws, struct str sid)
{
    tunnel_open(arg, ws, sid);
}

void mesh_serve(struct mesh *mesh, enum mesh_path_number number, struct eio *eio)
{
    if (mesh == NULL || eio == NULL) return;
    struct mesh_path *path = &mesh->paths[number];
    *path = (struct mesh_path){ mesh, eio, number };
    eio_set_mesh(eio, &(struct eio_mesh){ path, http_begin, ws_accept, ws_open });
}

/* --- who there is --- */

static void learn_gateways(struct mesh *mesh, struct str body)
{
    struct gateway_page page;
    struct wire_error why = { .field = "" };

    if (wire_decode(gateway_page_shape(), body, mesh->arena, &page, &why) == OK) {
        links_learn(mesh, &page);
        wait_retry(mesh);
    } else {
        LOG(WARN, "mesh.gateways_unreadable", F_TEXT("why", why.text));
    }
    arena_reset(mesh->arena);
}

/* When the directory is away it is asked again as soon as it is back. */
static void on_announced(void *arg, enum err status, struct str body)
{
    struct mesh *mesh = arg;

    if (mesh->ending) return;
    if (status == OK)
        learn_gateways(mesh, body);
    else
        LOG(WARN, "mesh.not_announced", F_TEXT("code", err_code(status)));
}

void mesh_directory_up(struct mesh *mesh, const struct service_pipes *directory)
{
    if (mesh == NULL) return;
    struct gateway_info self = { { eio_gateway_id(), EIO_GATEWAY_CHARS }, str_of(mesh->config.endpoint) };
    method_ask(directory, M_chat_gateway_announce, &self, on_announced, mesh);
}

void mesh_gateways_changed(struct mesh *mesh, struct str body)
{
    if (mesh != NULL) learn_gateways(mesh, body);
}

/* --- leaving --- */

void mesh_leave(struct mesh *mesh)
{
    if (mesh != NULL) rpc_server_leave(mesh->server);
}

void mesh_drain(struct mesh *mesh, int64_t elapsed_ms, int64_t spread_ms)
{
    if (mesh == NULL) return;
    forwarded_requests_release(mesh, elapsed_ms, spread_ms);
    tunnels_release(mesh, elapsed_ms, spread_ms);
}

size_t mesh_in_flight(const struct mesh *mesh)
{
    return mesh == NULL ? 0 : forwarded_requests_count(mesh) + tunnels_count(mesh) + mesh->queued;
}

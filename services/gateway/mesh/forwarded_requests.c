/* forwarded_requests.c - GETs and POSTs of clients here, for sessions that another gateway has. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "libshared/base/container_of.h"
#include "libshared/base/metrics.h"
#include "services/gateway/mesh/mesh_private.h"

struct forwarded_request {
    struct waiter waiter;
    struct eio_http_user user;
    struct mesh_path *path;
    struct http *http;
    struct link *link; /* that it went to; NULL: it waits, or its body is still to come */
    int64_t number;
    bool post, released;
    UT_hash_handle hh;
};

static struct forwarded_request *of_user(struct eio_http_user *user)
{
    return CONTAINER_OF(user, struct forwarded_request, user);
}

/* Out of all lists; its request is nobody's. */
static struct http *let_go(struct forwarded_request *a)
{
    struct mesh *mesh = a->path->mesh;
    struct http *http = a->http;

    wait_end(mesh, &a->waiter);
    if (a->link != NULL) a->link->users--;
    HASH_DEL(mesh->forwarded, a);
    http_set_user(http, NULL);
    mem_free(a);
    return http;
}

static void refuse_request(struct forwarded_request *a)
{
    eio_refuse_sid(let_go(a));
}

/* --- going there --- */

static void on_link_reached(struct waiter *waiter, struct link *link)
{
    struct forwarded_request *a = CONTAINER_OF(waiter, struct forwarded_request, waiter);
    struct mesh *mesh = a->path->mesh;
    struct mesh_request record = { .call = a->number,
        .path = a->path->number,
        .sid = mesh_sid(waiter->sid),
        .post = a->post,
        .octets = str_starts(http_header(a->http, "content-type"), STR("application/octet-stream")),
        .body = http_body(a->http),
        .address = http_address(a->http) };
    struct freight freight = { .number = a->number, .from = http_limited(a->http), .bytes = record.body.len };

    if (!link_has_room(link, &freight)) {
        http_reply(let_go(a), 429, NULL, STR_NONE, NULL, 0);
        return;
    }
    a->link = link;
    link->users++;
    metric_add(a->post ? mesh->posts : mesh->polls, 1);
    link_send_for(link, M_gateway_mesh_ask, &record, &freight);
}

static void on_given_up(struct waiter *waiter)
{
    refuse_request(CONTAINER_OF(waiter, struct forwarded_request, waiter));
}

static void on_request_ready(struct eio_http_user *user, struct http *http)
{
    struct forwarded_request *a = of_user(user);

    (void)http;
    wait_begin(a->path->mesh, &a->waiter);
}

static void on_request_gone(struct eio_http_user *user, struct http *http)
{
    struct forwarded_request *a = of_user(user);
    struct mesh_call call = { a->number };
    struct link *link = a->link;

    (void)http;
    let_go(a);
    if (link != NULL && link_is_up(link)) link_send(link, M_gateway_mesh_forget, &call);
}

bool forwarded_request_begin(struct mesh_path *path, struct http *http, struct str sid)
{
    bool post = str_is(http_method(http), "POST");

    if (!post && !str_is(http_method(http), "GET")) return false;
    struct forwarded_request *a = mem_zero(sizeof *a);
    a->waiter.reached = on_link_reached;
    a->waiter.given_up = on_given_up;
    snprintf(a->waiter.sid, sizeof a->waiter.sid, "%.*s", STR_ARG(sid));
    a->user = (struct eio_http_user){ on_request_ready, on_request_gone };
    a->path = path;
    a->http = http;
    a->post = post;
    a->number = ++path->mesh->last_number;
    HASH_ADD(hh, path->mesh->forwarded, number, sizeof a->number, a);
    http_set_user(http, &a->user);
    known_session_count(path->mesh, sid, http);
    if (path->mesh->config.max_payload > MESH_BYTES_MAX) http_set_body_max(http, MESH_BYTES_MAX);
    return true;
}

/* --- and back --- */

void forwarded_request_answered(struct mesh *mesh, const struct mesh_answer *answer)
{
    static const struct http_header_out no_store = { "Cache-Control", { "no-store", 8 } };
    char type[404];
    struct forwarded_request *a;

    HASH_FIND(hh, mesh->forwarded, &answer->call, sizeof answer->call, a);
    if (a == NULL) return; /* its client hung up */
    known_session_learn(mesh, mesh_sid(a->waiter.sid), answer->subject, a->http);
    snprintf(type, sizeof type, "%.*s", STR_ARG(answer->content_type));
    http_reply(let_go(a), (int)answer->status, answer->content_type.len > 0 ? type : NULL, answer->body, &no_store,
        answer->no_store ? 1 : 0);
}

static void fail_one(struct forwarded_request *a)
{
    if (a->link != NULL && link_is_up(a->link))
        link_send(a->link, M_gateway_mesh_forget, &(struct mesh_call){ a->number });
    refuse_request(a);
}

void forwarded_requests_fail(struct mesh *mesh, const struct link *link)
{
    struct forwarded_request *a, *next;

    HASH_ITER(hh, mesh->forwarded, a, next)
        if (a->link == link) fail_one(a);
}

bool forwarded_request_fail(struct mesh *mesh, int64_t number)
{
    struct forwarded_request *a;

    HASH_FIND(hh, mesh->forwarded, &number, sizeof number, a);
    if (a != NULL) fail_one(a);
    return a != NULL;
}

/* Its answer is nothing, and that the connection ends: the client's next poll goes to another gateway. */
void forwarded_requests_release(struct mesh *mesh, int64_t elapsed_ms, int64_t spread_ms)
{
    struct forwarded_request *a, *next;

    HASH_ITER(hh, mesh->forwarded, a, next) {
        if (a->released || a->post || a->link == NULL) continue;
        if (eio_drain_delay_ms(a->waiter.sid, spread_ms) > elapsed_ms) continue;
        a->released = true;
        if (link_is_up(a->link)) link_send(a->link, M_gateway_mesh_release, &(struct mesh_call){ a->number });
    }
}

size_t forwarded_requests_count(const struct mesh *mesh)
{
    return HASH_COUNT(mesh->forwarded);
}

void forwarded_requests_free(struct mesh *mesh)
{
    struct forwarded_request *a, *next;

    HASH_ITER(hh, mesh->forwarded, a, next) let_go(a);
}

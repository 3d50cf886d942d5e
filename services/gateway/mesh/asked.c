/* asked.c - GETs and POSTs of clients here, for sessions that another gateway has. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "libshared/base/container_of.h"
#include "libshared/base/metrics.h"
#include "services/gateway/mesh/inside.h"

struct asked {
    struct waiter waiter;
    struct eio_http_user user;
    struct face *face;
    struct http *http;
    struct link *link; /* that it went to; NULL: it waits, or its body is still to come */
    int64_t number;
    bool post, released;
    UT_hash_handle hh;
};

static struct asked *of_user(struct eio_http_user *user)
{
    return CONTAINER_OF(user, struct asked, user);
}

/* Out of all lists; its request is nobody's. */
static struct http *let_go(struct asked *a)
{
    struct mesh *mesh = a->face->mesh;
    struct http *http = a->http;

    wait_end(mesh, &a->waiter);
    if (a->link != NULL) a->link->users--;
    HASH_DEL(mesh->asked, a);
    http_set_user(http, NULL);
    mem_free(a);
    return http;
}

static void refuse(struct asked *a)
{
    eio_refuse_sid(let_go(a));
}

/* --- going there --- */

static void reached(struct waiter *waiter, struct link *link)
{
    struct asked *a = CONTAINER_OF(waiter, struct asked, waiter);
    struct mesh *mesh = a->face->mesh;
    struct mesh_request record = { .call = a->number,
        .face = a->face->number,
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
    link_send_for(link, M_mesh_ask, &record, &freight);
}

static void given_up(struct waiter *waiter)
{
    refuse(CONTAINER_OF(waiter, struct asked, waiter));
}

static void ready(struct eio_http_user *user, struct http *http)
{
    struct asked *a = of_user(user);

    (void)http;
    wait_begin(a->face->mesh, &a->waiter);
}

static void gone(struct eio_http_user *user, struct http *http)
{
    struct asked *a = of_user(user);
    struct mesh_call call = { a->number };
    struct link *link = a->link;

    (void)http;
    let_go(a);
    if (link != NULL && link_is_up(link)) link_send(link, M_mesh_forget, &call);
}

bool asked_begin(struct face *face, struct http *http, struct str sid)
{
    bool post = str_is(http_method(http), "POST");

    if (!post && !str_is(http_method(http), "GET")) return false;
    struct asked *a = mem_zero(sizeof *a);
    a->waiter.reached = reached;
    a->waiter.given_up = given_up;
    snprintf(a->waiter.sid, sizeof a->waiter.sid, "%.*s", STR_ARG(sid));
    a->user = (struct eio_http_user){ ready, gone };
    a->face = face;
    a->http = http;
    a->post = post;
    a->number = ++face->mesh->last_number;
    HASH_ADD(hh, face->mesh->asked, number, sizeof a->number, a);
    http_set_user(http, &a->user);
    if (face->mesh->config.max_payload > MESH_BYTES_MAX) http_set_body_max(http, MESH_BYTES_MAX);
    return true;
}

/* --- and back --- */

void asked_answered(struct mesh *mesh, const struct mesh_answer *answer)
{
    static const struct http_header_out no_store = { "Cache-Control", { "no-store", 8 } };
    char type[404];
    struct asked *a;

    HASH_FIND(hh, mesh->asked, &answer->call, sizeof answer->call, a);
    if (a == NULL) return; /* its client hung up */
    snprintf(type, sizeof type, "%.*s", STR_ARG(answer->content_type));
    http_reply(let_go(a), (int)answer->status, answer->content_type.len > 0 ? type : NULL, answer->body, &no_store,
        answer->no_store ? 1 : 0);
}

static void fail_one(struct asked *a)
{
    if (a->link != NULL && link_is_up(a->link)) link_send(a->link, M_mesh_forget, &(struct mesh_call){ a->number });
    refuse(a);
}

void asked_fail(struct mesh *mesh, const struct link *link)
{
    struct asked *a, *next;

    HASH_ITER(hh, mesh->asked, a, next)
    if (a->link == link) fail_one(a);
}

bool asked_fail_one(struct mesh *mesh, int64_t number)
{
    struct asked *a;

    HASH_FIND(hh, mesh->asked, &number, sizeof number, a);
    if (a != NULL) fail_one(a);
    return a != NULL;
}

/* Its answer is nothing, and that the connection ends: the client's next poll goes to another gateway. */
void asked_release(struct mesh *mesh, int64_t elapsed_ms, int64_t spread_ms)
{
    struct asked *a, *next;

    HASH_ITER(hh, mesh->asked, a, next)
    {
        if (a->released || a->post || a->link == NULL) continue;
        if (eio_moment_ms(a->waiter.sid, spread_ms) > elapsed_ms) continue;
        a->released = true;
        if (link_is_up(a->link)) link_send(a->link, M_mesh_release, &(struct mesh_call){ a->number });
    }
}

size_t asked_count(const struct mesh *mesh)
{
    return HASH_COUNT(mesh->asked);
}

void asked_free(struct mesh *mesh)
{
    struct asked *a, *next;

    HASH_ITER(hh, mesh->asked, a, next) let_go(a);
}

/*
 * mesh_private.h - what the files of mesh/ share; nobody else includes it.
 *
 *      at the gateway that has the client             at the gateway that has the session
 *      forwarded_requests.c    its requests                        remote_requests.c    requests
 *      known_sessions.c        and whose they are
 *      tunnel.c   its WebSockets                      remote_tunnels.c  WebSockets
 *      link.c     a pipe to each other gateway        mesh_server.c          the server
 *      wait.c     who waits for a pipe                remote_gateways.c       who calls, and what waits for its pipe
 *      link_events.c    what the pipes say, and to whom
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "libshared/base/before_sleep.h"
#include "libshared/base/table.h"
#include "libshared/rpc/rpc_rows.h"
#include "services/gateway/engineio/client_io.h"
#include "services/gateway/mesh/mesh.h"
#include "services/gateway/methods.h"

/* What one record of proto/gateway.def carries at most, and what is put into one as a rule. */
#define MESH_BYTES_MAX  (16u << 20)
#define MESH_BYTES_GOOD (1u << 20)
/* Bytes for one WebSocket that its client's gateway has not yet written: past it the session keeps what comes. */
#define DOWN_WINDOW     (128u << 10)
/* Bytes from one WebSocket that the session's gateway has not yet taken: past it the client is not read. */
#define UP_WINDOW       (256u << 10)
/* A message counts as so many bytes more, or 100,000 empty ones would fit. */
#define MESSAGE_COST    4096
/* How long a request waits for a gateway that nobody has heard of, or for the pipe to it: it may have just come. */
#define PATIENCE_MS     1000
/* A gateway that has just begun may not have heard of any other: then it is the one that is late. */
#define YOUNG_MS        5000

struct metric;

/* Another gateway.  The pipe is opened when it is first needed. */
struct link {
    struct mesh *mesh;
    struct rpc_client *client; /* NULL: not yet needed */
    UT_hash_handle hh;
    size_t users;                    /* requests and WebSockets that are on it */
    size_t bytes;                    /* of clients, on their way there, */
    struct address_count *addresses; /* and whose they are */
    bool listed;                     /* chat knows it */
    bool closing;
    char id[EIO_GATEWAY_CHARS + 1];
    char endpoint[801];
};

/* First member of a request or WebSocket of a client of ours. */
struct waiter {
    struct waiter *prev, *next;
    bool waits;
    int64_t until_us;
    void (*reached)(struct waiter *waiter, struct link *link);
    void (*given_up)(struct waiter *waiter);
    char sid[EIO_SID_CHARS + 1];
};

struct forwarded_request;
struct known_session;
struct tunnel;
struct remote_gateway;
struct remote_tunnel;

struct mesh_path {
    struct mesh *mesh;
    struct eio *eio;
    enum mesh_path_number number;
};

struct mesh {
    struct ev_loop *loop;
    struct mesh_config config;
    struct mesh_path paths[MESH_PATHS];
    struct buf body;     /* scratch: a record */
    struct arena *arena; /* scratch */
    bool ending;
    /* our clients */
    const struct link_events *link_events; /* who hears of the links */
    struct link *links;
    struct forwarded_request *forwarded; /* by number; also those that wait */
    struct known_session *known;         /* by sid */
    struct tunnel *tunnels;              /* by number */
    struct waiter *waiting;
    int64_t began_us;
    ev_timer patience;
    int64_t last_number;
    struct metric *polls, *posts, *upgrades, *messages, *open;
    /* our sessions */
    struct rpc_server *server;
    struct remote_gateway *remotes;
    struct remote_tunnel *dirty;   /* they have something to write */
    struct remote_tunnel *writing; /* into `frames` */
    struct buf frames;
    size_t queued; /* events that found a pipe full */
    struct before_sleep before_sleep;
    ev_timer retry;
};

static inline struct str mesh_sid(const char sid[EIO_SID_CHARS + 1])
{
    return (struct str){ sid, EIO_SID_CHARS };
}

/* --- link.c: it knows nobody above it --- */
/* What pipes have to say. */
struct link_events {
    void (*up)(struct mesh *mesh); /* one is */
    void (*event)(struct mesh *mesh, struct str name, struct str body);
    void (*lost)(struct mesh *mesh, const struct link *link);
    bool (*refused)(struct mesh *mesh, int64_t number);             /* what link_send sent; false: nobody's any more */
    void (*taken)(struct mesh *mesh, int64_t number, size_t bytes); /* the same, if it has bytes */
};
struct link *link_for(struct mesh *mesh, struct str sid); /* NULL: unknown.  It may not be up. */
bool link_is_up(const struct link *link);
/* What a client causes to be sent. */
struct freight {
    int64_t number;              /* of its request or tunnel, which ends if the record is not taken */
    const struct in6_addr *from; /* NULL: nobody's, as http_limited() has it */
    size_t bytes;                /* that it brings along */
    size_t window;               /* of which a tunnel hears when they were taken */
};
/* Has its address a share left of what may be on its way?  One that has most of it leaves as much to the others. */
bool link_has_room(const struct link *link, const struct freight *freight);
void link_send_for(struct link *link, enum method_index method, const void *record, const struct freight *freight);
/* Of our own: small, and nobody waits for it. */
void link_send(struct link *link, enum method_index method, const void *record);
void links_learn(struct mesh *mesh, const struct gateway_page *page);
void links_free(struct mesh *mesh);

/* --- wait.c --- */
void wait_begin(struct mesh *mesh, struct waiter *waiter); /* perhaps reached at once */
void wait_end(struct mesh *mesh, struct waiter *waiter);
void wait_retry(struct mesh *mesh);
void wait_init(struct mesh *mesh);

/* --- forwarded_requests.c --- */
bool forwarded_request_begin(struct mesh_path *path, struct http *http, struct str sid);
void forwarded_request_answered(struct mesh *mesh, const struct mesh_answer *answer);
void forwarded_requests_fail(struct mesh *mesh, const struct link *link); /* its pipe is lost */
bool forwarded_request_fail(struct mesh *mesh, int64_t number);           /* false: there is none */
void forwarded_requests_release(struct mesh *mesh, int64_t elapsed_ms, int64_t spread_ms);
size_t forwarded_requests_count(const struct mesh *mesh);
void forwarded_requests_free(struct mesh *mesh);

/* --- known_sessions.c --- */
/* What the request holds counts for the subject of that session, as far as that is known, or has just been said. */
void known_session_count(const struct mesh *mesh, struct str sid, struct http *http);
void known_session_learn(struct mesh *mesh, struct str sid, struct str subject, struct http *http);
void known_sessions_free(struct mesh *mesh);

/* --- tunnel.c --- */
void tunnel_open(struct mesh_path *path, struct ws *ws, struct str sid);
void tunnel_frames(struct mesh *mesh, const struct mesh_frames *frames);
void tunnel_bound(struct mesh *mesh, const struct mesh_bound *bound);
void tunnel_ended(struct mesh *mesh, const struct mesh_end *end);
void tunnel_sent(struct mesh *mesh, int64_t number, size_t bytes);
void tunnels_fail(struct mesh *mesh, const struct link *link);
bool tunnel_fail_one(struct mesh *mesh, int64_t number);
void tunnels_release(struct mesh *mesh, int64_t elapsed_ms, int64_t spread_ms);
size_t tunnels_count(const struct mesh *mesh);
void tunnels_free(struct mesh *mesh);

/* --- link_events.c --- */
extern const struct link_events mesh_link_events;

/* --- remote_gateways.c --- */
struct remote_request;
struct queued_event;

/* A gateway whose clients have sessions here; one connection of it. */
struct remote_gateway {
    struct mesh *mesh;
    struct rpc_peer *peer;
    struct remote_request *calls;
    struct remote_tunnel *tunnels;
    struct queued_event *first, **last; /* what found the pipe full */
    UT_hash_handle hh;
};

void remote_gateways_init(struct mesh *mesh);
struct remote_gateway *remote_gateway_find(
    struct mesh *mesh, struct rpc_peer *peer); /* NULL: it has asked for nothing yet */
struct remote_gateway *remote_gateway_get(struct mesh *mesh, struct rpc_peer *peer); /* made if need be */
void remote_gateway_free(struct remote_gateway *remote); /* its calls and tunnels are gone */
void remote_gateway_send(
    struct remote_gateway *remote, const char *name, const struct wire_shape *shape, const void *record);

/* --- remote_requests.c, remote_tunnels.c --- */
void remote_requests_gone(struct remote_gateway *remote);
void remote_tunnels_gone(struct remote_gateway *remote);
void remote_tunnels_write(struct mesh *mesh); /* those that want to; the end of a loop round */

/* --- mesh_server.c --- */
void mesh_server_open(struct mesh *mesh);
void mesh_server_close(struct mesh *mesh);

#define METHOD RPC_PROTOTYPE
#include "proto/begin.def"
#include "proto/gateway.def"
#include "proto/end.def"

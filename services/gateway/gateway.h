/* gateway.h - the parts of the edge, as gateway.c puts them together. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "libshared/http/http_server.h"
#include "libshared/service/settings.h"
#include "services/gateway/certificate_ends.h"
#include "services/gateway/connections/connections.h"
#include "services/gateway/identity/floods.h"
#include "services/gateway/interop/interop.h"
#include "services/gateway/mesh/mesh.h"
#include "services/gateway/routes/routes.h"
#include "services/gateway/site/site.h"
#include "services/gateway/system/system.h"
#include "services/gateway/viewers/viewers.h"

#define EXTRA_NAMESPACES_MAX 32

struct health;
struct mesh;
struct gateway;

/* One process of a service at the other end of a pipe. */
struct service_link {
    struct gateway *gateway;
    struct service_part part;
    bool was_up;
};

/* What a program that is a gateway is made of.  services/gateway/main.c is the product; tests/echo is another, for protocol
 * suites.  Without a store there are no rooms, no recovery and no routes. */
struct gateway_kind {
    const char *doc; /* for --help */
    bool has_service[SERVICE_COUNT];
    bool has_mesh;
    bool wants_tokens;      /* false: anybody is a client */
    bool shares_rates;      /* with the other gateways, through Redis */
    bool emits_any_event;   /* back ends may send by an emitter what otherwise only gateways say */
    const char *namespaces; /* separated by commas; those that settings list come after them */
    void (*add_features)(struct gateway *gateway); /* behind those of features.def; NULL: none */
    const struct eio_upper *raw; /* what plain Engine.IO at /engine.io/ is for; NULL: it is not there */
};
/* Reads the settings into `from`, and runs until it is told to leave; the status for exit(). */
int gateway_run(int argc, char **argv, const struct gateway_kind *kind, struct settings *from);

struct gateway {
    const struct gateway_kind *kind;
    const struct settings *settings;
    struct ev_loop *loop;
    struct http_server *server;
    struct site *site;
    struct health *health;
    struct eio *socketio, *msgpack, *engineio; /* msgpack: NULL without a path for it; engineio: NULL in the product */
    struct sio *sio;
    struct sio_namespace namespaces[8 + EXTRA_NAMESPACES_MAX];
    size_t n_namespaces;
    char *names; /* their names, where settings list them */
    struct service_link links[SERVICE_COUNT][PARTS_MAX];
    struct service_pipes pipes[SERVICE_COUNT];
    const struct service_pipes *service[SERVICE_COUNT]; /* those pipes; NULL: a gateway of this kind has none of it */
    struct service_pipes directory;                     /* of the gateways: the first process of chat keeps it */
    struct trusted *trusted;
    struct bearers *bearers;
    struct clients *clients;
    struct handshakes *handshakes; /* NULL: there is no auth to tell */
    struct floods *floods;         /* the same */
    struct certificate_ends *certificate_ends;
    struct viewers *viewers;         /* NULL: there is no share whose links they look at */
    struct rooms *rooms;             /* NULL without a store */
    struct system *system;           /* NULL: there is no auth to say anything */
    struct connections *connections; /* NULL: there is no chat to ask about them */
    struct mesh *mesh;               /* NULL: a gateway of this kind knows of no others */
    struct routes routes;
    struct interop interop;
    int descriptors_max; /* a client's connection has none above it */
    struct memory_watch {
        ev_prepare relief;
        ev_timer tick;
        double trimmed; /* when memory was last given back */
    } memory;
    struct freshness {
        ev_check check;
        ev_timer beat, wait;
        int64_t turned_us; /* the loop, last */
    } freshness;
    bool draining;
    int64_t drain_began_us;
    ev_timer drain;
    ev_signal term, interrupt, hangup;
};

/* memory.c: what is held for clients has bounds, and what was free for a while goes back. */
void memory_watch(struct gateway *gateway);
void memory_unwatch(struct gateway *gateway);

/* service_links.c: the pipes to the services. */
void service_links_connect(struct gateway *gateway);
void service_links_disconnect(struct gateway *gateway);
bool service_links_ready(const struct gateway *gateway, struct buf *why);

/* freshness.c: what was missed is obeyed before anybody is served. */
void freshness_watch(struct gateway *gateway);
void freshness_unwatch(struct gateway *gateway);
void freshness_ask(struct gateway *gateway);      /* auth is there again */
void freshness_is_there(struct gateway *gateway); /* it has said all */

/* features.c: what hangs on each socket with an identity; before the first of them. */
void features_add(struct gateway *gateway);

/* namespaces.c: who answers in which namespace. */
void namespaces_open(struct gateway *gateway);
void namespaces_close(struct gateway *gateway);

/* descriptors.c: asks for as many as the connections need; fewer lower connections_max.  Those above what is returned are
 * no client's. */
int descriptors_limit(struct settings_gateway *s);

/* config.c: what the settings say to each part. */
struct http_server_config config_http(const struct settings *from);
struct site_config config_site(const struct settings *from);
struct eio_config config_eio(const struct settings *from);
struct sio_config config_sio(const struct settings *from);
struct interop_config config_interop(const struct settings *from);
struct recovery_config config_recovery(const struct settings *from);
struct mesh_config config_mesh(const struct settings *from);
struct viewers_config config_viewers(const struct gateway *gateway);

/* edge.c: which path is whose. */
#define HEALTH_PATH "/healthz"
void edge_mount(struct gateway *gateway);

/* drain.c: stop accepting, close sockets a few at a time, finish what is in flight, end the loop. */
void drain_begin(struct gateway *gateway);

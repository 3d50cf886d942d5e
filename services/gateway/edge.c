/* edge.c - which path is whose. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/gateway.h"

/* For load balancers: is this gateway one to send clients to? */
static int answer_health(void *arg, struct http *http)
{
    const struct gateway *gateway = arg;

    if (gateway->draining)
        http_reply(http, 503, "application/json", STR("{\"status\":\"leaving\"}"), NULL, 0);
    else
        http_reply(http, 200, "application/json", STR("{\"status\":\"ok\"}"), NULL, 0);
    return 0;
}

static const struct http_handler health = {
    .methods = "GET, HEAD", .begin = answer_health, .headers = "Cache-Control: no-store\n"
};

/* Without services there are no routes. */
void edge_mount(struct gateway *gateway)
{
    struct http_server *server = gateway->server;

    http_mount(server, "/socket.io/", &eio_handler, gateway->socketio);
    if (gateway->msgpack != NULL)
        http_mount(server, gateway->settings->gateway.msgpack_path, &eio_handler, gateway->msgpack);
    if (gateway->engineio != NULL) http_mount(server, "/engine.io/", &eio_handler, gateway->engineio);
    http_mount(server, HEALTH_PATH, &health, gateway);
    if (gateway->service[SERVICE_store] != NULL) routes_mount(&gateway->routes, server);
    site_mount(gateway->site, server);
}

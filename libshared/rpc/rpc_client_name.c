/*
 * rpc_client_name.c - an endpoint with a name, tcp://auth:7101: ZeroMQ is given its address.
 *
 * ZeroMQ would resolve it on the thread that moves the bytes of all our pipes, at each attempt to connect.
 */
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/errand.h"
#include "libshared/base/resolve.h"
#include "libshared/rpc/rpc_client_private.h"

#define AGAIN_S 0.2 /* a peer that is away may come back at another address */

static void ask_address(struct rpc_client *client);

static void await_again(struct rpc_client *client)
{
    ev_timer_set(&client->ask_again, AGAIN_S, 0.);
    ev_timer_start(client->loop, &client->ask_again);
}

static void connect_to(struct rpc_client *client, const char *endpoint)
{
    if (strcmp(client->connected, endpoint) == 0) return;
    if (client->connected[0] != '\0') loop_sock_disconnect(client->watch, client->connected);
    snprintf(client->connected, sizeof client->connected, "%s", endpoint);
    if (loop_sock_connect(client->watch, endpoint) != 0)
        LOG(ERROR, "rpc.bad_endpoint", F_TEXT("endpoint", endpoint), F_TEXT("why", zmq_strerror(zmq_errno())));
}

static void on_found(void *arg, const char *address, const char *why)
{
    struct rpc_client *client = arg;
    char endpoint[sizeof client->connected];
    if (address == NULL) {
        if (!client->nameless)
            LOG(WARN, "rpc.no_address", F_TEXT("peer", client->config.service),
                F_TEXT("endpoint", client->config.endpoint), F_TEXT("why", why));
    } else if (client->link == LINK_DOWN) {
        snprintf(endpoint, sizeof endpoint, strchr(address, ':') == NULL ? "tcp://%s%s" : "tcp://[%s]%s", address,
            strrchr(client->config.endpoint, ':'));
        connect_to(client, endpoint);
    }
    client->nameless = address == NULL;
    errand_end(&client->resolve);
    await_again(client);
}

/* "tcp://auth:7101", and not "tcp://10.0.0.1:7101", "tcp://[::1]:7101", "ipc://..." */
static bool has_name(const char *endpoint, char host[256])
{
    struct in_addr address;
    const char *from = endpoint + 6, *colon = strrchr(endpoint, ':');
    if (strncmp(endpoint, "tcp://", 6) != 0 || colon <= from || colon - from > 255 || from[0] == '[') return false;
    snprintf(host, 256, "%.*s", (int)(colon - from), from);
    return inet_pton(AF_INET, host, &address) != 1;
}

static void ask_address(struct rpc_client *client)
{
    char host[256];
    if (!has_name(client->config.endpoint, host)) {
        connect_to(client, client->config.endpoint);
        return;
    }
    client->resolve = resolve_begin(client->loop, host, on_found, client);
    if (client->resolve == NULL) await_again(client);
}

static void on_ask_again(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct rpc_client *client = timer->data;
    if (client->link == LINK_DOWN) ask_address(client);
}

void rpc_name_connect(struct rpc_client *client)
{
    client->connected[0] = '\0';
    ev_timer_init(&client->ask_again, on_ask_again, AGAIN_S, 0.);
    client->ask_again.data = client;
    ask_address(client);
}

void rpc_name_end(struct rpc_client *client)
{
    errand_end(&client->resolve);
    ev_timer_stop(client->loop, &client->ask_again);
}

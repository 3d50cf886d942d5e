/* namespaces.c - who answers in which namespace. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/clock.h"
#include "services/gateway/gateway.h"

static const char *const standard[] = { "/", "/chat", "/notification", "/system", "/error" };

static void add(struct gateway *gateway, struct sio_namespace nsp)
{
    gateway->namespaces[gateway->n_namespaces++] = nsp;
}

static bool is_there(const struct gateway *gateway, const char *name)
{
    for (size_t i = 0; i < gateway->n_namespaces; i++)
        if (strcmp(gateway->namespaces[i].name, name) == 0) return true;
    return false;
}

/* Names separated by commas. */
static void add_listed(struct gateway *gateway, const char *list, bool echo)
{
    char *at = NULL;

    gateway->names = mem_alloc(strlen(list) + 1);
    memcpy(gateway->names, list, strlen(list) + 1);
    for (char *name = strtok_r(gateway->names, ", ", &at); name != NULL; name = strtok_r(NULL, ", ", &at)) {
        if (is_there(gateway, name) || gateway->n_namespaces == COUNT(gateway->namespaces)) continue;
        if (!echo)
            add(gateway, clients_namespace(gateway->clients, name));
        else if (gateway->reruns != NULL)
            add(gateway, rerun_namespace(gateway->reruns, name));
        else
            add(gateway, echo_namespace(name));
    }
}

static void welcome(void *arg, struct client *client, struct str auth)
{
    (void)arg;
    echo_welcome(client->socket, auth);
}

static void give_back(void *arg, struct client *client, const struct sio_event *event)
{
    echo_event(arg, client->socket, event);
}

static void nothing_to_do(void *arg, struct client *client)
{
    (void)arg, (void)client;
}

static void nothing_left(void *arg, struct client *client, const char *reason)
{
    (void)arg, (void)client, (void)reason;
}

/* The echo of the conformance configuration, for those who bring a token. */
static struct clients_upper echo_clients(const struct gateway *gateway)
{
    if (gateway->reruns != NULL) return rerun_clients(gateway->reruns);
    return (struct clients_upper){ .opened = welcome,
        .event = give_back,
        .drained = nothing_to_do,
        .changed = nothing_to_do,
        .closed = nothing_left };
}

static int64_t take_connect(void *arg, struct str eio_sid)
{
    return rates_take(arg, RATE_connect, eio_sid, clock_mono_us());
}

void namespaces_open(struct gateway *gateway)
{
    if (gateway->settings->gateway.conformance) gateway->reruns = reruns_create(gateway->loop);
    struct clients_upper upper =
        gateway->settings->gateway.conformance ? echo_clients(gateway) : routes_upper(&gateway->routes);

    const struct sio_config sio = config_sio(gateway->settings);

    gateway->sio = sio_create(&sio);
    sio_guard(gateway->sio, &(struct sio_gate){ gateway->routes.rates, take_connect });
    gateway->clients = clients_create(gateway->loop, gateway->bearers, gateway->routes.rates, &upper);
    if (gateway->settings->gateway.conformance) {
        add_listed(gateway, gateway->settings->gateway.echo_namespaces, !gateway->settings->gateway.echo_token);
    } else {
        for (size_t i = 0; i < COUNT(standard); i++) add(gateway, clients_namespace(gateway->clients, standard[i]));
        add_listed(gateway, gateway->settings->gateway.namespaces, false);
    }
    for (size_t i = 0; i < gateway->n_namespaces; i++) sio_add(gateway->sio, &gateway->namespaces[i]);
}

void namespaces_close(struct gateway *gateway)
{
    clients_destroy(&gateway->clients);
    sio_destroy(&gateway->sio);
    mem_free(gateway->names);
}

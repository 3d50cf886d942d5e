/* namespaces.c - who answers in which namespace. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/log.h"
#include "services/gateway/gateway.h"

static const char *const standard[] = { "/", "/chat", "/notification", "/system", "/error" };

static void add_namespace(struct gateway *gateway, struct sio_namespace nsp)
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
static void add_listed(struct gateway *gateway, const char *list)
{
    struct str rest = { gateway->names = mem_alloc(strlen(list) + 1), strlen(list) };

    memcpy(gateway->names, list, rest.len + 1);
    while (rest.len > 0) {
        struct str word = str_trim(str_cut(&rest, ','));
        char *name = gateway->names + (word.at - gateway->names);
        name[word.len] = '\0';
        if (word.len == 0 || is_there(gateway, name)) continue;
        if (gateway->n_namespaces == COUNT(gateway->namespaces))
            LOG(WARN, "gateway.namespaces_too_many", F_STR("left_out", word));
        else
            add_namespace(gateway, clients_namespace(gateway->clients, name));
    }
}

/* The echo of the conformance configuration is for anybody, but where settings want a token. */
static struct clients *make_clients(const struct gateway *gateway)
{
    bool is_open = gateway->settings->gateway.conformance && !gateway->settings->gateway.echo_token;

    return clients_create(gateway->loop, is_open ? NULL : gateway->bearers, gateway->routes.rates,
        gateway->settings->gateway.token_warning_s);
}

void namespaces_open(struct gateway *gateway)
{
    gateway->clients = make_clients(gateway);
    features_add(gateway);
    struct sio_config config = config_sio(gateway->settings);
    config.connect_rate = clients_connect_rate(gateway->clients);
    gateway->sio = sio_create(&config);
    if (gateway->settings->gateway.conformance) {
        add_listed(gateway, gateway->settings->gateway.echo_namespaces);
    } else {
        for (size_t i = 0; i < COUNT(standard); i++)
            add_namespace(gateway, clients_namespace(gateway->clients, standard[i]));
        add_listed(gateway, gateway->settings->gateway.namespaces);
    }
    for (size_t i = 0; i < gateway->n_namespaces; i++) sio_add(gateway->sio, &gateway->namespaces[i]);
}

void namespaces_close(struct gateway *gateway)
{
    clients_destroy(&gateway->clients);
    sio_destroy(&gateway->sio);
    mem_free(gateway->names);
}

/* namespaces.c - who answers in which namespace. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "services/gateway/gateway.h"

static void add_namespace(struct gateway *gateway, struct sio_namespace nsp)
{
    gateway->namespaces[gateway->n_namespaces++] = nsp;
}

static bool is_there(const struct gateway *gateway, const char *name)
{
    if (strcmp(name, VIEWERS_NAMESPACE) == 0) return true;
    for (size_t i = 0; i < gateway->n_namespaces; i++)
        if (strcmp(gateway->namespaces[i].name, name) == 0) return true;
    return false;
}

/* Those of the kind, and those that settings list; the texts live as long as the gateway. */
static void add_listed(struct gateway *gateway)
{
    const char *own = gateway->kind->namespaces, *more = gateway->settings->gateway.namespaces;
    size_t size = strlen(own) + strlen(more) + 2;
    struct str rest = { gateway->names = mem_alloc(size), size - 1 };

    snprintf(gateway->names, size, "%s,%s", own, more);
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

void namespaces_open(struct gateway *gateway)
{
    gateway->clients = clients_create(gateway->loop, gateway->kind->wants_tokens ? gateway->bearers : NULL,
        gateway->routes.rates, gateway->settings->gateway.token_warning_s);
    if (gateway->service[SERVICE_auth] != NULL) {
        gateway->handshakes = handshakes_create(gateway->loop, gateway->service[SERVICE_auth]);
        gateway->routes.key_uses = key_uses_create(gateway->loop, gateway->service[SERVICE_auth]);
        gateway->floods = floods_create(gateway->loop, gateway->service[SERVICE_auth]);
        rates_watch(gateway->routes.rates, floods_note_rate, gateway->floods);
        gateway->certificate_ends = certificate_ends_create(gateway->loop, gateway->service[SERVICE_auth]);
    }
    clients_keep_handshakes(gateway->clients, gateway->handshakes);
    features_add(gateway);
    struct sio_config config = config_sio(gateway->settings);
    config.connect_rate = clients_connect_rate(gateway->clients);
    gateway->sio = sio_create(&config);
    add_listed(gateway);
    for (size_t i = 0; i < gateway->n_namespaces; i++) sio_add(gateway->sio, &gateway->namespaces[i]);
    if (gateway->service[SERVICE_share] == NULL) return;
    struct viewers_config viewers = config_viewers(gateway);
    gateway->viewers = viewers_create(gateway->loop, &viewers);
    sio_add(gateway->sio, viewers_namespace(gateway->viewers));
}

void namespaces_close(struct gateway *gateway)
{
    clients_destroy(&gateway->clients);
    handshakes_destroy(&gateway->handshakes);
    key_uses_destroy(&gateway->routes.key_uses);
    rates_watch(gateway->routes.rates, NULL, NULL);
    floods_destroy(&gateway->floods);
    certificate_ends_destroy(&gateway->certificate_ends);
    sio_destroy(&gateway->sio);
    viewers_destroy(&gateway->viewers);
    mem_free(gateway->names);
}

/* gateway.c - the parts of a gateway put together, whatever its kind. */
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "libshared/rpc/keys.h"
#include "libshared/service/privileges.h"
#include "libshared/service/service.h"
#include "libshared/service/settings.h"
#include "services/gateway/gateway.h"

/* What session tickets are sealed with comes from the secret that all gateways have. */
#define TICKETS_PURPOSE "madang tls tickets"

static void on_term(struct ev_loop *loop, ev_signal *signal, int events)
{
    (void)loop, (void)events;
    drain_begin(signal->data);
}

static void on_hangup(struct ev_loop *loop, ev_signal *signal, int events)
{
    struct gateway *gateway = signal->data;

    (void)loop, (void)events;
    http_server_reload_certificates(gateway->server);
    site_reload(gateway->site);
}

static void watch_signal(
    struct gateway *gateway, ev_signal *watcher, void (*run)(struct ev_loop *, ev_signal *, int), int number)
{
    ev_signal_init(watcher, run, number);
    watcher->data = gateway;
    ev_signal_start(gateway->loop, watcher);
}

static bool is_ready(void *arg, struct buf *why)
{
    struct gateway *gateway = arg;

    if (gateway->draining) {
        buf_add_str(why, STR("leaving"));
        return false;
    }
    return service_links_ready(gateway, why);
}

static bool is_banned(void *arg, const struct in6_addr *client)
{
    const struct gateway *gateway = arg;

    return bans_have_address(trusted_bans(gateway->trusted), client);
}

static void open_edge(struct gateway *gateway)
{
    struct eio_upper upper = sio_upper(gateway->sio), packed = sio_msgpack_upper(gateway->sio);
    struct http_server_config config = config_http(gateway->settings);
    struct site_config site = config_site(gateway->settings);
    unsigned char tls_secret[KEYS_DERIVED_BYTES];
    struct eio_config eio = config_eio(gateway->settings);

    config.descriptors_max = gateway->descriptors_max;
    config.bans = is_banned;
    config.bans_arg = gateway;
    if (gateway->floods != NULL) config.flooded = floods_note_connection;
    config.flooded_arg = gateway->floods;
    if (gateway->certificate_ends != NULL) config.certificate_ends = certificate_ends_note;
    config.certificate_ends_arg = gateway->certificate_ends;
    if (gateway->kind->has_mesh) {
        keys_derive(gateway->settings->common.key_dir, "gateway", TICKETS_PURPOSE, tls_secret);
        config.tls_secret = tls_secret;
    }
    gateway->socketio = eio_create(gateway->loop, &eio, &upper);
    if (gateway->settings->gateway.msgpack_path[0] != '\0') gateway->msgpack = eio_create(gateway->loop, &eio, &packed);
    if (gateway->kind->raw != NULL) gateway->engineio = eio_create(gateway->loop, &eio, gateway->kind->raw);
    mesh_serve(gateway->mesh, MESH_PATH_SOCKETIO, gateway->socketio);
    mesh_serve(gateway->mesh, MESH_PATH_MSGPACK, gateway->msgpack);
    mesh_serve(gateway->mesh, MESH_PATH_ENGINEIO, gateway->engineio);
    connections_serve(gateway->connections, gateway->socketio);
    connections_serve(gateway->connections, gateway->msgpack);
    gateway->site = site_create(gateway->loop, &site);
    gateway->server = http_server_create(gateway->loop, &config);
    secret_wipe(tls_secret, sizeof tls_secret);
    edge_mount(gateway);
    gateway->health = health_create(gateway->loop, gateway->settings->gateway.health, is_ready, gateway);
}

static void open_interop(struct gateway *gateway)
{
    struct interop_config config = config_interop(gateway->settings);

    config.emits_any_event = gateway->kind->emits_any_event;
    config.loop = gateway->loop;
    config.sio = gateway->sio;
    config.socketio = gateway->socketio;
    config.msgpack = gateway->msgpack;
    config.namespaces = gateway->namespaces;
    config.n_namespaces = gateway->n_namespaces;
    config.rates = gateway->routes.rates;
    interop_open(&gateway->interop, &config);
}

static void open_gateway(struct gateway *gateway)
{
    struct mesh_config mesh = config_mesh(gateway->settings);

    if (gateway->kind->has_mesh) gateway->mesh = mesh_create(gateway->loop, &mesh);
    memory_watch(gateway);
    service_links_connect(gateway);
    for (int i = 0; i < SERVICE_COUNT; i++) gateway->routes.service[i] = gateway->service[i];
    gateway->routes.loop = gateway->loop;
    gateway->routes.bearers = gateway->bearers;
    gateway->routes.rates = rates_create(gateway->settings->gateway.rate_percent);
    if (gateway->kind->shares_rates)
        rates_share(gateway->routes.rates, gateway->loop, gateway->settings->common.redis_url);
    gateway->routes.guesses =
        guesses_create(gateway->loop, gateway->routes.rates, gateway->settings->common.call_budget_ms);
    gateway->routes.api_key_tokens = api_key_tokens_create(
        gateway->bearers, gateway->routes.guesses, gateway->routes.rates, gateway->service[SERVICE_auth]);
    gateway->routes.body_max = (size_t)gateway->settings->gateway.max_payload;
    routes_init(&gateway->routes);
    namespaces_open(gateway);
    gateway->routes.rooms = gateway->rooms;
    open_edge(gateway);
    open_interop(gateway);
    freshness_watch(gateway);
    watch_signal(gateway, &gateway->term, on_term, SIGTERM);
    watch_signal(gateway, &gateway->interrupt, on_term, SIGINT);
    watch_signal(gateway, &gateway->hangup, on_hangup, SIGHUP);
    LOG(INFO, "gateway.started", F_TEXT("version", service_version()), F_TEXT("name", gateway->settings->gateway.name),
        F_TEXT("gateway", eio_gateway_id()));
}

/* From the outside in: nothing may call what is gone already. */
static void close_gateway(struct gateway *gateway)
{
    freshness_unwatch(gateway);
    health_destroy(&gateway->health);
    mesh_destroy(&gateway->mesh);
    connections_stop(gateway->connections);
    eio_destroy(&gateway->socketio);
    eio_destroy(&gateway->msgpack);
    eio_destroy(&gateway->engineio);
    http_server_destroy(&gateway->server);
    site_destroy(&gateway->site);
    interop_close(&gateway->interop);
    clients_stop(gateway->clients);
    guesses_close(gateway->routes.guesses);
    service_links_disconnect(gateway);
    namespaces_close(gateway);
    routes_free(&gateway->routes);
    api_key_tokens_destroy(&gateway->routes.api_key_tokens);
    guesses_destroy(&gateway->routes.guesses);
    rates_destroy(&gateway->routes.rates);
    memory_unwatch(gateway);
    LOG(INFO, "gateway.stopped", F_TEXT("name", gateway->settings->gateway.name));
}

int gateway_run(int argc, char **argv, const struct gateway_kind *kind, struct settings *from)
{
    static struct gateway gateway;

    service_begin(argc, argv, "gateway", kind->doc, false, NULL, from);
    gateway.kind = kind;
    gateway.settings = from;
    gateway.descriptors_max = descriptors_limit(&from->gateway);
    gateway.loop = ev_default_loop(0);
    open_gateway(&gateway);
    privileges_settle(from);
    ev_run(gateway.loop, 0);
    close_gateway(&gateway);
    return 0;
}

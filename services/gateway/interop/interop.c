/* interop.c - what works with other programs' protocols, where settings ask for it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/interop.h"

#include "libshared/base/log.h"
#include "libshared/cache/redis.h"
#include "services/gateway/gateway.h"

static void open_emitter(struct gateway *gateway, struct interop *interop)
{
    if (gateway->settings->common.redis_url[0] == '\0')
        LOG(WARN, "emitter.no_redis", F_TEXT("setting", "MADANG_REDIS_URL"));
    interop->redis = redis_create(gateway->loop, gateway->settings->common.redis_url);
    interop->emitter = emitter_create(interop->redis, interop->roster,
        &(struct emitter_config){ .key = gateway->settings->gateway.emitter_key,
            .max_payload = gateway->settings->gateway.max_payload,
            .any_event = gateway->settings->gateway.conformance,
            .namespaces = gateway->namespaces,
            .n_namespaces = gateway->n_namespaces });
}

static void open_admin(struct gateway *gateway, struct interop *interop)
{
    interop->transports[interop->n_transports++] = gateway->socketio;
    if (gateway->msgpack != NULL) interop->transports[interop->n_transports++] = gateway->msgpack;
    interop->admin = admin_create(gateway->loop, gateway->sio,
        &(struct admin_view){ .name = gateway->settings->gateway.name,
            .user = gateway->settings->gateway.admin_user,
            .hash = gateway->settings->gateway.admin_password_hash,
            .transports = interop->transports,
            .n_transports = interop->n_transports,
            .namespaces = gateway->namespaces,
            .n_namespaces = gateway->n_namespaces,
            .roster = interop->roster,
            .rates = gateway->routes.rates });
}

/* --- rooms by name outlive a connection that is taken up again --- */

static void on_rooms(void *arg, struct sio_socket *socket, const struct str *rooms, size_t n)
{
    const struct gateway *gateway = arg;

    if (gateway->reruns != NULL)
        rerun_named(socket, rooms, n);
    else if (gateway->recovery != NULL && str_is(sio_nsp(socket), HALLS_NAMESPACE))
        recovery_named(sio_user(socket), rooms, n);
}

static void put_back(void *arg, struct sio_socket *socket, const struct str *rooms, size_t n)
{
    roster_join(arg, socket, rooms, n);
}

static void keep_rooms(struct gateway *gateway)
{
    struct roster *roster = gateway->interop.roster;

    roster_watch(roster, on_rooms, gateway);
    if (gateway->reruns != NULL) reruns_put_back(gateway->reruns, put_back, roster);
    if (gateway->recovery != NULL) recovery_put_back(gateway->recovery, put_back, roster);
}

void interop_open(struct gateway *gateway)
{
    struct interop *interop = &gateway->interop;
    bool has_admin = gateway->settings->gateway.admin_user[0] != '\0';

    if (!gateway->settings->gateway.emitter && !has_admin) return;
    interop->roster = roster_create(gateway->sio, gateway->halls, (size_t)gateway->settings->gateway.socket_rooms_max);
    keep_rooms(gateway);
    if (gateway->settings->gateway.emitter) open_emitter(gateway, interop);
    if (has_admin) open_admin(gateway, interop);
}

void interop_close(struct gateway *gateway)
{
    struct interop *interop = &gateway->interop;

    redis_destroy(&interop->redis);
    emitter_destroy(&interop->emitter);
    admin_destroy(&interop->admin);
    roster_destroy(&interop->roster);
}

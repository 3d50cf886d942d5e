/* interop.c - what works with other programs' protocols, where settings ask for it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/interop.h"

#include "libshared/base/log.h"
#include "libshared/cache/redis.h"

bool interop_is_wanted(const struct settings *from)
{
    return from->gateway.emitter || from->gateway.admin_user[0] != '\0';
}

static void open_emitter(struct interop *interop, const struct interop_config *config)
{
    const char *url = config->settings->common.redis_url;

    if (url[0] == '\0') LOG(WARN, "emitter.no_redis", F_TEXT("setting", "MADANG_REDIS_URL"));
    interop->redis = redis_create(config->loop, url);
    interop->emitter = emitter_create(interop->redis, interop->roster,
        &(struct emitter_config){ .key = config->settings->gateway.emitter_key,
            .max_payload = config->settings->gateway.max_payload,
            .any_event = config->settings->gateway.conformance,
            .namespaces = config->namespaces,
            .n_namespaces = config->n_namespaces });
}

static void open_admin(struct interop *interop, const struct interop_config *config)
{
    interop->transports[interop->n_transports++] = config->socketio;
    if (config->msgpack != NULL) interop->transports[interop->n_transports++] = config->msgpack;
    interop->admin = admin_create(config->loop, config->sio,
        &(struct admin_view){ .name = config->settings->gateway.name,
            .user = config->settings->gateway.admin_user,
            .hash = config->settings->gateway.admin_password_hash,
            .transports = interop->transports,
            .n_transports = interop->n_transports,
            .namespaces = config->namespaces,
            .n_namespaces = config->n_namespaces,
            .roster = interop->roster,
            .rates = config->rates });
}

void interop_open(struct interop *interop, const struct interop_config *config)
{
    if (config->settings->gateway.emitter) open_emitter(interop, config);
    if (config->settings->gateway.admin_user[0] != '\0') open_admin(interop, config);
}

void interop_close(struct interop *interop)
{
    redis_destroy(&interop->redis);
    emitter_destroy(&interop->emitter);
    admin_destroy(&interop->admin);
}

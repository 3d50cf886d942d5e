/* interop.c - what works with other programs' protocols, where settings ask for it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/interop.h"

#include "libshared/base/log.h"
#include "libshared/cache/redis.h"

static bool has_admin(const struct interop_config *config)
{
    return config->admin_user[0] != '\0';
}

bool interop_is_wanted(const struct interop_config *config)
{
    return config->has_emitter || has_admin(config);
}

static void open_emitter(struct interop *interop, const struct interop_config *config)
{
    if (config->redis_url[0] == '\0') LOG(WARN, "emitter.no_redis", F_TEXT("setting", "MADANG_REDIS_URL"));
    interop->redis = redis_create(config->loop, config->redis_url);
    interop->emitter = emitter_create(interop->redis, interop->roster,
        &(struct emitter_config){ .key = config->emitter_key,
            .max_payload = config->max_payload,
            .any_event = config->emits_any_event,
            .namespaces = config->namespaces,
            .n_namespaces = config->n_namespaces });
}

static void open_admin(struct interop *interop, const struct interop_config *config)
{
    interop->transports[interop->n_transports++] = config->socketio;
    if (config->msgpack != NULL) interop->transports[interop->n_transports++] = config->msgpack;
    interop->admin = admin_create(config->loop, config->sio,
        &(struct admin_view){ .name = config->name,
            .user = config->admin_user,
            .hash = config->admin_password,
            .transports = interop->transports,
            .n_transports = interop->n_transports,
            .namespaces = config->namespaces,
            .n_namespaces = config->n_namespaces,
            .roster = interop->roster,
            .rates = config->rates });
}

void interop_open(struct interop *interop, const struct interop_config *config)
{
    if (config->has_emitter) open_emitter(interop, config);
    if (has_admin(config)) open_admin(interop, config);
}

void interop_close(struct interop *interop)
{
    redis_destroy(&interop->redis);
    emitter_destroy(&interop->emitter);
    admin_destroy(&interop->admin);
}

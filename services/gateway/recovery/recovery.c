/* recovery.c - who comes: somebody new, or somebody who was here. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/recovery.h"

#include "libshared/service/settings.h"
#include "services/gateway/recovery/identity.h"
#include "services/gateway/recovery/recovery_inside.h"

struct recovery *recovery_create(struct ev_loop *loop, struct rpc_client *chat, struct rpc_client *store)
{
    const char *name = "madang_recoveries_total", *help = "Clients that came with the pid of a lost connection";

    if (settings.gateway.recovery_ms == 0 || settings.common.redis_url[0] == '\0') return NULL;
    if (settings.gateway.conformance) return NULL; /* its sockets have logs of their own: rerun.h */
    struct recovery *recovery = mem_zero(sizeof *recovery);
    recovery->loop = loop;
    recovery->chat = chat;
    recovery->store = store;
    record_key_load(&recovery->key);
    recovery->redis = redis_create(loop, settings.common.redis_url);
    recovery->recovered = metric_counter(name, "result=\"recovered\"", help);
    recovery->anew = metric_counter(name, "result=\"anew\"", help);
    recovery->again = metric_counter("madang_recovery_questions_again_total", NULL,
        "Questions about clients that come back which a service had no time for, and that were asked again");
    lifelines_open(recovery);
    return recovery;
}

void recovery_destroy(struct recovery **recovery)
{
    if (*recovery == NULL) return;
    (*recovery)->ending = true;
    redis_destroy(&(*recovery)->redis); /* who waits for it hears so */
    lifelines_close(*recovery);
    comebacks_end(*recovery);
    *recovery = NULL;
}

void recovery_put_back(struct recovery *recovery, record_put_back_fn *put_back, void *arg)
{
    recovery->put_back = put_back;
    recovery->put_back_arg = arg;
}

void recovery_enter(struct recovery *recovery, struct clients *clients, struct sio_socket *socket,
    struct rights *rights, struct str auth)
{
    /* bound: max_payload, of the CONNECT */
    struct arena *arena = arena_create("identity", (4u << 20) + (size_t)settings.gateway.max_payload);
    struct identity claims = identity_read(auth, arena);
    struct visit visit = { clients, socket, rights, auth, claims.pid, claims.offset };

    if (claims.pid.len > 0)
        comeback_begin(recovery, &visit);
    else
        newcomer_enter(recovery, &visit);
    arena_destroy(&arena);
}

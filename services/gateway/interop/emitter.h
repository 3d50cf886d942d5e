/*
 * emitter.h - back ends speak to sockets through Redis, with @socket.io/redis-emitter.
 *
 *      PUBLISH <key>#<nsp>#          broadcast: to all, or to several rooms   --> each socket once
 *      PUBLISH <key>#<nsp>#<room>#   broadcast: to one room
 *      PUBLISH <key>-request#<nsp>#  join, leave, disconnect
 *
 * A publisher there speaks for the operator: there are no policies here.  What cannot be read is dropped and
 * counted.  A slow socket misses what comes for it meanwhile, as it misses all that is not stored.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/interop/roster.h"

struct emitter;
struct redis;

struct emitter_config {
    const char *key;     /* the channels' prefix */
    int64_t max_payload; /* bytes; an event may have four times as many in all */
    bool any_event;      /* also those which only this gateway says */
    const struct sio_namespace *namespaces;
    size_t n_namespaces;
};

/* Subscribes for each of these namespaces; they, the key and the roster outlive the emitter. */
struct emitter *emitter_create(struct redis *redis, struct roster *roster, const struct emitter_config *config);
void emitter_destroy(struct emitter **emitter); /* after its Redis */

/*
 * emitter.h - back ends speak to sockets through Redis, with @socket.io/redis-emitter.
 *
 *      PUBLISH <key>#<nsp>#          broadcast: to all, or to several rooms   --> each socket once
 *      PUBLISH <key>#<nsp>#<room>#   broadcast: to one room
 *      PUBLISH <key>-request#<nsp>#  join, leave, disconnect
 *
 * Who may publish there speaks for the operator: there are no policies here.  What cannot be read is dropped and
 * counted.  A slow socket misses what comes for it meanwhile, as it misses all that is not stored.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/interop/roster.h"

struct emitter;
struct redis;

/* Subscribes for each of these namespaces; they, and the roster, outlive the emitter. */
struct emitter *emitter_create(
    struct redis *redis, struct roster *roster, const char *key, const struct sio_namespace *namespaces, size_t n);
void emitter_destroy(struct emitter **emitter); /* after its Redis */

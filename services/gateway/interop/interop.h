/* interop.h - what works with other programs' protocols, where settings ask for it: Redis emitters, the admin page. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/service/settings.h"
#include "services/gateway/interop/admin.h"
#include "services/gateway/interop/emitter.h"

struct interop {
    struct roster *roster; /* a feature of sockets; NULL where nobody needs it */
    struct redis *redis;
    struct emitter *emitter;
    struct admin *admin;
    struct eio *transports[2];
    size_t n_transports;
};

struct interop_config {
    const struct settings *settings;
    struct ev_loop *loop;
    struct sio *sio;
    struct eio *socketio, *msgpack; /* msgpack: NULL without a path for it */
    const struct sio_namespace *namespaces;
    size_t n_namespaces;
    struct rates *rates;
};

bool interop_is_wanted(const struct settings *from); /* then there has to be a roster */
/* Before the first socket; after the last one. */
void interop_open(struct interop *interop, const struct interop_config *config);
void interop_close(struct interop *interop);

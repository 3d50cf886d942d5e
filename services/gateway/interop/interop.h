/* interop.h - what works with other programs' protocols, where settings ask for it: Redis emitters, the admin page. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

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
    bool has_emitter;
    const char *redis_url, *emitter_key; /* of the emitter */
    bool emits_any_event;                /* also those which only this gateway says */
    int64_t max_payload;
    const char *name;                        /* of this gateway, for the admin page */
    const char *admin_user, *admin_password; /* its user, empty: there is none; and the password's bcrypt hash */
    struct ev_loop *loop;
    struct sio *sio;
    struct eio *socketio, *msgpack; /* msgpack: NULL without a path for it */
    const struct sio_namespace *namespaces;
    size_t n_namespaces;
    struct rates *rates;
};

bool interop_is_wanted(const struct interop_config *config); /* then there has to be a roster */
/* Before the first socket; after the last one. */
void interop_open(struct interop *interop, const struct interop_config *config);
void interop_close(struct interop *interop);

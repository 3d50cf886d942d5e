/*
 * admin.h - the /admin namespace for the page of @socket.io/admin-ui, in its production mode: it watches, and can do
 * nothing.
 *
 *      CONNECT {username, password} --> bcrypt --> session, config, server_stats every two seconds
 *      CONNECT {sessionId}          --> the same, without bcrypt and session
 *
 * A session is good at every gateway with the same user and password, for a day: it is signed, not stored.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "services/gateway/interop/roster.h"
#include "services/gateway/rates/rates.h"

#define ADMIN_NAMESPACE "/admin"

struct admin;

/* What it watches and works with; all of it outlives it. */
struct admin_view {
    const char *name;        /* of this gateway */
    const char *user, *hash; /* who may look */
    struct eio *const *transports;
    size_t n_transports;
    const struct sio_namespace *namespaces;
    size_t n_namespaces;
    struct roster *roster;
    struct rates *rates;
};

struct admin *admin_create(struct ev_loop *loop, struct sio *sio, const struct admin_view *view);
void admin_destroy(struct admin **admin); /* after the last socket */

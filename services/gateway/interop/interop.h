/* interop.h - what works with other programs' protocols, where settings ask for it: Redis emitters, the admin page. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/interop/admin.h"
#include "services/gateway/interop/emitter.h"

struct interop {
    struct roster *roster; /* NULL where nobody needs it */
    struct redis *redis;
    struct emitter *emitter;
    struct admin *admin;
    struct eio *transports[2];
    size_t n_transports;
};

struct gateway;
/* Before the first socket; after the last one. */
void interop_open(struct gateway *gateway);
void interop_close(struct gateway *gateway);

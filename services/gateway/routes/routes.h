/*
 * routes.h - what clients ask for, by HTTP or by Socket.IO, becomes a call of a service.
 *
 *      request  --row--> identity, policy, rate --> msgpack --rpc--> reply --> {"success":true,"data":...}
 *      event    --row--> rate, policy --> msgpack --rpc--> reply --> acknowledgement
 *               --none, a policy names it--> may it be published? --with its sender, rpc room.relay--> the room's other sockets
 *
 * It knows no message's fields but `room`: the shapes of proto/ do.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/before_sleep.h"
#include "libshared/http/http_server.h"
#include "libshared/page/page.h"
#include "services/gateway/recovery/recovery.h"
#include "services/gateway/rooms/rooms.h"
#include "services/gateway/routes/pieces.h"
#include "services/gateway/routes/rows.h"
#include "services/gateway/identity/client.h"
#include "services/gateway/identity/api_key_tokens.h"
#include "services/gateway/identity/key_uses.h"

struct routes {
    struct ev_loop *loop;
    const struct service_pipes *service[SERVICE_COUNT];
    struct bearers *bearers;
    struct guesses *guesses;
    struct api_key_tokens *api_key_tokens;
    struct rates *rates;
    struct key_uses *key_uses; /* NULL: there is no auth to tell */
    struct rooms *rooms;
    size_t body_max;                                 /* over what a row allows it is lowered to this */
    char page_policy[PAGE_NEEDS][PAGE_POLICY_BYTES]; /* what a page of ours may do: rest_page.c */
    struct arena *scratch;                           /* one event */
    size_t waiting_bytes;                            /* of events that wait for their room: order.c */
    size_t in_flight;        /* HTTP requests that wait for a service, or for what their key may do */
    struct pieces pieces;    /* of bodies that services take or give */
    struct next_turn *turns; /* of events that need not wait any more */
    struct before_sleep turn;
    struct line_flow *flows; /* answers of lines that are under way: rest_lines.c */
    size_t intakes;          /* bodies of lines that are under way: rest_intake.c */
    bool is_held;            /* requests wait with what they may do */
    struct rest *held;
};

void routes_init(struct routes *routes);
void routes_free(struct routes *routes);

/* From now on whoever brings a credential waits; or no more, and those who waited go on. */
void routes_hold(struct routes *routes, bool hold);
/* Requests for the paths of ROUTE rows, and for those beside them. */
void routes_mount(struct routes *routes, struct http_server *server);
/* What OPTIONS says of those: rest_tus.c. */
extern const struct http_options routes_options;

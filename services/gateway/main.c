/* main.c - the gateway: the edge that clients see.  Owns no data. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/gateway.h"

static struct settings settings;

/* clang-format off */
static const struct gateway_kind product = {
    .doc = "the edge: HTTPS, WebSocket, Socket.IO; authentication, policies, routing",
    .has_service = {
#define SERVICE(name, place, parts, doc) [SERVICE_##name] = true,
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    },
    .has_mesh = true,
    .wants_tokens = true,
    .shares_rates = true,
    .namespaces = "/,/chat,/notification,/system,/error",
};
/* clang-format on */

int main(int argc, char **argv)
{
    return gateway_run(argc, argv, &product, &settings);
}

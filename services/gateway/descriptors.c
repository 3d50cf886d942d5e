/* descriptors.c - connections are bounded by the descriptors that there are, and leave some for our own pipes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/descriptors.h"

#include "libshared/base/log.h"
#include "services/gateway/gateway.h"

/* Kept for pipes that are made anew, to services and gateways; as many more are in use all the time. */
#define RESERVE 256

static void lower_bounds(struct settings_gateway *s, int64_t most)
{
    s->connections_per_address = (s->connections_per_address * most + s->connections_max - 1) / s->connections_max;
    s->connections_max = most;
}

/* ZeroMQ and libwebsockets abort when a descriptor that they need is not there.  libwebsockets makes room for as many as
 * the limit says, so it is no higher than what we want to use. */
int descriptors_limit(struct settings_gateway *s)
{
    int64_t wanted = s->connections_max + 2 * RESERVE, limit = descriptors_ask(wanted);
    int64_t reserve = limit / 4 < RESERVE ? limit / 4 : RESERVE, most = limit - 2 * reserve;

    if (most < s->connections_max) {
        LOG(WARN, "gateway.few_descriptors", F_INT("wanted", wanted), F_INT("limit", limit),
            F_INT("connections_max", most));
        lower_bounds(s, most);
    }
    return (int)(limit - reserve);
}

/* payload.c - polling bodies: packets joined by 0x1e. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/payload.h"

struct payload payload_begin(struct str body)
{
    return (struct payload){ body, false };
}

bool payload_next(struct payload *payload, struct str *packet)
{
    size_t at;
    if (payload->done) return false;
    *packet = payload->rest;
    if (str_find(payload->rest, PACKET_SEPARATOR, &at)) {
        packet->len = at;
        payload->rest = str_skip(payload->rest, at + 1);
    } else {
        payload->done = true;
    }
    return true;
}

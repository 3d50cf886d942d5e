/* payload.h - polling bodies: packets joined by 0x1e. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/base64.h"

#define PACKET_SEPARATOR '\x1e'

/* The next packet of a body; false: there are no more.  An empty one is given out as such: it is not legal. */
struct payload {
    struct str rest;
    bool done;
};
struct payload payload_begin(struct str body);
bool payload_next(struct payload *payload, struct str *packet);

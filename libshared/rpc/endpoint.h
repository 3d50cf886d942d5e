/* endpoint.h - what may be connected to: tcp://HOST:PORT, HOST an address, one of IPv6 in brackets, or a name; ipc://PATH. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

#include "libshared/base/str.h"

#define ENDPOINT_HOST_MAX 253
#define ENDPOINT_PATH_MAX 100 /* of a socket in the file system there may be 107 bytes */

/* ZeroMQ takes more than that: a source address before the host, * as a port, other transports. */
bool endpoint_is_valid(struct str endpoint);

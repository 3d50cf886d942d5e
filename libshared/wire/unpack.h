/* unpack.h - msgpack-c's objects for bytes that have passed the sanity walk. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <msgpack.h>

#include "libshared/wire/wire.h"

/* Texts and bytes of the objects are views into the bytes. */
struct unpacked {
    msgpack_zone zone;
    msgpack_object root;
};

/* ERR_MALFORMED, ERR_TOO_LARGE (WIRE_MAX_VALUES): nothing to close. */
enum err unpack_open(struct str bytes, struct unpacked *out) MUST_CHECK;
void unpack_close(struct unpacked *unpacked);

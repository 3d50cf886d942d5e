/* unpack.c - msgpack-c's objects, for bytes that have passed the sanity walk. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/unpack.h"

#include <assert.h>

#include "libshared/wire/walk.h"

enum err unpack_open(struct str bytes, struct unpacked *out)
{
    struct str rest = bytes;
    size_t values = 0, done = 0;

    if (!walk_value(&rest, WIRE_MAX_DEPTH, &values) || rest.len > 0) return ERR_MALFORMED;
    if (values > WIRE_MAX_VALUES) return ERR_TOO_LARGE;

    /* The walk has counted the values, so the zone allocates once. */
    bool has_memory = msgpack_zone_init(&out->zone, (values + 2) * sizeof(msgpack_object));
    assert(has_memory);
    if (msgpack_unpack(bytes.at, bytes.len, &done, &out->zone, &out->root) == MSGPACK_UNPACK_SUCCESS) return OK;
    unpack_close(out);
    return ERR_MALFORMED;
}

void unpack_close(struct unpacked *unpacked)
{
    msgpack_zone_destroy(&unpacked->zone);
}

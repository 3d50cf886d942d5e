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

/* A map into a zeroed record of this shape, as wire_decode. `end`: of the bytes that `from` was unpacked from. */
enum err unpack_record(const struct wire_shape *shape, const msgpack_object *from, const char *end, struct arena *arena,
    void *out, struct wire_error *why) MUST_CHECK;

/* The bytes of the value that belongs to this key of a map. */
struct str unpack_raw(const msgpack_object *key, const char *end);

/* The field that this key names, or NULL.  Keys mostly come in the shape's order: `near`, the field after the last
 * one found, is tried first. */
const struct wire_field *unpack_find(
    const struct wire_shape *shape, const struct wire_field *near, const msgpack_object *key);

/* msgpack_json.h - a msgpack value as JSON text, its binaries beside it. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"
#include "libshared/wire/msgpack_in.h"

/* Binaries of a JSON text, which has {"_placeholder":true,"num":N} in their places. */
struct json_parts {
    struct str *at; /* views into the msgpack */
    unsigned n, max;
};

/*
 * A whole value, as the reference server reads it with notepack and writes it as JSON:
 *
 *      nil, undefined (d4, type 0)                     null; an undefined member of a map is left out
 *      NaN, infinities                                 null
 *      dates (d7 of type 0; d6, d7, c7 of type -1)     ISO texts
 *      bin; ArrayBuffer (c7, c8, c9 of type 0)         a binary beside the text
 *      any other extension                             [type, a binary]
 *
 * false: not well-formed, too deep, text that is not UTF-8, more binaries than parts->max.
 */
bool msgpack_json(struct msgpack_in *in, struct buf *json, struct json_parts *parts);
/* Bytes of JSON that so many bytes of msgpack can become, at the most. */
size_t msgpack_json_bound(size_t bytes, unsigned parts);

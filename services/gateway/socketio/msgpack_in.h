/*
 * msgpack_in.h - msgpack that strangers sent, read value by value, and as JSON.
 *
 *      struct msgpack_in --msgpack_next--> head of a value; the members of an array or map are the next values
 *                        --msgpack_json--> the whole value as JSON text, its binaries beside it
 *
 * A cursor with a sticky error: noop after the first.  Nothing is allocated by a declared count, and a count that the
 * bytes left cannot hold is an error at once.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

#define MSGPACK_MAX_DEPTH 64

enum msgpack_kind {
    MSGPACK_NIL,
    MSGPACK_BOOL,
    MSGPACK_UINT,
    MSGPACK_INT, /* less than zero */
    MSGPACK_REAL,
    MSGPACK_TEXT,
    MSGPACK_BIN,
    MSGPACK_EXT,
    MSGPACK_ARRAY,
    MSGPACK_MAP
};

struct msgpack_value {
    enum msgpack_kind kind;
    int8_t ext;
    uint8_t lead; /* its first byte */
    bool truth;
    uint64_t uint;
    int64_t integer;
    double real;
    struct str bytes; /* TEXT, BIN, EXT: a view */
    uint32_t count;   /* ARRAY: values; MAP: pairs */
};

struct msgpack_in {
    struct str left;
    bool bad;
};

/* Binaries of a JSON text, which has {"_placeholder":true,"num":N} in their places. */
struct json_parts {
    struct str *at; /* views into the msgpack */
    unsigned n, max;
};

bool msgpack_next(struct msgpack_in *in, struct msgpack_value *out);
/* Step over a whole value, of which `raw` becomes a view. */
bool msgpack_skip(struct msgpack_in *in, struct str *raw);
bool msgpack_is_undefined(const struct msgpack_value *value); /* as notepack 2 writes it: d4 00 00 */
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

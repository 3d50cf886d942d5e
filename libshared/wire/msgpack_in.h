/*
 * msgpack_in.h - msgpack read value by value, as strangers sent it.
 *
 *      struct msgpack_in --msgpack_next--> head of a value; the members of an array or map are the next values
 *
 * A cursor with a sticky error: noop after the first.  Nothing is allocated by a declared count, and a count that the
 * bytes left cannot hold is an error at once.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"
#include "libshared/wire/msgpack_head.h"

#define MSGPACK_MAX_DEPTH 64

struct msgpack_value {
    enum msgpack_kind kind; /* INT: less than zero */
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

bool msgpack_next(struct msgpack_in *in, struct msgpack_value *out);
/* Step over a whole value, of which `raw` becomes a view. */
bool msgpack_skip(struct msgpack_in *in, struct str *raw);
/* The value of this name in a map of msgpack; STR_NONE: it is no map, or has none. */
struct str msgpack_member(struct str map, const char *name);
bool msgpack_is_undefined(const struct msgpack_value *value); /* as notepack 2 writes it: d4 00 00 */

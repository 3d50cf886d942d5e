/*
 * scan.h - JSON checked to the last byte and cut into slices, without building it.
 *
 * The gateway passes arguments on as the text that they came as, so it needs where a value ends, not what it is.
 * jansson gives no positions, and refuses what JavaScript writes: lone surrogates, integers beyond 64 bits.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define SCAN_MAX_DEPTH 64
#define SCAN_PLAIN     (-1) /* {"_placeholder":true} is data like any other */

struct scan_array {
    size_t n;
    struct str first, second; /* of elements; STR_NONE where there is none */
    struct str all;           /* what stands between the brackets */
    struct str rest;          /* the same from the first element's comma on */
};

/* Is text exactly one array?  attachments: how many; a placeholder has to name one of them. */
bool scan_array(struct str text, int attachments, struct scan_array *out);
/* Is text exactly one object? */
bool scan_object(struct str text);
/* The raw value of a member of an object that scan_object() or scan_array() has accepted; the last one wins. */
bool scan_member(struct str object, const char *name, struct str *value);
/* A raw JSON string that needs no decoding, without its quotes; false if it has escapes or is no string. */
bool scan_plain_string(struct str raw, struct str *out);

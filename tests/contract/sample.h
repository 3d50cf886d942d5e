/* sample.h - a record of any shape, in msgpack, right or wrong in exactly one way. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string.h>

#include "libshared/wire/pack.h"
#include "libshared/wire/records.h"

enum twist {
    AS_IT_IS,
    LEFT_OUT, /* the field, not the record */
    TWICE,
    WRONG_KIND,
    LEAST,
    MOST,
    BELOW,
    ABOVE,
    ITEM_MOST,
    ITEM_ABOVE,
};

/* Is there such a twist for the field? */
bool sample_has(const struct wire_field *f, enum twist t);

/* The whole record, all fields given in the shape's order; `odd` (or none, if NULL) twisted. */
void sample_put_record(const struct wire_shape *s, const struct wire_field *odd, enum twist t, struct buf *out);

/* Only what is required. */
void sample_put_least(const struct wire_shape *s, struct buf *out);

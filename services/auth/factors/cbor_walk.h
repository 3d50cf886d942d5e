/* cbor_walk.h - CBOR's items one after the other, by libcbor's decoder that builds nothing: no memory is taken by a count that
 * the bytes announce. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

enum cbor_item_kind {
    CBOR_ITEM_SCALAR,
    CBOR_ITEM_BYTES,
    CBOR_ITEM_TEXT,
    CBOR_ITEM_ARRAY,
    CBOR_ITEM_MAP,
    CBOR_ITEM_TAG
};

struct cbor_item_head {
    enum cbor_item_kind kind;
    size_t count;     /* of an array's items, a map's pairs */
    struct str bytes; /* of BYTES and TEXT */
};

/* Takes the head of the next item.  false: none, or of an indefinite length, or it announces more than there are bytes. */
bool cbor_walk_next(struct str *rest, struct cbor_item_head *out);
/* Takes the next item with all that is in it. */
bool cbor_walk_skip(struct str *rest);

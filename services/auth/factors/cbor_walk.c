/* cbor_walk.c - libcbor's stateless decoder, an item at a time. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/factors/cbor_walk.h"

#include <cbor.h>

#define DEPTH_MAX 8

struct item_read {
    struct cbor_item_head head;
    bool indefinite;
};

static void hear_bytes(void *arg, cbor_data at, size_t len)
{
    struct item_read *read = arg;

    read->head = (struct cbor_item_head){ .kind = CBOR_ITEM_BYTES, .bytes = { (const char *)at, len } };
}

static void hear_text(void *arg, cbor_data at, size_t len)
{
    struct item_read *read = arg;

    read->head = (struct cbor_item_head){ .kind = CBOR_ITEM_TEXT, .bytes = { (const char *)at, len } };
}

static void hear_array(void *arg, size_t count)
{
    struct item_read *read = arg;

    read->head = (struct cbor_item_head){ .kind = CBOR_ITEM_ARRAY, .count = count };
}

static void hear_map(void *arg, size_t count)
{
    struct item_read *read = arg;

    read->head = (struct cbor_item_head){ .kind = CBOR_ITEM_MAP, .count = count };
}

static void hear_tag(void *arg, uint64_t tag)
{
    struct item_read *read = arg;

    (void)tag;
    read->head.kind = CBOR_ITEM_TAG;
}

static void hear_indefinite(void *arg)
{
    struct item_read *read = arg;

    read->indefinite = true;
}

bool cbor_walk_next(struct str *rest, struct cbor_item_head *out)
{
    struct cbor_callbacks callbacks = cbor_empty_callbacks; /* scalars: nothing is kept of them */
    struct item_read read = { .head = { .kind = CBOR_ITEM_SCALAR } };

    callbacks.byte_string = hear_bytes;
    callbacks.string = hear_text;
    callbacks.array_start = hear_array;
    callbacks.map_start = hear_map;
    callbacks.tag = hear_tag;
    callbacks.byte_string_start = hear_indefinite;
    callbacks.string_start = hear_indefinite;
    callbacks.indef_array_start = hear_indefinite;
    callbacks.indef_map_start = hear_indefinite;
    callbacks.indef_break = hear_indefinite;
    if (rest->len == 0) return false;
    struct cbor_decoder_result got = cbor_stream_decode((cbor_data)rest->at, rest->len, &callbacks, &read);
    if (got.status != CBOR_DECODER_FINISHED || read.indefinite) return false;
    *rest = str_skip(*rest, got.read);
    *out = read.head;
    return out->count <= rest->len; /* an item has at least a byte */
}

static bool skip_item(struct str *rest, int depth)
{
    struct cbor_item_head head;
    size_t within = 0;

    if (depth > DEPTH_MAX || !cbor_walk_next(rest, &head)) return false;
    if (head.kind == CBOR_ITEM_ARRAY) within = head.count;
    if (head.kind == CBOR_ITEM_MAP) within = 2 * head.count;
    if (head.kind == CBOR_ITEM_TAG) within = 1;
    while (within-- > 0)
        if (!skip_item(rest, depth + 1)) return false;
    return true;
}

bool cbor_walk_skip(struct str *rest)
{
    return skip_item(rest, 0);
}

/* fuzz_msgpack.c - any bytes as every record: what is taken can be sent again, and comes out the same. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/nested.h"
#include "tests/fuzz/fuzz.h"

static const struct wire_shape *(*const shapes[])(void) = {
#define RECORD(name, doc) name##_shape,
#include "proto/all.def"
    nested_shape,
};

static struct arena *arena;

/* Taken once, it has to be taken and sent ever after. */
static void go_round(const struct wire_shape *shape, const void *record)
{
    struct buf first = BUF(16 << 20), second = BUF(16 << 20), json = BUF(64 << 20);
    void *again = arena_zero(arena, shape->size);
    struct wire_error why;

    PROMISE(wire_encode(shape, record, &first) == OK);
    PROMISE(wire_decode(shape, buf_str(&first), arena, again, &why) == OK);
    PROMISE(wire_encode(shape, again, &second) == OK);
    PROMISE(str_eq(buf_str(&first), buf_str(&second)));
    PROMISE(wire_to_json(shape, buf_str(&first), &json) == OK);
    PROMISE(utf8_is_valid(json.at, json.len));
    buf_free(&first);
    buf_free(&second);
    buf_free(&json);
}

static void try_shape(const struct wire_shape *shape, struct str bytes)
{
    void *record = arena_zero(arena, shape->size);
    struct wire_error why = { .field = "" };
    enum err e = wire_decode(shape, bytes, arena, record, &why);

    if (e == OK)
        go_round(shape, record);
    else
        PROMISE(e == (wire_is_sane(bytes) ? ERR_INVALID_ARGUMENT : ERR_MALFORMED) && *why.text != '\0');
    arena_reset(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    struct buf json = BUF(64 << 20);

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 30);
    for (size_t i = 0; i < COUNT(shapes); i++) try_shape(shapes[i](), bytes);
    if (wire_any_to_json(bytes, &json) == OK) PROMISE(utf8_is_valid(json.at, json.len));
    buf_free(&json);
    return 0;
}

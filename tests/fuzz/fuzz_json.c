/* fuzz_json.c - any text as every record and as none: what is taken goes to JSON and back without a change. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/records.h"
#include "tests/fuzz/fuzz.h"

static const struct wire_shape *(*const shapes[])(void) = {
#define RECORD(name, doc) name##_shape,
#include "proto/all.def"
};

static struct arena *arena;

static void go_round(const struct wire_shape *shape, const struct buf *taken)
{
    struct buf json = BUF(64 << 20), back = BUF(16 << 20);
    void *record = arena_zero(arena, shape->size);
    struct wire_error why;

    PROMISE(wire_decode(shape, buf_str(taken), arena, record, &why) == OK);
    PROMISE(wire_to_json(shape, buf_str(taken), &json) == OK);
    PROMISE(wire_from_json(shape, buf_str(&json), &back, &why) == OK);
    PROMISE(str_eq(buf_str(taken), buf_str(&back)));
    buf_free(&json);
    buf_free(&back);
    arena_reset(arena);
}

static void try_any(struct str text)
{
    struct buf taken = BUF(16 << 20), json = BUF(64 << 20), back = BUF(16 << 20);

    if (wire_any_from_json(text, &taken) == OK) {
        PROMISE(wire_is_sane(buf_str(&taken)));
        PROMISE(wire_any_to_json(buf_str(&taken), &json) == OK);
        PROMISE(wire_any_from_json(buf_str(&json), &back) == OK);
        PROMISE(str_eq(buf_str(&taken), buf_str(&back)));
    }
    buf_free(&taken);
    buf_free(&json);
    buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 30);
    try_any(text);
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct buf taken = BUF(16 << 20);
        struct wire_error why = { .field = "" };
        enum err e = wire_from_json(shapes[i](), text, &taken, &why);
        if (e == OK)
            go_round(shapes[i](), &taken);
        else
            PROMISE(taken.len == 0 && *why.text != '\0');
        buf_free(&taken);
        if (e == ERR_MALFORMED) break; /* it is for every shape */
    }
    return 0;
}

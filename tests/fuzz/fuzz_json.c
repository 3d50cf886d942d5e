/* fuzz_json.c - any text as every record and as none: what is taken goes to JSON and back without a change, and another
 * parser reads it, too. */
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <string.h>

#include "libshared/wire/json.h"
#include "tests/contract/nested.h"
#include "tests/fuzz/fuzz.h"

static const struct wire_shape *(*const shapes[])(void) = {
#define RECORD(name, doc) name##_shape,
#include "proto/all.def"
    nested_shape,
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

/* jansson takes a NUL between tokens for a blank, and nests deeper. */
static bool is_beyond_comparison(struct str text)
{
    size_t opened = 0;

    for (size_t i = 0; i < text.len; i++) opened += text.at[i] == '[' || text.at[i] == '{';
    return opened > JSON_DEPTH_MAX || (text.len > 0 && memchr(text.at, '\0', text.len) != NULL);
}

/* Of what is taken, only an integer beyond 64 bits is none for jansson; of what is refused it takes some, and of what is
 * not JSON nothing. */
static void agrees_with_jansson(struct str text)
{
    json_error_t error;
    enum json_verdict verdict = json_check(text, JSON_DEPTH_MAX);
    json_t *json =
        text.len > 0 ? json_loadb(text.at, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error)
                     : NULL;

    if (verdict == JSON_FINE) PROMISE(json != NULL || json_error_code(&error) == json_error_numeric_overflow);
    if (verdict == JSON_MALFORMED && !is_beyond_comparison(text)) PROMISE(json == NULL);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 30);
    agrees_with_jansson(text);
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

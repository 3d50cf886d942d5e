/* fuzz_form.c - any bytes as a form for every record: what is taken can be sent, and no name counts twice. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/query.h"
#include "tests/fuzz/fuzz.h"

static const struct wire_shape *(*const shapes[])(void) = {
#define RECORD(name, doc) name##_shape,
#include "proto/all.def"
};

static struct arena *arena;

static void try_shape(const struct wire_shape *shape, struct str form)
{
    struct wire_given_list given;
    struct wire_error why = { .field = "" };
    struct buf taken = BUF(16 << 20);
    void *record = arena_zero(arena, shape->size);

    given_begin(&given, arena);
    enum err e = form_read(shape, form, arena, &given, &why);
    for (size_t i = 0; e == OK && i < given.len; i++) {
        PROMISE(utf8_is_valid(given.at[i].value.at, given.at[i].value.len));
        for (size_t k = 0; k < i; k++) PROMISE(!str_eq(given.at[k].name, given.at[i].name));
    }
    if (e == OK) e = wire_read_json_over(shape, STR("{}"), given, arena, record, &why);
    if (e == OK)
        PROMISE(wire_encode(shape, record, &taken) == OK);
    else
        PROMISE((e == ERR_MALFORMED || e == ERR_INVALID_ARGUMENT) && *why.text != '\0');
    buf_free(&taken);
    arena_reset(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str form = { (const char *)data, size };

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 28);
    for (size_t i = 0; i < COUNT(shapes); i++) try_shape(shapes[i](), form);
    return 0;
}

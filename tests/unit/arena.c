/* arena.c - see arena.h. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/arena.h"

struct arena *arena;
int make_arena(void **state)
{
    (void)state;
    arena = arena_create("test", 1u << 26);
    return 0;
}

int drop_arena(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return 0;
}

struct str bytes_of(const char *hex)
{
    size_t len = strlen(hex) / 2;
    char *out = arena_alloc(arena, len + 1);

    for (size_t i = 0; i < len; i++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (char)byte;
    }
    return (struct str){ out, len };
}

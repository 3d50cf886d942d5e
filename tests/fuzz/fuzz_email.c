/* fuzz_email.c - whatever comes as an e-mail address: its parts are within their bounds, and its domain is one of ASCII. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/users/email_syntax.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    struct email_parts parts, again;

    if (arena == NULL) arena = arena_create("fuzz", 1u << 20);
    memcpy(exact, data, size);
    if (email_parse(arena, (struct str){ exact, size }, &parts) == NULL) {
        PROMISE(size <= EMAIL_BYTES_MAX && parts.local.len > 0 && parts.local.len <= EMAIL_LOCAL_MAX);
        for (size_t i = 0; i < parts.domain.len; i++)
            PROMISE(strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", parts.domain.at[i]));
        struct str same = arena_printf(arena, "a@%.*s", STR_ARG(parts.domain));
        if (same.len <= EMAIL_BYTES_MAX) {
            PROMISE(email_parse(arena, same, &again) == NULL);
            PROMISE(str_eq(again.domain, parts.domain));
        }
    }
    arena_reset(arena);
    free(exact);
    return 0;
}

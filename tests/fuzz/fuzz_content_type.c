/* fuzz_content_type.c - any bytes as the beginning of a file: what a browser would run is text or bytes, and is saved. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "services/share/media/content_type.h"
#include "tests/fuzz/fuzz.h"

static bool is_harmless(const char *name)
{
    static const char *const begin[] = { "image/", "audio/", "video/", "text/plain;", "application/" };

    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
        if (strncmp(name, begin[i], strlen(begin[i])) == 0)
            return strstr(name, "xml") == NULL && strstr(name, "script") == NULL;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > CONTENT_HEAD_BYTES) return 0;
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    memcpy(exact, data, size);
    const struct content_type *type = content_type_of((struct str){ exact, size });

    PROMISE(is_harmless(type->name));
    PROMISE(type->kind < CONTENT_KINDS);
    PROMISE(type->shown == content_type_is_shown(str_of(type->name)));
    PROMISE(!type->shown || type->kind <= CONTENT_VIDEO);
    if (size > 0 && (exact[0] == '<' || exact[0] == ' ')) PROMISE(!type->shown);
    (void)content_kinds_read((struct str){ exact, size });
    free(exact);
    return 0;
}

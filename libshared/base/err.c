/* err.c - the table of ways to fail. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/err.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *code;
    int status;
    const char *text;
} errors[ERR_COUNT] = {
    [OK] = { "ok", 200, "It was done" },
#define ERROR(name, code_, status_, text_) [ERR_##name] = { code_, status_, text_ },
#include "proto/errors.def"
#undef ERROR
};

const char *err_code(enum err e)
{
    assert(e < ERR_COUNT);
    return errors[e].code;
}

int err_status(enum err e)
{
    assert(e < ERR_COUNT);
    return errors[e].status;
}

const char *err_text(enum err e)
{
    assert(e < ERR_COUNT);
    return errors[e].text;
}

enum err err_find(const char *code, unsigned long len)
{
    for (enum err e = OK; e < ERR_COUNT; e++)
        if (strlen(errors[e].code) == len && memcmp(errors[e].code, code, len) == 0) return e;
    return ERR_INTERNAL;
}

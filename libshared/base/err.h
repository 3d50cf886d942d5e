/* err.h - how a step fails: a value from proto/errors.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT(array)           (sizeof(array) / sizeof *(array))

enum err {
    OK = 0,
#define ERROR(name, code, status, text) ERR_##name,
#include "proto/errors.def"
#undef ERROR
    ERR_COUNT
};

/* Return a failed step's error to our caller.  Only where everything we own is in the
 * call's arena; a function that owns more unwinds with `goto out`. */
#define TRY(step)                                                                                                      \
    do {                                                                                                               \
        enum err err_ = (step);                                                                                        \
        if (err_ != OK) return err_;                                                                                   \
    } while (0)

const char *err_code(enum err e);                       /* "invalid_argument"; OK is "ok" */
int err_status(enum err e);                             /* HTTP status; OK is 200 */
const char *err_text(enum err e);                       /* what it means, in a sentence */
enum err err_find(const char *code, unsigned long len); /* ERR_INTERNAL if unknown; "ok" is OK */

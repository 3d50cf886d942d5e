/*
 * dump.h - what a browser kept, as a text that comes piece by piece: an object that has conversations by their names.
 *
 *      {"a talk": {"messages": [...]}, "another": "{\"messages\": ...}"}
 *       ^key_at ^value_at             ^end
 *
 * Only where each of them lies is found here, and that the object is whole: nothing is built, and nothing of a value is held.  Whether a value is
 * JSON is asked when it is read, so one that is not is refused, and the others are not.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define DUMP_ENTRIES_MAX 1000 /* proto/share.def: import_answer */

struct dump_entry {
    int64_t key_at, key_end, value_at, end;
};

enum dump_place {
    DUMP_BEFORE_OBJECT,
    DUMP_BEFORE_FIRST,
    DUMP_BEFORE_KEY,
    DUMP_IN_KEY,
    DUMP_BEHIND_KEY,
    DUMP_BEFORE_VALUE,
    DUMP_IN_VALUE,
    DUMP_BEHIND_VALUE,
    DUMP_BEHIND_OBJECT
};

struct dump {
    int64_t at; /* so many bytes have come */
    enum dump_place place;
    size_t depth; /* within a value */
    bool in_text, escaped;
    const char *fault; /* in words; NULL: none so far */
    size_t n;
    struct dump_entry entries[DUMP_ENTRIES_MAX];
};

void dump_take(struct dump *dump, struct str piece); /* of one that was zeroes at first */
bool dump_end(struct dump *dump);                    /* false: `fault` says why, and `at` says where */

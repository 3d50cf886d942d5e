/* records.h - proto/ as C structs: struct message, struct message_list, message_shape(), ... */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/wire.h"

/* clang-format off */
#define C_INT(lo, hi)     int64_t
#define C_BOOL            bool
#define C_TEXT(lo, hi)    struct str
#define C_BYTES(lo, hi)   struct str
#define C_ID              struct id
#define C_TIME            int64_t
#define C_ANY(hi)         struct str
#define C_TEXTS(n, hi)    struct str_list
#define C_IDS(n)          struct id_list
#define C_LIST(rec, n)    struct rec##_list
#define C_LIST_WITHIN(rec, n, bytes) struct rec##_list
/* One that stands before it, so that none holds itself. */
#define C_ONE(rec)        _Static_assert(sizeof(struct rec) > 0, ""); struct rec *

#define RECORD(rec, doc)                                             \
    struct rec; struct rec##_list { struct rec *at; size_t len; };   \
    const struct wire_shape *rec##_shape(void);                      \
    struct rec {
#define FIELD(name, kind, need, doc)  C_##kind name;
#define END                           };
/* clang-format on */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* `nothing` has no members */
#include "proto/all.def"
#pragma GCC diagnostic pop

/* shapes.c - the contract as data: one wire_shape per record. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/records.h"

/* clang-format off */
#define D_INT(lo, hi)   .kind = WIRE_INT,   .min = (lo), .max = (hi)
#define D_BOOL          .kind = WIRE_BOOL,  .max = 1
#define D_TEXT(lo, hi)  .kind = WIRE_TEXT,  .min = (lo), .max = (hi)
#define D_BYTES(lo, hi) .kind = WIRE_BYTES, .min = (lo), .max = (hi)
#define D_ID            .kind = WIRE_ID
#define D_TIME          .kind = WIRE_TIME,  .max = INT64_MAX
#define D_ANY(hi)       .kind = WIRE_ANY,   .max = (hi)
#define D_TEXTS(n, hi)  .kind = WIRE_TEXTS, .max = (n), .item_max = (hi)
#define D_IDS(n)        .kind = WIRE_IDS,   .max = (n)
#define D_LIST(rec, n)  .kind = WIRE_LIST,  .max = (n), .of = rec##_shape
#define D_LIST_WITHIN(rec, n, bytes) D_LIST(rec, n), .total = (bytes)
#define D_ONE(rec)      .kind = WIRE_ONE,   .of = rec##_shape

#define REQUIRED        .required = true
#define OPTIONAL        .required = false
#define DEFAULT(n)      .fallback = (n)

#define RECORD(rec, doc_)                                            \
    const struct wire_shape *rec##_shape(void)                       \
    {                                                                \
        typedef struct rec self;       /* lets FIELD say offsetof */ \
        static const char name[] = #rec, doc[] = doc_;               \
        static const struct wire_field fields[] = {
#define FIELD(name_, kind_, need_, doc_)                             \
            { WIRE_NAME(#name_), .at = offsetof(self, name_), D_##kind_, need_, .doc = doc_ },
#define END                                                          \
            { .name = NULL } };                                      \
        _Static_assert(COUNT(fields) <= WIRE_MAX_FIELDS + 1, "wire_decode keeps one bit each"); \
        static const struct wire_shape shape = { name, doc, sizeof(self), fields }; \
        return &shape;                                               \
    }
/* clang-format on */
#include "proto/all.def"

bool wire_is_page(const struct wire_shape *shape)
{
    const struct wire_field *meta = wire_find(shape, STR("meta"));

    return meta != NULL && meta->of == page_meta_shape && meta[1].name == NULL;
}

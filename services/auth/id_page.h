/* id_page.h - lists of rows with ids, the newest first, page by page: their cursors and their `meta`. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/auth.h"

/* How many rows there are, and how many before the first of the page: a statement's answer. */
struct id_place {
    int64_t total, ahead;
};
extern const struct wire_shape id_place_shape;

/* A cursor is the id of a row: the page behind it; with a ^ before it: the page ahead of it.  Without one: a nil id. */
enum err id_page_read(struct call *call, struct str after, bool *is_ahead, struct id *out) MUST_CHECK;
/* Of a page of n rows, from `first` to `last`. */
struct page_meta *id_page_meta(
    struct call *call, int64_t limit, size_t n, struct id first, struct id last, const struct id_place *place);

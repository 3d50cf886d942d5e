/* position_page.c - pages of streams that are read by position. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/position_page.h"

#include "libshared/db/rows.h"

struct page_row {
    struct id epoch;
    int64_t newest, since, last, n, changed_at;
};
static const struct wire_field page_fields[] = {
    ROW_FIELD(struct page_row, epoch, ID),
    ROW_FIELD(struct page_row, newest, INT),
    ROW_FIELD(struct page_row, since, INT),
    ROW_FIELD(struct page_row, last, INT),
    ROW_FIELD(struct page_row, n, INT),
    ROW_FIELD(struct page_row, changed_at, TIME),
    ROW_END,
};
static const struct wire_shape page_shape = { "page", "", sizeof(struct page_row), page_fields };

enum err position_page_find(struct pg *pg, struct arena *arena, const char *sql, const struct pg_args *args,
    int64_t most, struct position_page *out)
{
    struct page_row row = { .newest = 0 };

    TRY(pg_one(pg, arena, &page_shape, &row, sql, args));
    bool more = row.n == most && row.last < row.newest;
    *out = (struct position_page){ .epoch = row.epoch,
        .since = row.since,
        .position = more ? row.last : row.newest,
        .changed_at = row.changed_at,
        .more = more };
    return OK;
}

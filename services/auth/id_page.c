/* id_page.c - cursors that are ids of rows. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/id_page.h"

#include "libshared/db/rows.h"

static const struct wire_field place_fields[] = {
    ROW_FIELD(struct id_place, total, INT),
    ROW_FIELD(struct id_place, ahead, INT),
    ROW_END,
};
const struct wire_shape id_place_shape = { "id_place", "", sizeof(struct id_place), place_fields };

enum err id_page_read(struct call *call, struct str after, bool *is_ahead, struct id *out)
{
    *out = (struct id){ { 0 } };
    *is_ahead = after.len > 0 && after.at[0] == '^';
    if (after.len == 0 || id_parse(str_skip(after, *is_ahead ? 1 : 0), out)) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

struct page_meta *id_page_meta(
    struct call *call, int64_t limit, size_t n, struct id first, struct id last, const struct id_place *place)
{
    struct page_meta *meta = arena_zero(call->arena, sizeof *meta);

    meta->limit = limit;
    meta->total = place->total;
    if (n > 0 && place->ahead > 0)
        meta->prev = arena_printf(call->arena, "^%.*s", STR_ARG(id_text(call->arena, first)));
    if (n > 0 && place->ahead + (int64_t)n < place->total) meta->next = id_text(call->arena, last);
    return meta;
}

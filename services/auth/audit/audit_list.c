/* audit_list.c - what administrators did, by whom, what and when; newest first. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

/* Of details as text, beyond the first row's: three times as many of msgpack still fit into a page. */
#define DETAIL_BYTES "4000000"

#define THAT_FIT                                                                                                       \
    " FROM audit WHERE ($1::text IS NULL OR who = $1) AND ($2::text IS NULL OR starts_with(what, $2)) AND"             \
    " ($3::text IS NULL OR target = $3) AND ($4::timestamptz IS NULL OR at >= $4) AND"                                 \
    " ($5::timestamptz IS NULL OR at <= $5)"

#define PAGE(beyond, order)                                                                                            \
    "SELECT n, at, who, what, target, detail FROM (SELECT n, at, who, what, target, detail,"                           \
    " sum(octet_length(detail::text)) OVER w - octet_length(detail::text) AS before" THAT_FIT beyond                   \
    " WINDOW w AS (ORDER BY n " order ") ORDER BY n " order " LIMIT $7) page WHERE before < " DETAIL_BYTES             \
    " ORDER BY n DESC"

static const char OLDER[] = PAGE(" AND ($6 = 0 OR n < $6)", "DESC");
static const char NEWER[] = PAGE(" AND n > $6", "ASC");

/* What lies on either side of a page: is there anything older than $6, and newer than $7? */
static const char AROUND[] = "SELECT count(*) AS total, coalesce(bool_or(n < $6), false) AS older, coalesce(bool_or(n "
                             "> $7), false) AS newer" THAT_FIT;

struct around {
    int64_t total;
    bool older, newer;
};
static const struct wire_field around_fields[] = {
    { WIRE_NAME("total"), .at = offsetof(struct around, total), .kind = WIRE_INT },
    { WIRE_NAME("older"), .at = offsetof(struct around, older), .kind = WIRE_BOOL },
    { WIRE_NAME("newer"), .at = offsetof(struct around, newer), .kind = WIRE_BOOL },
    { .name = NULL },
};
static const struct wire_shape around_shape = { "around", "", sizeof(struct around), around_fields };

struct cursor {
    bool newer;
    int64_t n;
};

/* "<7": older than 7; ">7": newer. */
static enum err read_cursor(struct call *call, struct str after, struct cursor *out)
{
    *out = (struct cursor){ false, 0 };
    if (after.len == 0) return OK;
    out->newer = after.at[0] == '>';
    if ((out->newer || after.at[0] == '<') && str_to_int(str_skip(after, 1), &out->n) && out->n > 0) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: is no cursor of this list");
}

static struct str cursor_text(struct arena *arena, char side, int64_t n)
{
    return arena_printf(arena, "%c%lld", side, (long long)n);
}

enum err audit_list(struct call *call, const struct audit_query *req, struct audit_page *rep)
{
    struct around around = { 0 };
    struct cursor cursor;

    TRY(read_cursor(call, req->after, &cursor));
    struct pg_arg who = pg_text(req->who), what = pg_text(req->what), target = pg_text(req->target),
                  since = pg_time(req->since), until = pg_time(req->until);
    TRY(pg_all(call->pg, call->arena, audit_entry_shape(), &rep->audit, 1000, cursor.newer ? NEWER : OLDER,
        PG_ARGS(who, what, target, since, until, pg_int(cursor.n), pg_int(req->limit))));

    size_t n = rep->audit.len;
    int64_t newest = n > 0 ? rep->audit.at[0].n : cursor.n, oldest = n > 0 ? rep->audit.at[n - 1].n : cursor.n;
    TRY(pg_one(call->pg, call->arena, &around_shape, &around, AROUND,
        PG_ARGS(who, what, target, since, until, pg_int(oldest), pg_int(newest))));
    rep->meta = arena_zero(call->arena, sizeof *rep->meta);
    rep->meta->limit = req->limit;
    rep->meta->total = around.total;
    if (around.older) rep->meta->next = cursor_text(call->arena, '<', oldest);
    if (around.newer) rep->meta->prev = cursor_text(call->arena, '>', newest);
    return OK;
}

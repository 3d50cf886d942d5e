/* link_find.c - a link by its code, a view of it, and what it shows. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/rows.h"
#include "libshared/db/uses.h"
#include "services/share/links/links.h"

static const struct wire_field found_fields[] = {
    ROW_FIELD(struct found_link, id, ID),
    ROW_FIELD(struct found_link, noindex, BOOL),
    ROW_FIELD(struct found_link, has_budget, BOOL),
    ROW_FIELD(struct found_link, theme, TEXT),
    ROW_FIELD(struct found_link, owner, TEXT),
    ROW_FIELD(struct found_link, preview, TEXT),
    ROW_FIELD(struct found_link, password, TEXT),
    ROW_FIELD(struct found_link, lock, INT),
    ROW_END,
};
static const struct wire_shape found_shape = { "found_link", "", sizeof(struct found_link), found_fields };

/* The link's own, or that of what it shows. */
#define THEME "coalesce(l.theme, CASE WHEN l.snap_data IS NULL THEN c.theme ELSE l.snap_theme END)"

static const char FIND[] =
    "SELECT l.id, l.owner, l.noindex, l.view_budget IS NOT NULL AS has_budget, " THEME " AS theme,"
    " CASE WHEN l.preview AND l.password IS NULL THEN coalesce(l.snap_name, c.name) END AS preview, "
    "l.password, " LINK_LOCK
    " AS lock" LINKS_THAT_OPEN("$2") " AND l.code_hash = $1 AND ($3::boolean AND " LINK_LOCK
                                     " IN (0, $6) OR l.view_budget IS NULL OR l.views < l.view_budget"
                                     " OR EXISTS (SELECT FROM use_taken t WHERE t.what = '" LINK_USES
                                     "' AND t.id = l.id::text AND t.request = $4"
                                     " AND t.at >= $5))";

/* In the same words whatever the reason, but to those who had it. */
static enum err hide_link(struct call *call, const struct link_visit *visit)
{
    if (visit->had) return call_fail(call, ERR_GONE, "this link has ended");
    return call_fail(call, ERR_NOT_FOUND, "there is no such link");
}

enum err link_find(struct call *call, struct link_visit *visit, struct found_link *out)
{
    enum err e = pg_one(call->pg, call->arena, &found_shape, out, FIND,
        PG_ARGS(pg_bytes(visit->hash), pg_time(call->now), pg_bool(visit->is_fresh), pg_text(visit->request),
            pg_time(call->now - share_settings(call)->visit_s * 1000), pg_int(visit->lock)));

    if (e == ERR_NOT_FOUND) return hide_link(call, visit);
    TRY(e);
    if (out->lock != 0 && out->lock != visit->lock) visit->is_fresh = false;
    return OK;
}

/* --- a view of it --- */

struct link_budget {
    int64_t view_budget, views;
};
static const struct wire_field link_budget_fields[] = {
    ROW_FIELD(struct link_budget, view_budget, INT),
    ROW_FIELD(struct link_budget, views, INT),
    ROW_END,
};
static const struct wire_shape budget_shape = { "budget", "", sizeof(struct link_budget), link_budget_fields };

/* It may have been reset, or had its budget or its password changed, since it was found. */
static const char LOCK[] = "SELECT coalesce(view_budget, 0) AS view_budget, views FROM share_link"
                           " WHERE id = $1 AND code_hash = $2 AND (expires_at IS NULL OR expires_at > $3)"
                           " AND password IS NOT DISTINCT FROM $4 AND taken_down_at IS NULL FOR UPDATE";
static const char COUNT_VIEW[] = "UPDATE share_link SET views = $2, last_view_at = $3 WHERE id = $1";

enum err link_count(struct call *call, const struct link_visit *visit, const struct found_link *link)
{
    struct link_budget budget = { .views = 0 };
    int64_t left = 0;
    enum err e = pg_one(call->pg, call->arena, &budget_shape, &budget, LOCK,
        PG_ARGS(pg_id(link->id), pg_bytes(visit->hash), pg_time(call->now), pg_text(link->password)));

    if (e == OK && budget.view_budget > 0)
        e = uses_take(call->pg, call->arena, (struct uses_of){ LINK_USES, link_uses_id(call->arena, link->id) },
            visit->request, call->now, share_settings(call)->visit_s * 1000, &left);
    if (e == ERR_NOT_FOUND) return hide_link(call, visit);
    TRY(e);
    int64_t views = budget.view_budget > 0 ? budget.view_budget - left : budget.views + 1;
    return pg_run(call->pg, call->arena, COUNT_VIEW, PG_ARGS(pg_id(link->id), pg_int(views), pg_time(call->now)), NULL);
}

static const char READ[] =
    "SELECT coalesce(l.snap_name, c.name) AS name, " THEME
    " AS theme, coalesce(l.snap_data, c.data) AS data, coalesce(l.snap_changed_at, c.changed_at) AS"
    " changed_at, l.download FROM share_link l JOIN conversation c ON c.id = l.conversation WHERE l.id = $1";

enum err link_read(struct call *call, struct id link, struct shared_conversation *out)
{
    return pg_one(call->pg, call->arena, shared_conversation_shape(), out, READ, PG_ARGS(pg_id(link)));
}

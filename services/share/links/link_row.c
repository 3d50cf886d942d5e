/* link_row.c - the row of a link, and how its owner sees it. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/base/url.h"
#include "libshared/db/rows.h"
#include "libshared/db/uses.h"
#include "services/share/reports/reports.h"

#define YEARS_MAX 10

static const struct wire_field row_fields[] = {
    ROW_FIELD(struct link_row, id, ID),
    ROW_FIELD(struct link_row, conversation, ID),
    ROW_FIELD(struct link_row, sealed, BYTES),
    ROW_FIELD(struct link_row, label, TEXT),
    ROW_FIELD(struct link_row, theme, TEXT),
    ROW_FIELD(struct link_row, created_at, TIME),
    ROW_FIELD(struct link_row, expires_at, TIME),
    ROW_FIELD(struct link_row, view_budget, INT),
    ROW_FIELD(struct link_row, views, INT),
    ROW_FIELD(struct link_row, last_view_at, TIME),
    ROW_FIELD(struct link_row, bytes, INT),
    ROW_FIELD(struct link_row, download, BOOL),
    ROW_FIELD(struct link_row, snapshot, BOOL),
    ROW_FIELD(struct link_row, noindex, BOOL),
    ROW_FIELD(struct link_row, preview, BOOL),
    ROW_FIELD(struct link_row, has_password, BOOL),
    ROW_FIELD(struct link_row, taken_down_at, TIME),
    ROW_FIELD(struct link_row, taken_down_for, TEXT),
    ROW_END,
};
const struct wire_shape link_row_shape = { "link_row", "", sizeof(struct link_row), row_fields };

const struct sealed_column sealed_share_link_code = SEALED_COLUMN("share", share_link, id, code);

static struct str id_str(struct arena *arena, struct id id)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    return arena_str(arena, str_of(text));
}

void link_describe(struct call *call, const struct link_row *row, struct share_link *out)
{
    const struct share *share = call->context;
    struct str code;

    *out = (struct share_link){ .id = row->id,
        .conversation = row->conversation,
        .label = row->label,
        .created_at = row->created_at,
        .expires_at = row->expires_at,
        .view_budget = row->view_budget,
        .views = row->views,
        .last_view_at = row->last_view_at,
        .download = row->download,
        .snapshot = row->snapshot,
        .noindex = row->noindex,
        .preview = row->preview,
        .theme = row->theme,
        .has_password = row->has_password,
        .taken_down_at = row->taken_down_at,
        .taken_down_for = row->taken_down_for };
    out->ended = (row->expires_at != 0 && row->expires_at <= call->now) ||
                 (row->view_budget > 0 && row->views >= row->view_budget);
    if (column_unseal(call->arena, &sealed_share_link_code, id_str(call->arena, row->id), row->sealed, &code) != OK)
        return; /* it opens what it opens, but nobody sees it again */
    out->code = code;
    out->url = url_build(call->arena, share->public_url, "/s/{code}", URL_VALUES({ "code", code }));
}

struct str link_uses_id(struct arena *arena, struct id link)
{
    return id_str(arena, link);
}

enum err link_budget_set(struct call *call, struct id link, int64_t view_budget, int64_t views)
{
    struct uses_of of = { LINK_USES, link_uses_id(call->arena, link) };

    if (view_budget == 0) return uses_set(call->pg, call->arena, of, USES_ANY);
    return uses_set(call->pg, call->arena, of, view_budget > views ? view_budget - views : 0);
}

enum err link_expiry_check(struct call *call, int64_t expires_at)
{
    if (expires_at <= call->now + INT64_C(86400000) * 366 * YEARS_MAX) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "expires_at: is more than ten years away");
}

enum err share_links_renew(struct pg *pg)
{
    static const struct sealed_column *const columns[] = { &sealed_share_link_code, &sealed_share_report_email };
    enum err e = sealed_columns_renew(pg, columns, COUNT(columns));

    if (e == OK) return pg_commit(pg);
    pg_rollback(pg);
    return e == ERR_CONFLICT ? OK : e;
}

/* draft_clear.c - one's drafts: which there are; one goes, as it is cleared or because it was sent. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/quota.h"
#include "services/store/drafts/drafts.h"

static enum err check_author(struct call *call)
{
    if (call->who->sub.len > 0) return OK;
    return call_fail(call, ERR_UNAUTHENTICATED, "a draft needs an author");
}

/* --- the list --- */

static const char LIST[] =
    "SELECT room_id AS room, thread, body, meta, attachments, updated_at, version FROM draft WHERE subject = $1"
    " AND ($2::uuid IS NULL OR room_id = $2) AND version < $3 ORDER BY version DESC LIMIT $4";

static enum err read_place(struct call *call, struct str after, int64_t *version)
{
    *version = INT64_MAX;
    if (after.len == 0 || (str_to_int(after, version) && *version > 0)) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

enum err draft_list(struct call *call, const struct draft_query *req, struct draft_page *rep)
{
    int64_t before;

    TRY(check_author(call));
    TRY(read_place(call, req->after, &before));
    TRY(pg_all(call->pg, call->arena, draft_shape(), &rep->drafts, (size_t)req->limit, LIST,
        PG_ARGS(pg_text(call->who->sub), pg_id(req->room), pg_int(before), pg_int(req->limit))));
    rep->meta = arena_zero(call->arena, sizeof *rep->meta);
    *rep->meta = (struct page_meta){ .limit = req->limit, .total = -1 };
    if ((int64_t)rep->drafts.len == req->limit)
        rep->meta->next = arena_printf(call->arena, "%" PRId64, rep->drafts.at[rep->drafts.len - 1].version);
    return OK;
}

/* --- one goes --- */

struct draft_row {
    int64_t version;
};
static const struct wire_field row_fields[] = { ROW_FIELD(struct draft_row, version, INT), ROW_END };
static const struct wire_shape row_shape = { "draft_row", "", sizeof(struct draft_row), row_fields };

static const char REMOVE[] = "DELETE FROM draft WHERE subject = $1 AND room_id = $2 AND thread = $3"
                             " AND ($4::bigint = 0 OR version <= $4) RETURNING version";

enum err draft_remove(struct call *call, const struct draft_ref *ref, int64_t *gone)
{
    struct draft_row row = { 0 };
    enum err e = pg_one(call->pg, call->arena, &row_shape, &row, REMOVE,
        PG_ARGS(pg_text(call->who->sub), pg_id(ref->room), pg_int(ref->thread), pg_int(ref->version)));

    *gone = row.version;
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    return quota_give(call, QUOTA_drafts, call->who->sub, 1);
}

static const char NEWER[] = "SELECT version FROM draft WHERE subject = $1 AND room_id = $2 AND thread = $3";

static enum err check_none(struct call *call, const struct draft_ref *ref)
{
    struct draft_row row = { 0 };
    enum err e = pg_one(call->pg, call->arena, &row_shape, &row, NEWER,
        PG_ARGS(pg_text(call->who->sub), pg_id(ref->room), pg_int(ref->thread)));

    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    return call_fail(call, ERR_PRECONDITION, "version: the draft is a newer one, %" PRId64, row.version);
}

void draft_tell(struct rpc_server *server, const struct draft_news *news)
{
    struct rpc_event *event = rpc_event_create((struct id){ { 0 } }, 0, "draft.changed", draft_news_shape(), news);

    rpc_event_send_all(server, "gateway", event);
    rpc_event_destroy(&event);
}

static void tell(struct rpc_server *server, void *context, void *arg)
{
    (void)context;
    draft_tell(server, arg);
}

/* What is gone already needs nothing. */
enum err draft_clear(struct call *call, const struct draft_ref *req, struct nothing *rep)
{
    struct draft_end end = { .room = req->room, .thread = req->thread };
    struct draft_news news = { .subject = call->who->sub };

    (void)rep;
    TRY(check_author(call));
    TRY(draft_remove(call, req, &end.version));
    if (end.version == 0) return req->version > 0 ? check_none(call, req) : OK;
    news.end = arena_copy(call->arena, &end, sizeof end);
    call_after(call, tell, arena_copy(call->arena, &news, sizeof news));
    return OK;
}

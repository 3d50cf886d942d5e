/* conversation_list.c - one's own conversations, without what is in them. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/conversations/conversations_private.h"

#define PAGE_MAX  100 /* proto/share.def: conversation_page */
#define LAST_PAGE 1000000

#define ENTRIES                                                                                                        \
    "SELECT id, name, theme, public, bytes, created_at, changed_at, deleted_at, taken_down_at, "                       \
    "taken_down_for, " CONVERSATION_ETAG " FROM "                                                                      \
    "conversation"

static const char BY_TIME[] =
    ENTRIES " WHERE owner = $1 AND deleted_at IS NULL ORDER BY changed_at DESC, id DESC LIMIT $2 OFFSET $3";
static const char BY_NAME[] = ENTRIES " WHERE owner = $1 AND deleted_at IS NULL ORDER BY name, id LIMIT $2 OFFSET $3";
static const char TRASH[] =
    ENTRIES " WHERE owner = $1 AND deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC LIMIT $2 OFFSET $3";

struct count {
    int64_t total;
};
static const struct wire_field count_fields[] = { ROW_FIELD(struct count, total, INT), ROW_END };
static const struct wire_shape count_shape = { "count", "", sizeof(struct count), count_fields };

static const char HOW_MANY[] = "SELECT count(*) AS total FROM conversation WHERE owner = $1 AND deleted_at IS NULL";
static const char HOW_MANY_IN_TRASH[] =
    "SELECT count(*) AS total FROM conversation WHERE owner = $1 AND deleted_at IS NOT NULL";

static enum err choose_list(struct call *call, const struct conversation_query *req, const char **out)
{
    bool by_name = str_is(req->sort, "name");

    if (!by_name && req->sort.len > 0 && !str_is(req->sort, "time"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "sort: is time or name");
    *out = req->trash ? TRASH : by_name ? BY_NAME : BY_TIME;
    return OK;
}

/* A place is the number of a page: there are as many conversations as the quota allows, and they move as they change. */
static enum err choose_page(struct call *call, const struct conversation_query *req, int64_t *page)
{
    *page = req->page;
    if (req->after.len == 0) return OK;
    if (str_to_int(req->after, page) && *page >= 1 && *page <= LAST_PAGE) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct page_meta *place_page(struct call *call, int64_t limit, int64_t page, int64_t total)
{
    struct page_meta *meta = arena_zero(call->arena, sizeof *meta);

    *meta = (struct page_meta){ .limit = limit, .total = total, .page = page };
    if (page * limit < total) meta->next = arena_printf(call->arena, "%" PRId64, page + 1);
    if (page > 1) meta->prev = arena_printf(call->arena, "%" PRId64, page - 1);
    return meta;
}

enum err conversation_list(struct call *call, const struct conversation_query *req, struct conversation_page *rep)
{
    struct count count = { 0 };
    const char *list = NULL;
    int64_t page;

    TRY(choose_list(call, req, &list));
    TRY(choose_page(call, req, &page));
    TRY(pg_all(call->pg, call->arena, conversation_entry_shape(), &rep->conversations, PAGE_MAX, list,
        PG_ARGS(pg_text(call->who->sub), pg_int(req->limit), pg_int((page - 1) * req->limit))));
    TRY(pg_one(call->pg, call->arena, &count_shape, &count, req->trash ? HOW_MANY_IN_TRASH : HOW_MANY,
        PG_ARGS(pg_text(call->who->sub))));
    rep->meta = place_page(call, req->limit, page, count.total);
    return OK;
}

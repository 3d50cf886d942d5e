/* conversation_list.c - one's own conversations, and those that others share with one, without what is in them. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/conversations/conversations_private.h"

#define PAGE_MAX  100 /* proto/share.def: conversation_page */
#define LAST_PAGE 1000000

#define ENTRY                                                                                                          \
    "id, name, theme, public, bytes, created_at, changed_at, deleted_at, taken_down_at, "                              \
    "taken_down_for, " CONVERSATION_ETAG
#define OWN "SELECT " ENTRY ", 'owner' AS role, NULL::text AS owner FROM conversation c WHERE owner = $1"
#define SHARED                                                                                                         \
    "SELECT " ENTRY ", p.role, c.owner FROM sharing p JOIN conversation c ON c.id = p.conversation"                    \
    " WHERE p.subject = $1 AND " CONVERSATION_IS_SHARED
#define PAGE(from, order) "SELECT * FROM (" from ") entry ORDER BY " order " LIMIT $2 OFFSET $3"
/* As many of one's own as the page may need: an index has them in that order. */
#define BOTH(order)                                                                                                    \
    "(" OWN " AND deleted_at IS NULL ORDER BY " order " LIMIT $2::bigint + $3::bigint) UNION ALL " SHARED
#define BY_TIME "changed_at DESC, id DESC"
#define BY_NAME "name, id"

struct count {
    int64_t total;
};
static const struct wire_field count_fields[] = { ROW_FIELD(struct count, total, INT), ROW_END };
static const struct wire_shape count_shape = { "count", "", sizeof(struct count), count_fields };

#define OWN_COUNT    "(SELECT count(*) FROM conversation WHERE owner = $1 AND deleted_at IS NULL)"
#define SHARED_COUNT "(SELECT count(*) FROM (" SHARED ") all_shared)"

/* What a list has, in each order, and how many. */
struct list {
    const char *whose;
    bool trash;
    const char *by_time, *by_name, *count;
};
static const struct list lists[] = {
    { "", false, PAGE(BOTH(BY_TIME), BY_TIME), PAGE(BOTH(BY_NAME), BY_NAME),
        "SELECT " OWN_COUNT " + " SHARED_COUNT " AS total" },
    { "own", false, PAGE(OWN " AND deleted_at IS NULL", BY_TIME), PAGE(OWN " AND deleted_at IS NULL", BY_NAME),
        "SELECT " OWN_COUNT " AS total" },
    { "shared", false, PAGE(SHARED, BY_TIME), PAGE(SHARED, BY_NAME), "SELECT " SHARED_COUNT " AS total" },
    { "", true, PAGE(OWN " AND deleted_at IS NOT NULL", "deleted_at DESC, id DESC"),
        PAGE(OWN " AND deleted_at IS NOT NULL", "deleted_at DESC, id DESC"),
        "SELECT count(*) AS total FROM conversation WHERE owner = $1 AND deleted_at IS NOT NULL" },
};

static enum err choose_list(struct call *call, const struct conversation_query *req, const struct list **out)
{
    if (req->sort.len > 0 && !str_is(req->sort, "name") && !str_is(req->sort, "time"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "sort: is time or name");
    for (size_t i = 0; i < COUNT(lists); i++)
        if (str_is(req->whose, lists[i].whose) && req->trash == lists[i].trash) {
            *out = &lists[i];
            return OK;
        }
    return call_fail(
        call, ERR_INVALID_ARGUMENT, "whose: is own or shared, and absent of the trash, which has one's own");
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
    struct conversation_entry_list *page = &rep->conversations;
    struct count count = { 0 };
    const struct list *list = NULL;
    int64_t n;

    TRY(choose_list(call, req, &list));
    TRY(choose_page(call, req, &n));
    TRY(pg_all(call->pg, call->arena, conversation_entry_shape(), page, PAGE_MAX,
        str_is(req->sort, "name") ? list->by_name : list->by_time,
        PG_ARGS(pg_text(call->who->sub), pg_int(req->limit), pg_int((n - 1) * req->limit))));
    for (size_t i = 0; i < page->len; i++) page->at[i].can = conversation_can(call->arena, page->at[i].role);
    TRY(pg_one(call->pg, call->arena, &count_shape, &count, list->count, PG_ARGS(pg_text(call->who->sub))));
    rep->meta = place_page(call, req->limit, n, count.total);
    return OK;
}

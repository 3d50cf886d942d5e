/* version_list.c - what a conversation was before: the list, and one of it. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/db/pg.h"
#include "services/share/conversations/conversations_private.h"

#define PAGE_MAX 100 /* proto/share.def: version_page */

static const char VERSIONS[] =
    "SELECT " VERSION_ENTRY
    " FROM former_version WHERE conversation = $1 AND version < $3 ORDER BY version DESC LIMIT $4";

static enum err read_place(struct call *call, struct str after, int64_t *out)
{
    *out = INT64_MAX;
    if (after.len == 0 || (str_to_int(after, out) && *out > 0)) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct page_meta *place_page(struct call *call, int64_t limit, struct version_entry_list page)
{
    struct page_meta *meta = arena_zero(call->arena, sizeof *meta);

    *meta = (struct page_meta){ .limit = limit, .total = -1 };
    if (page.len == (size_t)limit) meta->next = arena_printf(call->arena, "%" PRId64, page.at[page.len - 1].version);
    return meta;
}

enum err version_list(struct call *call, const struct version_query *req, struct version_page *rep)
{
    int64_t before;

    TRY(read_place(call, req->after, &before));
    TRY(conversation_require(call, req->conversation, CAN_versions));
    TRY(pg_all(call->pg, call->arena, version_entry_shape(), &rep->versions, PAGE_MAX, VERSIONS,
        PG_ARGS(pg_id(req->conversation), pg_text(call->who->sub), pg_int(before), pg_int(req->limit))));
    rep->meta = place_page(call, req->limit, rep->versions);
    return OK;
}

static const char VERSION[] =
    "SELECT conversation, data, " VERSION_ENTRY " FROM former_version WHERE conversation = $1 AND version = $3";

enum err version_find(struct call *call, const struct version_ref *ref, struct former_version *out)
{
    enum err e = pg_one(call->pg, call->arena, former_version_shape(), out, VERSION,
        PG_ARGS(pg_id(ref->conversation), pg_text(call->who->sub), pg_int(ref->version)));

    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such former version of it") : e;
}

enum err version_get(struct call *call, const struct version_ref *req, struct former_version *rep)
{
    TRY(conversation_require(call, req->conversation, CAN_versions));
    return version_find(call, req, rep);
}

/* keeping_export.c - all that somebody keeps, for them: conversations and media, the oldest first, page by page. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/conversations/conversations_private.h"

#define PAGE_BYTES         (1 << 20) /* of conversations: a page of the longest ones would be fifty times this */
#define PAGE_CONVERSATIONS 50        /* proto/share.def: own_conversations */
#define AFTER              "coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)"

static const char CONVERSATIONS[] =
    "SELECT " CONVERSATION " FROM (SELECT *, row_number() OVER walk AS n, sum(bytes) OVER walk AS all_bytes"
    " FROM (SELECT * FROM conversation WHERE owner = $1 AND id > " AFTER " ORDER BY id LIMIT $3) c"
    " WINDOW walk AS (ORDER BY id ROWS UNBOUNDED PRECEDING)) page WHERE n = 1 OR all_bytes <= $4 ORDER BY id";
static const char MEDIA[] = "SELECT id, name, type, size, created_at, state, fault, width, height, placeholder"
                            " FROM media WHERE owner = $1 AND id > " AFTER " ORDER BY id LIMIT $3";

static enum err read_place(struct call *call, const struct export_query *req, struct id *out)
{
    *out = (struct id){ { 0 } };
    if (call->who->sub.len == 0) return ERR_UNAUTHENTICATED;
    if (req->after.len == 0 || id_parse(req->after, out)) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

/* Behind the last one of a page there may be more. */
static struct page_meta *place_page(struct call *call, int64_t limit, const struct id *last)
{
    struct page_meta *meta = arena_zero(call->arena, sizeof *meta);
    char text[ID_TEXT_BYTES + 1];

    *meta = (struct page_meta){ .limit = limit, .total = -1 };
    if (last == NULL) return meta;
    id_format(*last, text);
    meta->next = arena_str(call->arena, str_of(text));
    return meta;
}

enum err conversation_export(struct call *call, const struct export_query *req, struct own_conversations *rep)
{
    int64_t limit = req->limit < PAGE_CONVERSATIONS ? req->limit : PAGE_CONVERSATIONS;
    struct conversation_list *page = &rep->conversations;
    struct id after;

    TRY(read_place(call, req, &after));
    TRY(pg_all(call->pg, call->arena, conversation_shape(), page, (size_t)limit, CONVERSATIONS,
        PG_ARGS(pg_text(call->who->sub), pg_id(after), pg_int(limit), pg_int(PAGE_BYTES))));
    rep->meta = place_page(call, limit, page->len > 0 ? &page->at[page->len - 1].id : NULL);
    return OK;
}

enum err media_export(struct call *call, const struct export_query *req, struct own_media *rep)
{
    struct media_list *page = &rep->media;
    struct id after;

    TRY(read_place(call, req, &after));
    TRY(pg_all(call->pg, call->arena, media_shape(), page, (size_t)req->limit, MEDIA,
        PG_ARGS(pg_text(call->who->sub), pg_id(after), pg_int(req->limit))));
    for (size_t i = 0; i < page->len; i++)
        page->at[i].url = media_url(call, page->at[i].id, page->at[i].name, STR_NONE);
    rep->meta = place_page(call, req->limit, page->len > 0 ? &page->at[page->len - 1].id : NULL);
    return OK;
}

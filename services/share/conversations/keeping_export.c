/* keeping_export.c - all that somebody keeps, for them: conversations, what those were before, and media, the oldest first, page by page. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/db/pg.h"
#include "services/share/conversations/conversations_private.h"

#define PAGE_BYTES         (1 << 20) /* of conversations: a page of the longest ones would be fifty times this */
#define PAGE_CONVERSATIONS 50        /* proto/share.def: own_conversations */
#define PAGE_VERSIONS      50        /* proto/share.def: own_versions */
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

/* --- what conversations were before --- */

/* In the order in which an index has them: a place is as much of it. */
static const char VERSIONS[] =
    "SELECT conversation, data, " VERSION_ENTRY " FROM (SELECT *, row_number() OVER walk AS n, sum(bytes) OVER walk AS"
    " all_bytes FROM (SELECT * FROM former_version WHERE owner = $1 AND (kept_at, conversation, version) > ($3,"
    " coalesce($4, '00000000-0000-0000-0000-000000000000'::uuid), $5)"
    " ORDER BY kept_at, conversation, version LIMIT $6) f WINDOW walk AS (ORDER BY kept_at, conversation, version ROWS"
    " UNBOUNDED PRECEDING)) page WHERE n = 1 OR all_bytes <= $7 ORDER BY kept_at, conversation, version";

struct version_place {
    int64_t kept_at, version;
    struct id conversation;
};

static enum err read_version_place(struct call *call, struct str after, struct version_place *out)
{
    *out = (struct version_place){ .kept_at = 1 };
    if (call->who->sub.len == 0) return ERR_UNAUTHENTICATED;
    if (after.len == 0) return OK;
    struct str kept_at = str_cut(&after, '.'), version = str_cut(&after, '.');
    if (str_to_int(kept_at, &out->kept_at) && str_to_int(version, &out->version) && id_parse(after, &out->conversation))
        return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct page_meta *place_version_page(struct call *call, int64_t limit, const struct former_version *last)
{
    struct page_meta *meta = place_page(call, limit, last == NULL ? NULL : &last->conversation);

    if (last != NULL)
        meta->next = arena_printf(
            call->arena, "%" PRId64 ".%" PRId64 ".%.*s", last->kept_at, last->version, STR_ARG(meta->next));
    return meta;
}

enum err version_export(struct call *call, const struct export_query *req, struct own_versions *rep)
{
    int64_t limit = req->limit < PAGE_VERSIONS ? req->limit : PAGE_VERSIONS;
    struct former_version_list *page = &rep->versions;
    struct version_place after;

    TRY(read_version_place(call, req->after, &after));
    TRY(pg_all(call->pg, call->arena, former_version_shape(), page, (size_t)limit, VERSIONS,
        PG_ARGS(pg_text(call->who->sub), pg_text(call->who->sub), pg_time(after.kept_at), pg_id(after.conversation),
            pg_int(after.version), pg_int(limit), pg_int(PAGE_BYTES))));
    rep->meta = place_version_page(call, limit, page->len > 0 ? &page->at[page->len - 1] : NULL);
    return OK;
}

/* --- media --- */

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

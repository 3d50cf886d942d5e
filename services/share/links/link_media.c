/*
 * link_media.c - files that the conversation of a link shows, and who may read them by it.
 *
 *      GET /s/{code}/media/{media} --the link opens?--> --its visit is fresh?--> --shows it?--> --may it be kept?--> its bytes
 *
 * A link shows what its conversation shows, whatever ids that names: files of its owner's and of editors who named theirs there.  One that is live
 * shows those that it names now, one that is not those that it named then (share_link_media).  All of it is asked with each request, so what ends ends at once.
 */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/base/url.h"
#include "libshared/db/rows.h"
#include "services/share/links/links.h"

#define MEDIA_MAX 1000 /* proto/share.def: shared_conversation */

/* Of the link $1. */
#define SHOWN                                                                                                          \
    " FROM share_link l CROSS JOIN LATERAL (SELECT media FROM conversation_media WHERE conversation = l.conversation"  \
    " AND shown AND l.snap_data IS NULL UNION ALL SELECT media FROM share_link_media WHERE link = l.id"                \
    " AND l.snap_data IS NOT NULL) u JOIN media m ON m.id = u.media WHERE l.id = $1"

/* --- what there is --- */

static const char LIST[] = "SELECT m.id, m.name, m.type, m.size, m.width, m.height" SHOWN
                           " AND m.state = 'ready' AND ($2::uuid[] = '{}' OR m.id = ANY ($2)) ORDER BY m.id LIMIT $3";

static bool is_image(const struct shared_medium *medium)
{
    return medium->width > 0;
}

/* As somebody may see it who may not keep it. */
#define SEEN_FORM "medium"

struct str link_media_url(struct call *call, struct str code, struct id media, struct str form)
{
    char id[ID_TEXT_BYTES + 1];

    id_format(media, id);
    const struct url_value values[] = { { "code", code }, { "media", str_of(id) }, { "form", form } };
    return url_build(call->arena, "", "/s/{code}/media/{media}", values, COUNT(values) - (form.len == 0));
}

enum err link_media_list(struct call *call, struct id link, struct str code, bool download, struct id_list only,
    struct shared_medium_list *out)
{
    TRY(pg_all(call->pg, call->arena, shared_medium_shape(), out, MEDIA_MAX, LIST,
        PG_ARGS(pg_id(link), pg_ids(call->arena, only), pg_int(MEDIA_MAX))));
    for (size_t i = 0; i < out->len; i++) {
        struct shared_medium *medium = &out->at[i];
        if (download || is_image(medium))
            medium->url = link_media_url(call, code, medium->id, download ? STR_NONE : STR(SEEN_FORM));
    }
    return OK;
}

/* --- reading one --- */

struct shown_by {
    bool download;
};
static const struct wire_field shown_by_fields[] = { ROW_FIELD(struct shown_by, download, BOOL), ROW_END };
static const struct wire_shape shown_by_shape = { "shown_by", "", sizeof(struct shown_by), shown_by_fields };

static const char IS_SHOWN[] = "SELECT l.download" SHOWN " AND u.media = $2";

/* What one may look at without keeping it: large is as good as many an original. */
static bool is_glance(struct str form)
{
    return str_is(form, "small") || str_is(form, "medium");
}

static enum err hide_medium(struct call *call)
{
    return call_fail(call, ERR_NOT_FOUND, "there is no such file that the link shows");
}

static enum err check_shown(struct call *call, struct id link, const struct shared_medium_query *req, bool *download)
{
    struct shown_by by = { .download = false };
    enum err e = pg_one(call->pg, call->arena, &shown_by_shape, &by, IS_SHOWN, PG_ARGS(pg_id(link), pg_id(req->media)));

    if (e == ERR_NOT_FOUND) return hide_medium(call);
    TRY(e);
    *download = by.download;
    if (by.download || is_glance(req->form)) return OK;
    return call_fail(
        call, ERR_FORBIDDEN, "the link's owner does not let it be kept: it has the forms small and medium");
}

/* No view is counted: opening the link was one.  Its owner pays, beside the reader's address. */
enum err shared_medium_open(struct call *call, const struct shared_medium_query *req, struct source *rep)
{
    struct link_visit visit = visit_read(call, req->share_visit, req->code, STR_NONE);
    struct found_link link;
    struct medium_source found = { .size = 0 };
    bool download = false;

    TRY(link_find(call, &visit, &link));
    if (!visit.is_fresh) return call_fail(call, ERR_FORBIDDEN, "the link is to be opened first, and its visit brought");
    TRY(check_shown(call, link.id, req, &download));
    enum err e = medium_source_find(call->pg, call->arena, req->media, req->form, &found);
    if (e == ERR_NOT_FOUND) return hide_medium(call);
    TRY(e);
    TRY(medium_source_show(call, &found, rep));
    rep->payer = found.owner;
    rep->whole = !download;
    return OK;
}

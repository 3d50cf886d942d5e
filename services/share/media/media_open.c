/* media_open.c - reading one of one's own files: what it is, and its bytes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/share.h"

static const char MEDIA[] = "SELECT id, name, type, size, created_at FROM media WHERE id = $1 AND owner = $2";

/* Another's file is not found: its existence is nobody's business. */
static enum err hide_others(struct call *call, enum err e)
{
    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such file of yours") : e;
}

enum err media_get(struct call *call, const struct media_ref *req, struct media *rep)
{
    TRY(hide_others(call,
        pg_one(call->pg, call->arena, media_shape(), rep, MEDIA, PG_ARGS(pg_id(req->media), pg_text(call->who->sub)))));
    rep->url = media_url(call, rep->id, rep->name);
    return OK;
}

static const char SOURCE_OF_MEDIA[] =
    "SELECT b.file AS source, m.name, m.type, m.size, m.id::text AS tag FROM media m JOIN blob b USING (hash)"
    " WHERE m.id = $1 AND m.owner = $2";

enum err media_open(struct call *call, const struct media_link *req, struct source *rep)
{
    return hide_others(call, pg_one(call->pg, call->arena, source_shape(), rep, SOURCE_OF_MEDIA,
                                 PG_ARGS(pg_id(req->media), pg_text(call->who->sub))));
}

/* Who asks was allowed to when it was opened; a file that was deleted since is not found. */
enum err source_read(struct call *call, const struct source_range *req, struct source_bytes *rep)
{
    const struct share *share = call->context;
    char *to = arena_alloc(call->arena, (size_t)req->size);

    rep->bytes = (struct str){ to, (size_t)req->size };
    return file_read(share->files, req->source, req->at, to, (size_t)req->size);
}

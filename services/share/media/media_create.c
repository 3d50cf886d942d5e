/* media_create.c - a file that has come becomes a medium. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/share.h"

static const char INSERT_MEDIA[] =
    "INSERT INTO media (id, owner, name, type, size, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";

static enum err keep_medium(struct call *call, const struct content *content, void *made)
{
    struct media *media = made;

    media->size = content->size;
    return pg_run(call->pg, call->arena, INSERT_MEDIA,
        PG_ARGS(pg_id(media->id), pg_text(call->who->sub), pg_text(media->name), pg_text(media->type),
            pg_int(media->size), pg_bytes(content->hash), pg_time(media->created_at)),
        NULL);
}

void media_create(struct call *call, const struct media_draft *draft, struct rpc_later *later)
{
    struct media *media = arena_zero(call->arena, sizeof *media);

    media_describe(call, draft, media);
    uploads_end(later, draft->upload, keep_medium, media);
}

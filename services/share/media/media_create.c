/* media_create.c - a file that has come becomes a medium. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/share.h"

static const char INSERT_MEDIA[] = "INSERT INTO media (id, owner, name, type, size, hash, created_at, state, due_at)"
                                   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

enum err media_keep(struct call *call, const struct content *content, void *made)
{
    struct media *media = made;
    int64_t never_used_s = share_settings(call)->never_used_s;
    int64_t due_at = never_used_s == 0 ? 0 : call->now + never_used_s * 1000;

    media->size = content->size;
    media->type = str_of(content->type);
    media->state = content_type_is_read(media->type) ? STR("pending") : STR("ready");
    TRY(pg_run(call->pg, call->arena, INSERT_MEDIA,
        PG_ARGS(pg_id(media->id), pg_text(call->who->sub), pg_text(media->name), pg_text(media->type),
            pg_int(media->size), pg_bytes(content->hash), pg_time(media->created_at), pg_text(media->state),
            pg_time(due_at)),
        NULL));
    return content_type_is_read(media->type) ? image_put_turn(call) : OK; /* before anybody sees it */
}

void media_create(struct call *call, const struct media_draft *draft, struct rpc_later *later)
{
    struct media *media = arena_zero(call->arena, sizeof *media);

    media_describe(call, draft, media);
    uploads_end(later, draft->upload, media_keep, media);
}

/* media_delete.c - a file goes, and what was made of it; a content goes with the last one that has it. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdlib.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/media/blob.h"
#include "services/share/share.h"

#define FORMS_MAX 4 /* contents that one medium has */

struct deleted {
    int64_t media, size; /* media: 1 for one itself, 0 for what was made of it */
    struct str hash;
};
struct deleted_list {
    struct deleted *at;
    size_t len;
};
static const struct wire_field deleted_fields[] = { ROW_FIELD(struct deleted, media, INT),
    ROW_FIELD(struct deleted, size, INT), ROW_FIELD(struct deleted, hash, BYTES), ROW_END };
static const struct wire_shape deleted_shape = { "deleted", "", sizeof(struct deleted), deleted_fields };

#define WITH_FORMS                                                                                                     \
    " RETURNING id, size, hash), forms AS (DELETE FROM media_form WHERE media IN (SELECT id FROM gone)"                \
    " RETURNING size, hash) SELECT 1::bigint AS media, size, hash FROM gone"                                           \
    " UNION ALL SELECT 0, size, hash FROM forms"
static const char DELETE_MEDIA[] = "WITH gone AS (DELETE FROM media WHERE id = $1 AND owner = $2" WITH_FORMS;
static const char DELETE_SOME[] = "WITH gone AS (DELETE FROM media WHERE id IN (SELECT id FROM media WHERE owner = $1"
                                  " ORDER BY id DESC LIMIT $2)" WITH_FORMS;

static const char DELETE_UNUSED[] = "WITH gone AS (DELETE FROM media WHERE id = ANY ($1)" WITH_FORMS;

static enum err leave_contents(struct call *call, struct deleted_list gone, struct id_list *files)
{
    struct str_list hashes = { arena_alloc(call->arena, (gone.len + 1) * sizeof *hashes.at), gone.len };

    for (size_t i = 0; i < gone.len; i++) hashes.at[i] = gone.at[i].hash;
    return blobs_leave(call, hashes, files);
}

static void remove_files(struct rpc_server *server, void *context, void *arg)
{
    (void)server;
    media_files_gone(context, arg);
}

/* The owner's quotas get back what these media took; a content goes with the last medium that has it. */
static enum err let_go(struct call *call, struct str owner, struct deleted_list gone, struct id_list *files)
{
    int64_t media = 0, bytes = 0;

    TRY(leave_contents(call, gone, files));
    for (size_t i = 0; i < gone.len; i++) {
        media += gone.at[i].media;
        bytes += gone.at[i].size;
    }
    TRY(quota_give(call, QUOTA_media, owner, media));
    return quota_give(call, QUOTA_media_bytes, owner, bytes);
}

enum err media_delete(struct call *call, const struct media_ref *req, struct nothing *rep)
{
    struct deleted_list gone = { NULL, 0 };
    struct id_list *files = arena_zero(call->arena, sizeof *files);

    (void)rep;
    TRY(pg_all(call->pg, call->arena, &deleted_shape, &gone, FORMS_MAX, DELETE_MEDIA,
        PG_ARGS(pg_id(req->media), pg_text(call->who->sub))));
    if (gone.len == 0) return call_fail(call, ERR_NOT_FOUND, "there is no such file of yours");
    TRY(let_go(call, call->who->sub, gone, files));
    call_after(call, remove_files, files);
    return OK;
}

/* --- that nothing uses --- */

enum err media_delete_unused(struct call *call, struct str owner, struct id_list ids, struct id_list *files)
{
    struct deleted_list gone = { NULL, 0 };

    TRY(pg_all(call->pg, call->arena, &deleted_shape, &gone, FORMS_MAX * ids.len, DELETE_UNUSED,
        PG_ARGS(pg_ids(call->arena, ids))));
    return let_go(call, owner, gone, files);
}

/* --- of somebody who is no user any more --- */

enum err media_delete_some(struct call *call, struct str owner, size_t most, struct id_list *files, int64_t *rows)
{
    struct deleted_list gone = { NULL, 0 };

    TRY(pg_all(call->pg, call->arena, &deleted_shape, &gone, FORMS_MAX * most, DELETE_SOME,
        PG_ARGS(pg_text(owner), pg_int((int64_t)most))));
    TRY(leave_contents(call, gone, files));
    *rows = 0;
    for (size_t i = 0; i < gone.len; i++) *rows += gone.at[i].media;
    return OK;
}

void media_files_gone(void *context, const void *files)
{
    const struct id_list *gone = files;

    for (size_t i = 0; i < gone->len; i++) uploads_remove_file(((struct share *)context)->uploads, gone->at[i]);
}

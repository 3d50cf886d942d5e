/* media_delete.c - a file goes; its content goes with the last one that has it. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/share.h"

struct deleted {
    int64_t size;
    struct str hash;
};
static const struct wire_field deleted_fields[] = { ROW_FIELD(struct deleted, size, INT),
    ROW_FIELD(struct deleted, hash, BYTES), ROW_END };
static const struct wire_shape deleted_shape = { "deleted", "", sizeof(struct deleted), deleted_fields };

static const char DELETE_MEDIA[] = "DELETE FROM media WHERE id = $1 AND owner = $2 RETURNING size, hash";

/* Whoever leaves it is alone with it until the commit: of two at once, the second sees what the first left. */
struct blob {
    struct id file;
    int64_t refs;
};
static const struct wire_field blob_fields[] = { ROW_FIELD(struct blob, file, ID), ROW_FIELD(struct blob, refs, INT),
    ROW_END };
static const struct wire_shape blob_shape = { "blob", "", sizeof(struct blob), blob_fields };

static const char LOCK_BLOB[] = "SELECT file, refs FROM blob WHERE hash = $1 FOR UPDATE";
static const char DELETE_BLOB[] = "DELETE FROM blob WHERE hash = $1";
static const char LEAVE_BLOB[] = "UPDATE blob SET refs = refs - 1 WHERE hash = $1";

static void remove_file(struct rpc_server *server, void *context, void *arg)
{
    const struct share *share = context;
    const struct upload_ref *gone = arg;

    (void)server;
    uploads_remove_file(share->uploads, gone->upload);
}

static enum err leave_blob(struct call *call, struct str hash)
{
    struct blob blob;

    TRY(pg_one(call->pg, call->arena, &blob_shape, &blob, LOCK_BLOB, PG_ARGS(pg_bytes(hash))));
    if (blob.refs > 1) return pg_run(call->pg, call->arena, LEAVE_BLOB, PG_ARGS(pg_bytes(hash)), NULL);
    struct upload_ref *gone = arena_zero(call->arena, sizeof *gone);
    gone->upload = blob.file;
    call_after(call, remove_file, gone);
    return pg_run(call->pg, call->arena, DELETE_BLOB, PG_ARGS(pg_bytes(hash)), NULL);
}

enum err media_delete(struct call *call, const struct media_ref *req, struct nothing *rep)
{
    struct deleted deleted = { 0 };
    enum err e = pg_one(call->pg, call->arena, &deleted_shape, &deleted, DELETE_MEDIA,
        PG_ARGS(pg_id(req->media), pg_text(call->who->sub)));

    (void)rep;
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such file of yours");
    TRY(e);
    TRY(leave_blob(call, deleted.hash));
    TRY(quota_give(call, QUOTA_media, call->who->sub, 1));
    return quota_give(call, QUOTA_media_bytes, call->who->sub, deleted.size);
}

/* blob.c - contents, each once, and how many have it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/blob.h"

#include <stddef.h>
#include <stdlib.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"

struct blob {
    struct id file;
    int64_t refs;
};
static const struct wire_field blob_fields[] = { ROW_FIELD(struct blob, file, ID), ROW_FIELD(struct blob, refs, INT),
    ROW_END };
static const struct wire_shape blob_shape = { "blob", "", sizeof(struct blob), blob_fields };

static const char KEEP_BLOB[] = "INSERT INTO blob (hash, file, size, refs) VALUES ($1, $2, $3, 1)"
                                " ON CONFLICT (hash) DO UPDATE SET refs = blob.refs + 1 RETURNING file AS upload";
static const char LOCK_BLOB[] = "SELECT file, refs FROM blob WHERE hash = $1 FOR UPDATE";
static const char DELETE_BLOB[] = "DELETE FROM blob WHERE hash = $1";
static const char LEAVE_BLOB[] = "UPDATE blob SET refs = refs - 1 WHERE hash = $1";

enum err blob_keep(struct call *call, struct str hash, struct id file, int64_t size, struct id *kept)
{
    struct upload_ref ref;

    TRY(pg_one(call->pg, call->arena, upload_ref_shape(), &ref, KEEP_BLOB,
        PG_ARGS(pg_bytes(hash), pg_id(file), pg_int(size))));
    *kept = ref.upload;
    return OK;
}

static enum err lock_blob(struct call *call, struct str hash, struct blob *out)
{
    return pg_one(call->pg, call->arena, &blob_shape, out, LOCK_BLOB, PG_ARGS(pg_bytes(hash)));
}

enum err blob_lock(struct call *call, struct str hash)
{
    struct blob blob;

    return lock_blob(call, hash, &blob);
}

/* A medium that leaves its content has the row to itself until the commit: of two at once, the second sees what the first left. */
enum err blob_leave(struct call *call, struct str hash, struct id *file)
{
    struct blob blob;

    TRY(lock_blob(call, hash, &blob));
    *file = (struct id){ { 0 } };
    if (blob.refs > 1) return pg_run(call->pg, call->arena, LEAVE_BLOB, PG_ARGS(pg_bytes(hash)), NULL);
    *file = blob.file;
    return pg_run(call->pg, call->arena, DELETE_BLOB, PG_ARGS(pg_bytes(hash)), NULL);
}

static int compare_hashes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

enum err blobs_leave(struct call *call, struct str_list hashes, struct id_list *files)
{
    if (hashes.len > 1) qsort(hashes.at, hashes.len, sizeof *hashes.at, compare_hashes);
    *files = (struct id_list){ arena_alloc(call->arena, (hashes.len + 1) * sizeof *files->at), 0 };
    for (size_t i = 0; i < hashes.len; i++) {
        TRY(blob_leave(call, hashes.at[i], &files->at[files->len]));
        if (!id_is_nil(files->at[files->len])) files->len++;
    }
    return OK;
}

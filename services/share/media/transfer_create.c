/* transfer_create.c - files that come in parts: begun, asked about and given up.  Their parts are uploads: transfer_part.c. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/media/tus.h"
#include "services/share/share.h"

static const char INSERT_TRANSFER[] =
    "INSERT INTO upload (id, owner, bytes, began_at, name, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";

static enum err insert_transfer(struct call *call, const struct transfer *transfer, struct str name)
{
    TRY(pg_run(call->pg, call->arena, INSERT_TRANSFER,
        PG_ARGS(pg_id(transfer->id), pg_text(call->who->sub), pg_int(transfer->size), pg_time(call->now), pg_text(name),
            pg_time(transfer->expires_at)),
        NULL));
    TRY(quota_take(call, QUOTA_media, 1));
    return quota_take(call, QUOTA_media_bytes, transfer->size);
}

/* A file whose row is not committed is collected by the next start. */
static enum err create_file(struct files *files, struct id id)
{
    struct file *file = NULL;

    TRY(file_create(files, id, &file));
    file_close(&file);
    return OK;
}

enum err transfer_create(struct call *call, const struct transfer_draft *req, struct transfer *rep)
{
    const struct share *share = call->context;
    int64_t most = uploads_bytes_max(share->uploads);
    struct media_draft draft = { .name = STR_NONE };
    struct media described;

    if (call->who->sub.len == 0) return call_fail(call, ERR_UNAUTHENTICATED, "a file needs an owner");
    if (req->size > most) return call_fail(call, ERR_TOO_LARGE, "a file may have %lld bytes", (long long)most);
    if (!tus_metadata_find(req->metadata, "filename", call->arena, &draft.name)) draft.name = STR_NONE;
    media_describe(call, &draft, &described);
    *rep = (struct transfer){ .id = id_new(), .size = req->size };
    rep->url = transfer_url(call, rep->id);
    rep->expires_at = call->now + uploads_transfer_ms(share->uploads);
    TRY(insert_transfer(call, rep, described.name));
    return create_file(share->files, rep->id);
}

/* --- how far is it? --- */

struct known_transfer {
    int64_t size, checked_to, expires_at;
};
static const struct wire_field known_fields[] = { ROW_FIELD(struct known_transfer, size, INT),
    ROW_FIELD(struct known_transfer, checked_to, INT), ROW_FIELD(struct known_transfer, expires_at, TIME), ROW_END };
static const struct wire_shape known_shape = { "known", "", sizeof(struct known_transfer), known_fields };

static const char TRANSFER[] = "SELECT bytes AS size, coalesce(checked_to, bytes) AS checked_to, expires_at FROM upload"
                               " WHERE id = $1 AND owner = $2 AND expires_at > $3";
static const char BECAME_MEDIUM[] = "SELECT size, size AS checked_to, created_at AS expires_at FROM media"
                                    " WHERE id = $1 AND owner = $2";

enum err transfer_get(struct call *call, const struct transfer_ref *req, struct transfer *rep)
{
    const struct share *share = call->context;
    struct known_transfer known;
    int64_t length = 0;

    *rep = (struct transfer){ .id = req->transfer, .url = transfer_url(call, req->transfer) };
    enum err e = pg_one(call->pg, call->arena, &known_shape, &known, TRANSFER,
        PG_ARGS(pg_id(req->transfer), pg_text(call->who->sub), pg_time(call->now)));
    if (e == OK) {
        TRY(file_length(share->files, req->transfer, &length));
        rep->at = transfer_offset(length, known.checked_to, known.size);
        rep->expires_at = known.expires_at;
    } else if (e == ERR_NOT_FOUND) {
        e = pg_one(call->pg, call->arena, &known_shape, &known, BECAME_MEDIUM,
            PG_ARGS(pg_id(req->transfer), pg_text(call->who->sub)));
        if (e == OK) rep->at = known.size;
    }
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such upload of yours");
    rep->size = known.size;
    return e;
}

/* --- given up --- */

static const char DELETE_TRANSFER[] =
    "DELETE FROM upload WHERE id = $1 AND owner = $2 AND expires_at IS NOT NULL RETURNING bytes AS used";

struct given_up {
    int64_t used;
};
static const struct wire_field given_up_fields[] = { ROW_FIELD(struct given_up, used, INT), ROW_END };
static const struct wire_shape given_up_shape = { "given_up", "", sizeof(struct given_up), given_up_fields };

static void forget_transfer(struct rpc_server *server, void *context, void *arg)
{
    const struct share *share = context;
    const struct transfer_ref *gone = arg;

    (void)server;
    uploads_forget(share->uploads, gone->transfer);
}

enum err transfer_delete(struct call *call, const struct transfer_ref *req, struct nothing *rep)
{
    struct given_up gone = { 0 };
    struct transfer_ref *ref = arena_zero(call->arena, sizeof *ref);
    enum err e = pg_one(call->pg, call->arena, &given_up_shape, &gone, DELETE_TRANSFER,
        PG_ARGS(pg_id(req->transfer), pg_text(call->who->sub)));

    (void)rep;
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such upload of yours");
    TRY(e);
    *ref = *req;
    call_after(call, forget_transfer, ref);
    TRY(quota_give(call, QUOTA_media, call->who->sub, 1));
    return quota_give(call, QUOTA_media_bytes, call->who->sub, gone.used);
}

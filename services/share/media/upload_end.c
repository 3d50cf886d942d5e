/* upload_end.c - a whole body becomes a content that somebody refers to. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/blob.h"
#include "services/share/media/uploads_private.h"

/* From the file itself, of which a small first piece may not have told. */
static enum err read_type(struct upload *upload, struct arena *arena)
{
    int64_t size = file_size(upload->file);
    size_t n = size < CONTENT_HEAD_BYTES ? (size_t)size : CONTENT_HEAD_BYTES;
    char *head = arena_alloc(arena, CONTENT_HEAD_BYTES);

    TRY(file_read(upload->uploads->config.files, upload->id, 0, head, n));
    upload->type = content_type_of((struct str){ head, n });
    return OK;
}

enum err upload_sync_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;

    (void)pg;
    TRY(read_type(upload, arena));
    TRY(upload_check_type(rpc_later_call(upload->present->later), upload, upload->type, file_size(upload->file)));
    return file_sync(upload->file, upload->hash);
}

static enum err end_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;
    struct upload_request *request = upload->present;
    struct call call = call_on_worker(rpc_later_call(request->later), pg, arena);
    struct content content = { { (char *)upload->hash, sizeof upload->hash }, file_size(upload->file),
        upload->type->name };
    struct id kept;
    int64_t rows = 0;

    TRY(blob_keep(&call, content.hash, upload->id, content.size, &kept));
    upload->spare = !id_eq(kept, upload->id);
    TRY(request->keep(&call, &content, request->made));
    TRY(upload_delete_row(pg, arena, upload->id, &rows));
    if (rows == 0) return ERR_UNAVAILABLE; /* somebody has given it up meanwhile */
    return quota_give(&call, QUOTA_media_bytes, upload->owner, upload->most - content.size);
}

void upload_end_done(void *arg, enum err e)
{
    struct upload *upload = arg;
    struct upload_request *request = upload->present;
    struct uploads *uploads = upload->uploads;
    struct id spare = upload->id;
    bool is_spare = e == OK && upload->spare;

    upload->present = NULL;
    if (e == OK)
        upload_free(upload);
    else
        upload_lose(upload, e);
    if (is_spare) uploads_remove_file(uploads, spare);
    upload_answer(request, e, request->rep);
    CHECK_STEP(uploads_check(uploads));
}

/* No transaction is open while the disk is waited for. */
void upload_sync_done(void *arg, enum err e)
{
    struct upload *upload = arg;

    if (e == OK && !rpc_server_work(upload->uploads->server, upload->owner, end_work, upload_end_done, upload))
        e = ERR_OVERLOADED;
    if (e != OK) upload_end_done(upload, e);
}

void uploads_end(struct rpc_later *later, struct id id, upload_keep_fn *keep, void *made)
{
    struct call *call = rpc_later_call(later);
    struct upload *upload = upload_require(call, id, later);

    if (upload == NULL) return;
    if (upload->state != UPLOAD_OPEN) {
        rpc_later_done(later, call_fail(call, ERR_CONFLICT, "it is not whole yet"), NULL);
        return;
    }
    struct upload_request *request = upload_request_create(later);
    request->keep = keep;
    request->made = made;
    request->rep = made;
    upload->state = UPLOAD_ENDS;
    upload->present = request;
    if (!rpc_server_work_blocking(upload->uploads->server, upload->owner, upload_sync_work, upload_sync_done, upload))
        upload_end_done(upload, ERR_OVERLOADED);
}

/* upload_write.c - the pieces of a body, written in their order. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/uploads_private.h"

static const struct nothing none;

enum err upload_check_type(
    struct call *call, const struct upload *upload, const struct content_type *type, int64_t size)
{
    int64_t most = upload->uploads->config.of_kind[type->kind];
    const char *kind = content_kind_name(type->kind);

    if (most == 0) return call_fail(call, ERR_UNSUPPORTED_MEDIA, "files of the kind %s are not kept here", kind);
    if (size > most)
        return call_fail(call, ERR_TOO_LARGE, "a file of the kind %s may have %lld bytes", kind, (long long)most);
    if (type->kind == CONTENT_IMAGE && !content_type_is_read(str_of(type->name)))
        return call_fail(call, ERR_UNPROCESSABLE, "images of the type %s are not read here", type->name);
    return OK;
}

/* A file that is of no kept type, or too large for its type, is refused early: by what its first piece says it is. */
static enum err check_early(struct call *call, struct upload *upload, const struct upload_piece *piece)
{
    struct str head = piece->bytes;

    if (piece->at == 0 && head.len >= CONTENT_HEAD_BYTES)
        upload->type = content_type_of((struct str){ head.at, CONTENT_HEAD_BYTES });
    if (upload->type == NULL) return OK;
    return upload_check_type(call, upload, upload->type, piece->at + (int64_t)piece->bytes.len);
}

/* Bytes of a part, for its checksum. */
static enum err add_bytes(struct upload *upload, struct str bytes)
{
    EVP_MD_CTX *hash = upload->part == NULL ? NULL : upload->part->hash;

    if (hash != NULL && EVP_DigestUpdate(hash, bytes.at, bytes.len) != 1) return ERR_INTERNAL;
    return file_write(upload->file, bytes);
}

static enum err write_piece(struct upload *upload, const struct upload_piece *piece)
{
    int64_t size = file_size(upload->file);

    if (piece->at > size) return ERR_CONFLICT;
    int64_t end = piece->at + (int64_t)piece->bytes.len;
    if (end <= size) return OK; /* a connection was lost, and it was sent again */
    if (piece->at < size) return ERR_CONFLICT;
    return end > upload->most ? ERR_TOO_LARGE : add_bytes(upload, piece->bytes);
}

/* All that came meanwhile. */
static enum err write_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;
    enum err e = OK;

    (void)pg, (void)arena;
    for (struct upload_request *request = upload->present; request != NULL; request = request->next) {
        if (e == OK) e = check_early(rpc_later_call(request->later), upload, request->piece);
        if (e == OK) e = write_piece(upload, request->piece);
        request->e = e;
    }
    return OK;
}

static void upload_write_on(struct upload *upload);

static void write_done(void *arg, enum err e)
{
    struct upload *upload = arg;
    struct uploads *uploads = upload->uploads;
    struct upload_request *request = upload->present, *next;
    enum err last = e;

    upload->present = NULL;
    upload->state = UPLOAD_OPEN;
    for (; request != NULL; request = next) {
        next = request->next;
        last = e != OK ? e : request->e;
        upload_answer(request, last, &none);
    }
    if (last != OK || upload->unwanted)
        upload_lose(upload, last);
    else
        upload_write_on(upload);
    CHECK_STEP(uploads_check(uploads));
}

static void upload_write_on(struct upload *upload)
{
    if (upload->state != UPLOAD_OPEN || upload->waiting == NULL) return;
    upload->state = UPLOAD_WRITES;
    upload->present = upload->waiting;
    upload->waiting = NULL;
    upload->last_waiting = &upload->waiting;
    if (!rpc_server_work_blocking(upload->uploads->server, upload->owner, write_work, write_done, upload))
        write_done(upload, ERR_OVERLOADED);
}

void upload_write(struct call *call, const struct upload_piece *piece, struct rpc_later *later)
{
    struct uploads *uploads = uploads_of(call);
    struct upload *upload = upload_require(call, piece->upload, later);

    if (upload == NULL) return;
    if (upload->state == UPLOAD_BEGINS || upload->state == UPLOAD_ENDS) {
        rpc_later_done(later, call_fail(call, ERR_CONFLICT, "nothing more is to come"), NULL);
        return;
    }
    struct upload_request *request = upload_request_create(later);
    request->piece = piece;
    *upload->last_waiting = request;
    upload->last_waiting = &request->next;
    upload_write_on(upload);
    CHECK_STEP(uploads_check(uploads));
}

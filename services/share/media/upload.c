/* upload.c - one body on its way: begun, looked up for a call, given up. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/share/media/uploads_private.h"

static const struct nothing none;

struct upload_request upload_leaving;

/* A part of which nothing can be kept leaves. */
static void part_check(const struct upload *upload)
{
    const struct upload_part *part = upload->part;

    assert((part->hash != NULL) == (part->checksum.how != NULL));
    assert(!part->is_over || upload->unwanted || upload->state == UPLOAD_LEAVES);
    if (upload->state == UPLOAD_OPEN) assert(part->at <= file_size(upload->file) && part->expires_at > 0);
}

void upload_check(const struct upload *upload)
{
    const struct upload_request *request = upload->waiting;

    assert((upload->present != NULL) ==
               (upload->state == UPLOAD_BEGINS || upload->state == UPLOAD_WRITES || upload->state == UPLOAD_ENDS) ||
           upload->state == UPLOAD_LEAVES);
    assert(upload->present != &upload_leaving || upload->state == UPLOAD_LEAVES);
    assert(request == NULL || upload->state == UPLOAD_WRITES); /* a piece for an open upload is written at once */
    assert((request == NULL) == (upload->last_waiting == &upload->waiting));
    while (request != NULL && request->next != NULL) request = request->next;
    assert(request == NULL || upload->last_waiting == &request->next);
    if (upload->present != &upload_leaving && upload->state == UPLOAD_WRITES) assert(upload->present->piece != NULL);
    assert(!place_is_taken(&upload->place) == (upload->unwanted || upload->state == UPLOAD_LEAVES));
    if (upload->state == UPLOAD_OPEN) assert(upload->file != NULL && file_size(upload->file) <= upload->most);
    if (upload->part != NULL) part_check(upload);
}

void upload_free(struct upload *upload)
{
    assert(upload->present == NULL && upload->waiting == NULL);
    upload_leave_place(upload);
    HASH_DEL(upload->uploads->all, upload);
    metric_set(upload->uploads->now, HASH_COUNT(upload->uploads->all));
    file_close(&upload->file);
    if (upload->part != NULL) EVP_MD_CTX_free(upload->part->hash);
    mem_free(upload->part);
    mem_free(upload->name);
    mem_free(upload);
}

struct upload_request *upload_request_create(struct rpc_later *later)
{
    struct upload_request *request = mem_zero(sizeof *request);

    request->later = later;
    return request;
}

/* --- leaving --- */

static const char DELETE_UPLOAD[] = "DELETE FROM upload WHERE id = $1";
static const char IS_KEPT[] = "SELECT file AS upload FROM blob WHERE file = $1";

enum err upload_delete_row(struct pg *pg, struct arena *arena, struct id id, int64_t *rows)
{
    return pg_run(pg, arena, DELETE_UPLOAD, PG_ARGS(pg_id(id)), rows);
}

/* The answer to a commit may have been lost: a file that is kept after all is not removed. */
static enum err leave_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;
    struct principal owner = { .sub = upload->owner };
    struct call call = { .pg = pg, .arena = arena, .who = &owner };
    struct upload_ref kept;
    int64_t rows = 0;

    file_close(&upload->file);
    if (upload->part != NULL && !upload->part->is_over) return OK;
    TRY(upload_delete_row(pg, arena, upload->id, &rows));
    enum err e = pg_one(pg, arena, upload_ref_shape(), &kept, IS_KEPT, PG_ARGS(pg_id(upload->id)));
    if (e == ERR_NOT_FOUND) file_remove(upload->uploads->config.files, upload->id);
    if (e != OK && e != ERR_NOT_FOUND) return e;
    if (rows == 0) return OK;
    TRY(quota_give(&call, QUOTA_media, upload->owner, 1));
    return quota_give(&call, QUOTA_media_bytes, upload->owner, upload->most);
}

static void leave_done(void *arg, enum err e)
{
    struct upload *upload = arg;
    struct uploads *uploads = upload->uploads;

    upload->present = NULL;
    if (e == OK) upload_free(upload); /* else the next tick tries again */
    CHECK_STEP(uploads_check(uploads));
}

static void upload_leave(struct upload *upload)
{
    struct uploads *uploads = upload->uploads;

    assert(upload->present == NULL);
    upload_leave_place(upload);
    upload->state = UPLOAD_LEAVES;
    upload->present = &upload_leaving;
    if (!rpc_server_work(uploads->server, upload->owner, leave_work, leave_done, upload)) upload->present = NULL;
}

void upload_answer(struct upload_request *request, enum err e, const void *rep)
{
    struct rpc_later *later = request->later;

    mem_free(request);
    rpc_later_done(later, e, rep);
}

void upload_fail(struct upload *upload)
{
    while (upload->waiting != NULL) {
        struct upload_request *request = upload->waiting;
        upload->waiting = request->next;
        upload_answer(
            request, call_fail(rpc_later_call(request->later), ERR_UNAVAILABLE, "the upload has failed"), NULL);
    }
    upload->last_waiting = &upload->waiting;
    upload_leave(upload);
}

void upload_give_up(struct upload *upload)
{
    upload->unwanted = true;
    upload_leave_place(upload);
    if (upload->present == NULL) upload_fail(upload);
}

/* A file of the wrong type or size will not be right the next time: its transfer is over. */
void upload_lose(struct upload *upload, enum err e)
{
    if (upload->part != NULL && (e == ERR_UNSUPPORTED_MEDIA || e == ERR_TOO_LARGE || e == ERR_UNPROCESSABLE))
        upload->part->is_over = true;
    upload_fail(upload);
}

struct upload *upload_require(struct call *call, struct id id, struct rpc_later *later)
{
    struct upload *upload;

    HASH_FIND(hh, uploads_of(call)->all, &id, sizeof id, upload);
    if (upload != NULL && upload->state != UPLOAD_LEAVES && !upload->unwanted &&
        str_eq(upload->owner, call->who->sub)) {
        upload->last_call_us = clock_mono_us();
        return upload;
    }
    rpc_later_done(later, call_fail(call, ERR_UNAVAILABLE, "the upload was given up; send it again"), NULL);
    return NULL;
}

void upload_drop(struct call *call, const struct upload_ref *ref, struct rpc_later *later)
{
    struct upload *upload = upload_require(call, ref->upload, later);

    if (upload == NULL) return;
    upload_give_up(upload);
    rpc_later_done(later, OK, &none);
}

/* --- beginning --- */

/* The bound of a form without its file: heads of parts, and boundaries. */
#define FORM_BYTES 65536

struct upload *upload_create(struct uploads *uploads, struct id id, struct str owner, const struct place *place)
{
    struct upload *upload = mem_zero(sizeof *upload);

    upload->name = mem_alloc(owner.len);
    memcpy(upload->name, owner.at, owner.len);
    upload->uploads = uploads;
    upload->place = *place;
    upload->id = id;
    upload->owner = (struct str){ upload->name, owner.len };
    upload->last_waiting = &upload->waiting;
    HASH_ADD(hh, uploads->all, id, sizeof upload->id, upload);
    metric_set(uploads->now, HASH_COUNT(uploads->all));
    return upload;
}

static const char INSERT_UPLOAD[] = "INSERT INTO upload (id, owner, bytes, began_at) VALUES ($1, $2, $3, $4)";

static enum err begin_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;
    struct call call = call_on_worker(rpc_later_call(upload->present->later), pg, arena);

    TRY(pg_run(pg, arena, INSERT_UPLOAD,
        PG_ARGS(pg_id(upload->id), pg_text(upload->owner), pg_int(upload->most), pg_time(call.now)), NULL));
    TRY(quota_take(&call, QUOTA_media, 1));
    TRY(quota_take(&call, QUOTA_media_bytes, upload->most));
    return file_create(upload->uploads->config.files, upload->id, &upload->file);
}

void upload_begin_done(void *arg, enum err e)
{
    struct upload *upload = arg;
    struct uploads *uploads = upload->uploads;
    struct upload_request *request = upload->present;
    struct upload_ref rep = { upload->id };

    upload->present = NULL;
    upload->state = UPLOAD_OPEN;
    upload->last_call_us = clock_mono_us();
    if (e != OK || upload->unwanted) upload_leave(upload); /* the commit may have come through nevertheless */
    upload_answer(request, e, &rep);
    CHECK_STEP(uploads_check(uploads));
}

void upload_begin(struct call *call, const struct upload_draft *draft, struct rpc_later *later)
{
    struct uploads *uploads = uploads_of(call);
    int64_t most = uploads->config.bytes_max;
    struct place place;
    enum err e = OK;

    if (call->who->sub.len == 0) e = call_fail(call, ERR_UNAUTHENTICATED, "a file needs an owner");
    if (e == OK && draft->size > most + FORM_BYTES)
        e = call_fail(call, ERR_TOO_LARGE, "a file may have %lld bytes", (long long)most);
    if (e == OK && !uploads_take_place(uploads, call->who, &place))
        e = call_fail(call, ERR_OVERLOADED, "too many uploads are under way");
    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    struct upload *upload = upload_create(uploads, id_new(), call->who->sub, &place);
    upload->most = draft->size >= 0 && draft->size < most ? draft->size : most;
    upload->present = upload_request_create(later);
    CHECK_STEP(uploads_check(uploads));
    if (rpc_server_work(uploads->server, upload->owner, begin_work, upload_begin_done, upload)) return;
    upload_answer(upload->present, call_fail(call, ERR_OVERLOADED, "too much waits for a worker"), NULL);
    upload->present = NULL;
    upload_free(upload);
}

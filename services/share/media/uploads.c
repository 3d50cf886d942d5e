/* uploads.c - bodies on their way: begun, written in order, and what becomes of those that nobody ends. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/uploads.h"

#include <assert.h>
#include <ev.h>
#include <string.h>
#define HASH_FUNCTION HASH_FNV /* clang warns of the default one; our keys are short */
#include <uthash.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/metrics.h"
#include "libshared/db/pg.h"
#include "services/share/share.h"

/* A process has so many files open, and one subject an eighth of them. */
#define UPLOADS_MAX 1024
#define TICK_S      1.
/* What a form has beside its file: heads of parts, and boundaries. */
#define FORM_BYTES  65536

enum upload_state { BEGINS, OPEN, WRITES, ENDS, LEAVES };

/* One call that is about it, from its receipt to its answer. */
struct request {
    struct rpc_later *later;
    const struct upload_piece *piece;
    upload_keep_fn *keep;
    void *made;
    enum err e;
    struct request *next;
};

struct upload {
    UT_hash_handle hh;
    struct uploads *uploads;
    struct id id;
    enum upload_state state;
    char *name;
    struct str owner; /* that name */
    int64_t most;     /* bytes that it may have, which are taken from the quota */
    int64_t heard_us;
    struct file *file;
    uint8_t hash[32];                        /* of all of it */
    struct request *waiting, **last_waiting; /* pieces that came while a worker was at it */
    struct request *present;                 /* what a worker is at */
    bool unwanted;                           /* it leaves when the worker is done */
    bool spare;                              /* its content is there already */
};

struct garbage {
    struct uploads *uploads;
    struct id file;
    struct garbage *next;
};

struct uploads {
    struct files *files;
    int64_t bytes_max, idle_s;
    struct ev_loop *loop;
    struct rpc_server *server;
    struct upload *all;
    struct garbage *garbage; /* that no worker has taken yet */
    ev_timer tick;
    struct metric *now;
};

static const struct nothing none;

static struct uploads *uploads_of(const struct call *call)
{
    return ((struct share *)call->context)->uploads;
}

static struct request leaving; /* what a worker is at that removes one: no call waits for it */

static void upload_check(const struct upload *upload)
{
    const struct request *request = upload->waiting;

    assert((upload->present != NULL) == (upload->state == BEGINS || upload->state == WRITES || upload->state == ENDS) ||
           upload->state == LEAVES);
    assert(upload->present != &leaving || upload->state == LEAVES);
    assert(request == NULL || upload->state == WRITES); /* whoever comes to an open one is taken at once */
    assert((request == NULL) == (upload->last_waiting == &upload->waiting));
    while (request != NULL && request->next != NULL) request = request->next;
    assert(request == NULL || upload->last_waiting == &request->next);
    if (upload->present != &leaving && upload->state == WRITES) assert(upload->present->piece != NULL);
    if (upload->state == OPEN) assert(upload->file != NULL && file_size(upload->file) <= upload->most);
}

void uploads_check(const struct uploads *uploads)
{
    for (const struct upload *upload = uploads->all; upload != NULL; upload = upload->hh.next) upload_check(upload);
}

static void upload_free(struct upload *upload)
{
    assert(upload->present == NULL && upload->waiting == NULL);
    HASH_DEL(upload->uploads->all, upload);
    metric_set(upload->uploads->now, HASH_COUNT(upload->uploads->all));
    file_close(&upload->file);
    mem_free(upload->name);
    mem_free(upload);
}

/* A worker's call: with its connection. */
static struct call call_with(struct rpc_later *later, struct pg *pg, struct arena *arena)
{
    struct call call = *rpc_later_call(later);

    call.pg = pg;
    call.arena = arena;
    return call;
}

/* --- leaving --- */

static const char GIVE_UP[] = "DELETE FROM upload WHERE id = $1";
static const char IS_KEPT[] = "SELECT file AS upload FROM blob WHERE file = $1";

/* The answer to a commit may have been lost: a file that is kept after all is not removed. */
static enum err leave_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;
    struct principal owner = { .sub = upload->owner };
    struct call call = { .pg = pg, .arena = arena, .who = &owner };
    struct upload_ref kept;
    int64_t rows = 0;

    file_close(&upload->file);
    TRY(pg_run(pg, arena, GIVE_UP, PG_ARGS(pg_id(upload->id)), &rows));
    enum err e = pg_one(pg, arena, upload_ref_shape(), &kept, IS_KEPT, PG_ARGS(pg_id(upload->id)));
    if (e == ERR_NOT_FOUND) file_remove(upload->uploads->files, upload->id);
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
    upload->state = LEAVES;
    upload->present = &leaving;
    if (!rpc_server_work(uploads->server, upload->owner, leave_work, leave_done, upload)) upload->present = NULL;
}

static void answer_request(struct request *request, enum err e, const void *rep)
{
    struct rpc_later *later = request->later;

    mem_free(request);
    rpc_later_done(later, e, rep);
}

/* Its present and waiting calls are told so; then it leaves. */
static void upload_fail(struct upload *upload)
{
    while (upload->waiting != NULL) {
        struct request *request = upload->waiting;
        upload->waiting = request->next;
        answer_request(
            request, call_fail(rpc_later_call(request->later), ERR_UNAVAILABLE, "the upload has failed"), NULL);
    }
    upload->last_waiting = &upload->waiting;
    upload_leave(upload);
}

/* --- beginning --- */

static const char INSERT_UPLOAD[] = "INSERT INTO upload (id, owner, bytes, began_at) VALUES ($1, $2, $3, $4)";

static enum err begin_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;
    struct call call = call_with(upload->present->later, pg, arena);

    TRY(pg_run(pg, arena, INSERT_UPLOAD,
        PG_ARGS(pg_id(upload->id), pg_text(upload->owner), pg_int(upload->most), pg_time(call.now)), NULL));
    TRY(quota_take(&call, QUOTA_media, 1));
    TRY(quota_take(&call, QUOTA_media_bytes, upload->most));
    return file_create(upload->uploads->files, upload->id, &upload->file);
}

static void begin_done(void *arg, enum err e)
{
    struct upload *upload = arg;
    struct uploads *uploads = upload->uploads;
    struct request *request = upload->present;
    struct upload_ref rep = { upload->id };

    upload->present = NULL;
    upload->state = OPEN;
    upload->heard_us = clock_mono_us();
    if (e != OK) upload_leave(upload); /* the commit may have come through nevertheless */
    answer_request(request, e, &rep);
    CHECK_STEP(uploads_check(uploads));
}

static struct request *request_create(struct rpc_later *later)
{
    struct request *request = mem_zero(sizeof *request);

    request->later = later;
    return request;
}

static bool has_too_many(const struct uploads *uploads, struct str owner)
{
    size_t n = 0;

    if (HASH_COUNT(uploads->all) >= UPLOADS_MAX) return true;
    for (const struct upload *upload = uploads->all; upload != NULL; upload = upload->hh.next)
        n += str_eq(upload->owner, owner);
    return n >= UPLOADS_MAX / 8;
}

static struct upload *upload_create(struct uploads *uploads, struct str owner)
{
    struct upload *upload = mem_zero(sizeof *upload);

    upload->name = mem_alloc(owner.len);
    memcpy(upload->name, owner.at, owner.len);
    upload->uploads = uploads;
    upload->id = id_new();
    upload->owner = (struct str){ upload->name, owner.len };
    upload->last_waiting = &upload->waiting;
    HASH_ADD(hh, uploads->all, id, sizeof upload->id, upload);
    metric_set(uploads->now, HASH_COUNT(uploads->all));
    return upload;
}

void upload_begin(struct call *call, const struct upload_draft *draft, struct rpc_later *later)
{
    struct uploads *uploads = uploads_of(call);
    int64_t most = uploads->bytes_max;
    enum err e = OK;

    if (call->who->sub.len == 0) e = call_fail(call, ERR_UNAUTHENTICATED, "a file needs an owner");
    if (e == OK && draft->size > most + FORM_BYTES)
        e = call_fail(call, ERR_TOO_LARGE, "a file may have %lld bytes", (long long)most);
    if (e == OK && has_too_many(uploads, call->who->sub))
        e = call_fail(call, ERR_OVERLOADED, "too many uploads are under way");
    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    struct upload *upload = upload_create(uploads, call->who->sub);
    upload->most = draft->size >= 0 && draft->size < most ? draft->size : most;
    upload->present = request_create(later);
    if (rpc_server_work(uploads->server, upload->owner, begin_work, begin_done, upload)) return;
    answer_request(upload->present, call_fail(call, ERR_OVERLOADED, "too much waits for a worker"), NULL);
    upload->present = NULL;
    upload_free(upload);
}

/* --- writing --- */

static enum err write_piece(struct upload *upload, const struct upload_piece *piece)
{
    int64_t size = file_size(upload->file);

    if (piece->at > size) return ERR_CONFLICT;
    int64_t end = piece->at + (int64_t)piece->bytes.len;
    if (end <= size) return OK; /* a connection was lost, and it was sent again */
    if (piece->at < size) return ERR_CONFLICT;
    return end > upload->most ? ERR_TOO_LARGE : file_write(upload->file, piece->bytes);
}

/* All that came meanwhile. */
static enum err write_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;
    enum err e = OK;

    (void)pg, (void)arena;
    for (struct request *request = upload->present; request != NULL; request = request->next) {
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
    struct request *request = upload->present, *next;
    enum err last = e;

    upload->present = NULL;
    upload->state = OPEN;
    for (; request != NULL; request = next) {
        next = request->next;
        last = e != OK ? e : request->e;
        answer_request(request, last, &none);
    }
    if (last != OK || upload->unwanted)
        upload_fail(upload);
    else
        upload_write_on(upload);
    CHECK_STEP(uploads_check(uploads));
}

static void upload_write_on(struct upload *upload)
{
    if (upload->state != OPEN || upload->waiting == NULL) return;
    upload->state = WRITES;
    upload->present = upload->waiting;
    upload->waiting = NULL;
    upload->last_waiting = &upload->waiting;
    if (!rpc_server_work_blocking(upload->uploads->server, upload->owner, write_work, write_done, upload))
        write_done(upload, ERR_OVERLOADED);
}

/* The caller's own that is not on its way out, or NULL: the call is answered. */
static struct upload *require_upload(struct call *call, struct id id, struct rpc_later *later)
{
    struct upload *upload;

    HASH_FIND(hh, uploads_of(call)->all, &id, sizeof id, upload);
    if (upload != NULL && upload->state != LEAVES && !upload->unwanted && str_eq(upload->owner, call->who->sub)) {
        upload->heard_us = clock_mono_us();
        return upload;
    }
    rpc_later_done(later, call_fail(call, ERR_UNAVAILABLE, "the upload was given up; send it again"), NULL);
    return NULL;
}

void upload_write(struct call *call, const struct upload_piece *piece, struct rpc_later *later)
{
    struct uploads *uploads = uploads_of(call);
    struct upload *upload = require_upload(call, piece->upload, later);

    if (upload == NULL) return;
    if (upload->state == BEGINS || upload->state == ENDS) {
        rpc_later_done(later, call_fail(call, ERR_CONFLICT, "nothing more is to come"), NULL);
        return;
    }
    struct request *request = request_create(later);
    request->piece = piece;
    *upload->last_waiting = request;
    upload->last_waiting = &request->next;
    upload_write_on(upload);
    CHECK_STEP(uploads_check(uploads));
}

void upload_drop(struct call *call, const struct upload_ref *ref, struct rpc_later *later)
{
    struct upload *upload = require_upload(call, ref->upload, later);

    if (upload == NULL) return;
    upload->unwanted = true;
    if (upload->present == NULL) upload_fail(upload);
    rpc_later_done(later, OK, &none);
}

/* --- ending as a content that somebody refers to --- */

static const char KEEP_BLOB[] = "INSERT INTO blob (hash, file, size, refs) VALUES ($1, $2, $3, 1)"
                                " ON CONFLICT (hash) DO UPDATE SET refs = blob.refs + 1 RETURNING file AS upload";

static enum err sync_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;

    (void)pg, (void)arena;
    return file_sync(upload->file, upload->hash);
}

static enum err end_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;
    struct request *request = upload->present;
    struct call call = call_with(request->later, pg, arena);
    struct content content = { { (char *)upload->hash, sizeof upload->hash }, file_size(upload->file) };
    struct upload_ref kept;

    TRY(pg_one(pg, arena, upload_ref_shape(), &kept, KEEP_BLOB,
        PG_ARGS(pg_bytes(content.hash), pg_id(upload->id), pg_int(content.size))));
    upload->spare = !id_eq(kept.upload, upload->id);
    TRY(request->keep(&call, &content, request->made));
    TRY(pg_run(pg, arena, GIVE_UP, PG_ARGS(pg_id(upload->id)), NULL));
    return quota_give(&call, QUOTA_media_bytes, upload->owner, upload->most - content.size);
}

static void end_done(void *arg, enum err e)
{
    struct upload *upload = arg;
    struct request *request = upload->present;
    struct uploads *uploads = upload->uploads;
    struct id spare = upload->id;
    bool is_spare = e == OK && upload->spare;

    upload->present = NULL;
    if (e == OK)
        upload_free(upload);
    else
        upload_fail(upload);
    if (is_spare) uploads_remove_file(uploads, spare);
    answer_request(request, e, request->made);
    CHECK_STEP(uploads_check(uploads));
}

/* No transaction is open while the disk is waited for. */
static void sync_done(void *arg, enum err e)
{
    struct upload *upload = arg;

    if (e == OK && !rpc_server_work(upload->uploads->server, upload->owner, end_work, end_done, upload))
        e = ERR_OVERLOADED;
    if (e != OK) end_done(upload, e);
}

void uploads_end(struct rpc_later *later, struct id id, upload_keep_fn *keep, void *made)
{
    struct call *call = rpc_later_call(later);
    struct upload *upload = require_upload(call, id, later);

    if (upload == NULL) return;
    if (upload->state != OPEN) {
        rpc_later_done(later, call_fail(call, ERR_CONFLICT, "it is not whole yet"), NULL);
        return;
    }
    struct request *request = request_create(later);
    request->keep = keep;
    request->made = made;
    upload->state = ENDS;
    upload->present = request;
    if (!rpc_server_work_blocking(upload->uploads->server, upload->owner, sync_work, sync_done, upload))
        end_done(upload, ERR_OVERLOADED);
}

/* --- what nobody ends, and what nobody refers to --- */

static enum err remove_work(struct pg *pg, struct arena *arena, void *arg)
{
    const struct garbage *garbage = arg;

    (void)pg, (void)arena;
    file_remove(garbage->uploads->files, garbage->file);
    return OK;
}

/* Whatever a worker did not come to is there again on the next tick. */
static void remove_done(void *arg, enum err e)
{
    struct garbage *garbage = arg;
    struct uploads *uploads = garbage->uploads;

    if (e == OK) {
        mem_free(garbage);
    } else {
        garbage->next = uploads->garbage;
        uploads->garbage = garbage;
    }
}

static void remove_garbage(struct uploads *uploads)
{
    while (uploads->garbage != NULL) {
        struct garbage *garbage = uploads->garbage;
        if (!rpc_server_work_blocking(uploads->server, STR_NONE, remove_work, remove_done, garbage)) return;
        uploads->garbage = garbage->next;
    }
}

void uploads_remove_file(struct uploads *uploads, struct id file)
{
    struct garbage *garbage = mem_zero(sizeof *garbage);

    garbage->uploads = uploads;
    garbage->file = file;
    garbage->next = uploads->garbage;
    uploads->garbage = garbage;
    remove_garbage(uploads);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct uploads *uploads = timer->data;
    struct upload *upload, *next;
    int64_t since_us = clock_mono_us() - uploads->idle_s * 1000000;

    (void)loop, (void)revents;
    remove_garbage(uploads);
    HASH_ITER(hh, uploads->all, upload, next)
    {
        bool quiet = upload->state == OPEN && upload->heard_us < since_us;
        if (quiet) LOG_BOUNDED(INFO, "share.upload_idle", F_STR("subject", upload->owner));
        if ((quiet || upload->state == LEAVES) && upload->present == NULL) upload_fail(upload);
    }
    CHECK_STEP(uploads_check(uploads));
}

struct uploads *uploads_create(struct ev_loop *loop, struct files *files, int64_t bytes_max, int64_t idle_s)
{
    struct uploads *uploads = mem_zero(sizeof *uploads);

    uploads->loop = loop;
    uploads->now = metric_gauge("madang_share_uploads", NULL, "Files on their way");
    uploads->files = files;
    uploads->bytes_max = bytes_max;
    uploads->idle_s = idle_s;
    ev_timer_init(&uploads->tick, on_tick, TICK_S, TICK_S);
    uploads->tick.data = uploads;
    return uploads;
}

void uploads_serving(struct uploads *uploads, struct rpc_server *server)
{
    uploads->server = server;
    ev_timer_start(uploads->loop, &uploads->tick);
}

/* The server is gone, and with it the calls: what is left the next process collects. */
void uploads_destroy(struct uploads **at)
{
    struct uploads *uploads = *at;
    struct upload *upload, *next;

    if (uploads == NULL) return;
    ev_timer_stop(uploads->loop, &uploads->tick);
    HASH_ITER(hh, uploads->all, upload, next)
    {
        while (upload->waiting != NULL) {
            struct request *request = upload->waiting;
            upload->waiting = request->next;
            mem_free(request);
        }
        while (upload->present != NULL && upload->present != &leaving) {
            struct request *request = upload->present;
            upload->present = request->next;
            mem_free(request);
        }
        upload->present = NULL;
        upload_free(upload);
    }
    while (uploads->garbage != NULL) {
        struct garbage *garbage = uploads->garbage;
        uploads->garbage = garbage->next;
        mem_free(garbage);
    }
    mem_free(uploads);
    *at = NULL;
}

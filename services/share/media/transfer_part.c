/* transfer_part.c - one part of a file that comes in several: the upload goes on where it rested, and rests again. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "libshared/base/url.h"
#include "services/share/media/uploads_private.h"

struct transfer_row {
    int64_t size, checked_to;
    struct str name;
};
static const struct wire_field transfer_fields[] = { ROW_FIELD(struct transfer_row, size, INT),
    ROW_FIELD(struct transfer_row, checked_to, INT), ROW_FIELD(struct transfer_row, name, TEXT), ROW_END };
static const struct wire_shape transfer_row_shape = { "transfer_row", "", sizeof(struct transfer_row),
    transfer_fields };

static const char TAKE_TRANSFER[] = "UPDATE upload SET expires_at = $3 WHERE id = $1 AND owner = $2 AND expires_at > $4"
                                    " RETURNING bytes AS size, coalesce(checked_to, bytes) AS checked_to, name";
static const char MARK_TRANSFER[] = "UPDATE upload SET checked_to = $2 WHERE id = $1";
static const char UNMARK_TRANSFER[] = "UPDATE upload SET checked_to = NULL WHERE id = $1";

int64_t transfer_offset(int64_t length, int64_t checked_to, int64_t size)
{
    if (checked_to < length) length = checked_to;
    return length < size ? length : size - 1;
}

struct str transfer_url(struct call *call, struct id id)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    return url_build(call->arena, "", "/api/v1/uploads/{transfer}", URL_VALUES({ "transfer", str_of(text) }));
}

/* The bytes behind the offset are cut off: they were sent before, or failed their checksum. */
static enum err open_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;
    struct upload_part *part = upload->part;
    struct call call = call_on_worker(rpc_later_call(upload->present->later), pg, arena);
    struct files *files = upload->uploads->config.files;
    struct transfer_row row;
    int64_t length = 0;

    part->expires_at = call.now + uploads_transfer_ms(upload->uploads);
    enum err e = pg_one(pg, arena, &transfer_row_shape, &row, TAKE_TRANSFER,
        PG_ARGS(pg_id(upload->id), pg_text(upload->owner), pg_time(part->expires_at), pg_time(call.now)));
    if (e == OK) e = file_length(files, upload->id, &length);
    if (e == ERR_NOT_FOUND) return call_fail(&call, e, "there is no such upload of yours");
    TRY(e);
    int64_t offset = transfer_offset(length, row.checked_to, row.size);
    if (part->at != offset) return call_fail(&call, ERR_CONFLICT, "at: %lld bytes are there", (long long)offset);
    upload->most = row.size;
    snprintf(part->name, sizeof part->name, "%.*s", STR_ARG(row.name));
    TRY(file_open(files, upload->id, offset, &upload->file));
    if (part->hash == NULL) return pg_run(pg, arena, UNMARK_TRANSFER, PG_ARGS(pg_id(upload->id)), NULL);
    return pg_run(pg, arena, MARK_TRANSFER, PG_ARGS(pg_id(upload->id), pg_int(offset)), NULL);
}

static bool part_create(struct call *call, const struct transfer_part *draft, struct upload_part **out)
{
    struct upload_part *part = *out = mem_zero(sizeof *part);

    part->at = draft->at;
    if (draft->checksum.len == 0) return true;
    if (!tus_checksum_read(draft->checksum, &part->checksum)) {
        (void)call_fail(call, ERR_INVALID_ARGUMENT, "checksum: wants sha1 or sha256, a blank, and base64");
        mem_free(part);
        return false;
    }
    part->hash = EVP_MD_CTX_new();
    int rc = EVP_DigestInit_ex(part->hash, part->checksum.how, NULL);
    assert(rc == 1);
    (void)rc;
    return true;
}

/* Two requests at once are one whose connection was lost and the next one: the former rests, the next asks how far it came. */
static bool is_taken(struct uploads *uploads, struct call *call, struct id id)
{
    struct upload *upload;

    HASH_FIND(hh, uploads->all, &id, sizeof id, upload);
    if (upload == NULL) return false;
    bool is_theirs = str_eq(upload->owner, call->who->sub);
    if (is_theirs && upload->state != UPLOAD_LEAVES && upload->state != UPLOAD_ENDS && !upload->unwanted)
        upload_give_up(upload);
    return true;
}

void transfer_open(struct call *call, const struct transfer_part *draft, struct rpc_later *later)
{
    struct uploads *uploads = uploads_of(call);
    struct upload_part *part = NULL;
    struct place place;
    enum err e = OK;

    if (is_taken(uploads, call, draft->transfer))
        e = call_fail(call, ERR_CONFLICT, "another request is at it; ask how much is there");
    else if (!part_create(call, draft, &part))
        e = ERR_INVALID_ARGUMENT;
    else if (!uploads_take_place(uploads, call->who, &place)) {
        EVP_MD_CTX_free(part->hash);
        mem_free(part);
        e = call_fail(call, ERR_OVERLOADED, "too many uploads are under way");
    }
    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    struct upload *upload = upload_create(uploads, draft->transfer, call->who->sub, &place);
    upload->part = part;
    upload->present = upload_request_create(later);
    CHECK_STEP(uploads_check(uploads));
    if (rpc_server_work(uploads->server, upload->owner, open_work, upload_begin_done, upload)) return;
    upload_answer(upload->present, call_fail(call, ERR_OVERLOADED, "too much waits for a worker"), NULL);
    upload->present = NULL;
    upload_free(upload);
}

/* A part that fails its checksum is cut off, so that the transfer goes on before it. */
static enum err check_part(struct upload *upload)
{
    struct upload_part *part = upload->part;
    unsigned char found[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (part->hash == NULL) return OK;
    if (EVP_DigestFinal_ex(part->hash, found, &len) != 1) return ERR_INTERNAL;
    if (len == part->checksum.len && memcmp(found, part->checksum.bytes, len) == 0) return OK;
    TRY(file_cut(upload->file, part->at));
    return ERR_CHECKSUM;
}

static bool is_whole(const struct upload *upload)
{
    return file_size(upload->file) == upload->most;
}

static enum err close_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;

    TRY(check_part(upload));
    return is_whole(upload) ? upload_sync_work(pg, arena, arg) : OK;
}

static enum err unmark_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct upload *upload = arg;

    return pg_run(pg, arena, UNMARK_TRANSFER, PG_ARGS(pg_id(upload->id)), NULL);
}

/* It rests until its next part. */
static void rest_done(void *arg, enum err e)
{
    struct upload *upload = arg;
    struct upload_request *request = upload->present;
    struct uploads *uploads = upload->uploads;

    upload->present = NULL;
    upload_free(upload);
    upload_answer(request, e, request->rep);
    CHECK_STEP(uploads_check(uploads));
}

static void close_done(void *arg, enum err e)
{
    struct upload *upload = arg;
    struct rpc_server *server = upload->uploads->server;

    if (e != OK) {
        upload_end_done(upload, e);
    } else if (is_whole(upload)) {
        upload_sync_done(upload, e);
    } else if (upload->part->hash == NULL) {
        rest_done(upload, e);
    } else if (!rpc_server_work(server, upload->owner, unmark_work, rest_done, upload)) {
        upload_end_done(upload, ERR_OVERLOADED);
    }
}

void transfer_close(struct call *call, const struct transfer_part *draft, struct rpc_later *later)
{
    struct upload *upload = upload_require(call, draft->transfer, later);
    struct media *media = arena_zero(call->arena, sizeof *media);
    struct transfer *rep = arena_zero(call->arena, sizeof *rep);

    if (upload == NULL) return;
    if (upload->state != UPLOAD_OPEN || upload->part == NULL) {
        rpc_later_done(later, call_fail(call, ERR_CONFLICT, "no part of it is on its way"), NULL);
        return;
    }
    struct upload_request *request = upload_request_create(later);
    *media = (struct media){ .id = upload->id, .created_at = call->now };
    media->name = arena_str(call->arena, str_of(upload->part->name));
    *rep = (struct transfer){ .id = upload->id, .at = file_size(upload->file), .size = upload->most };
    rep->url = transfer_url(call, upload->id);
    if (!is_whole(upload)) rep->expires_at = upload->part->expires_at;
    request->keep = media_keep;
    request->made = media;
    request->rep = rep;
    upload->state = UPLOAD_ENDS;
    upload->present = request;
    CHECK_STEP(uploads_check(upload->uploads));
    if (!rpc_server_work_blocking(upload->uploads->server, upload->owner, close_work, close_done, upload))
        upload_end_done(upload, ERR_OVERLOADED);
}

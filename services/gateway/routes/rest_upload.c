/* rest_upload.c - the file in a form goes to its service as it comes: upload.begin, upload.write for each piece, and at its
 * end the row's method, which makes something of it. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/base/holding.h"
#include "libshared/http/multipart.h"
#include "services/gateway/routes/rest_private.h"

#define FIELD      "file"
/* The piece that is gathered, those under way, and the form's head. */
#define HELD_BYTES ((PIECES_WINDOW + 1) * PIECE_BYTES + sizeof(struct upload))

enum place { BEFORE_FILE, IN_FILE, BEHIND_FILE };

struct upload {
    struct rest *rest; /* NULL: it was answered, or the client hung up */
    struct routes *routes;
    enum peer_service service;
    struct multipart form;
    enum place place;
    struct str file; /* as the form calls it */
    struct id id;    /* nil: the service has not begun */
    char *subject;
    size_t subject_len;
    char *piece;
    size_t piece_len;
    int64_t sent;
    size_t uncharged;  /* bytes of the body */
    size_t unanswered; /* calls */
    size_t counted;    /* bytes, in the connection's holding */
    bool held;         /* the client is to wait */
    bool whole;        /* its last byte is here */
    bool ended;        /* the row's method has it */
    enum err failed;   /* while the request waited for something else */
    struct piece_turn turn;
};

static void upload_release(struct upload *upload)
{
    if (upload->rest != NULL || upload->unanswered > 0) return;
    upload->routes->in_flight--;
    mem_free(upload->subject);
    mem_free(upload->piece);
    mem_free(upload);
}

/* Whichever service it is, the three methods of a file that comes are those of share by name and records. */
static void ask_service(struct upload *upload, enum method_index method, const void *record, rpc_reply_fn *reply)
{
    struct principal who = rest_principal(upload->rest);
    struct buf body = BUF(PIECE_BYTES + 1024);
    buf_reserve(&body, upload->piece_len + 256);
    enum err e = wire_encode(methods[method].req(), record, &body);

    assert(e == OK);
    (void)e;
    upload->unanswered++;
    method_call(upload->routes->service[upload->service], method, &who, str_of(upload->rest->trace), buf_str(&body),
        reply, upload);
    buf_free(&body);
}

static void fail_as_service(struct upload *upload, enum err status, struct str body)
{
    struct failure failure = { 0 };

    rpc_failure_read(body, http_arena(upload->rest->http), &failure);
    rest_fail_with(upload->rest, status, &failure, NULL);
}

/* --- leaving --- */

static void on_dropped(void *arg, enum err status, struct str body)
{
    struct upload *upload = arg;

    (void)status, (void)body; /* a service that did not hear it gives up what nobody goes on with */
    upload->unanswered--;
    upload_release(upload);
}

static void drop_upload(struct upload *upload)
{
    struct str subject = { upload->subject, upload->subject_len };

    upload->unanswered++;
    method_ask_for(upload->routes->service[upload->service], M_share_upload_drop, subject,
        &(struct upload_ref){ upload->id }, on_dropped, upload);
}

void rest_upload_leave(struct rest *rest)
{
    struct upload *upload = rest->upload;

    if (upload == NULL) return;
    holding_set_anyway(http_holding(rest->http), &upload->counted, 0);
    pieces_leave(&upload->routes->pieces, &upload->turn);
    rest->upload = NULL;
    upload->rest = NULL;
    if (!upload->ended && !id_is_nil(upload->id)) drop_upload(upload);
    upload_release(upload);
}

/* --- sending --- */

static bool may_send(const struct upload *upload)
{
    return upload->unanswered < PIECES_WINDOW && pieces_have_room(&upload->routes->pieces);
}

/* What is left of its bytes has to wait for an answer, its own or, where too much is under way, another's. */
static void hold_client_back(struct upload *upload)
{
    if (may_send(upload)) return;
    if (!upload->held) http_pause(upload->rest->http, true);
    upload->held = true;
    if (upload->unanswered < PIECES_WINDOW) pieces_wait(&upload->routes->pieces, &upload->turn);
}

static void resume_upload(void *arg)
{
    struct upload *upload = arg;

    if (upload->whole) {
        if (upload->unanswered == 0) rest_ask_service(upload->rest);
    } else if (upload->held) {
        upload->held = false;
        http_pause(upload->rest->http, false);
        hold_client_back(upload);
    }
}

static void on_written(void *arg, enum err status, struct str body)
{
    struct upload *upload = arg;
    struct pieces *pieces = &upload->routes->pieces;

    upload->unanswered--;
    if (upload->rest == NULL)
        upload_release(upload);
    else if (status != OK && upload->rest->waits)
        upload->failed = status;
    else if (status != OK)
        fail_as_service(upload, status, body);
    else
        resume_upload(upload);
    pieces_end(pieces);
}

static void send_piece(struct upload *upload)
{
    struct upload_piece piece = { upload->id, upload->sent, { upload->piece, upload->piece_len } };

    if (upload->piece_len == 0) return;
    pieces_begin(&upload->routes->pieces);
    ask_service(upload, M_share_upload_write, &piece, on_written);
    upload->sent += (int64_t)upload->piece_len;
    upload->piece_len = 0;
}

static void gather_bytes(struct upload *upload, struct str bytes)
{
    while (bytes.len > 0) {
        size_t room = PIECE_BYTES - upload->piece_len, n = bytes.len < room ? bytes.len : room;
        memcpy(upload->piece + upload->piece_len, bytes.at, n);
        upload->piece_len += n;
        bytes = str_skip(bytes, n);
        if (upload->piece_len == PIECE_BYTES) send_piece(upload);
    }
}

/* --- the form --- */

static enum err begin_part(struct upload *upload, struct wire_error *why)
{
    if (upload->place == IN_FILE) upload->place = BEHIND_FILE;
    if (!str_is(upload->form.name, FIELD)) return OK;
    if (upload->place == BEHIND_FILE) return wire_refuse(why, ERR_INVALID_ARGUMENT, NULL, FIELD ": is given twice");
    upload->place = IN_FILE;
    upload->file = upload->form.file;
    return OK;
}

static enum err take_form(struct upload *upload, struct str bytes, struct wire_error *why)
{
    struct str piece;
    enum err e = OK;

    while (e == OK) {
        switch (multipart_next(&upload->form, &bytes, &piece)) {
        case MULTIPART_MORE: return OK;
        case MULTIPART_PART: e = begin_part(upload, why); break;
        case MULTIPART_BYTES:
            if (upload->place == IN_FILE) gather_bytes(upload, piece);
            break;
        case MULTIPART_END: break;
        case MULTIPART_BAD: e = wire_refuse(why, ERR_MALFORMED, NULL, "the body is no multipart/form-data"); break;
        }
    }
    return e;
}

/* As it comes: whoever breaks off has had what came, too. */
static enum err charge_bytes(struct upload *upload, size_t bytes)
{
    upload->uncharged += bytes;
    if (upload->uncharged < PIECE_BYTES) return OK;
    bytes = upload->uncharged;
    upload->uncharged = 0;
    return rest_charge_chunks(upload->rest, bytes) ? OK : ERR_RATE_LIMITED;
}

void rest_upload_take(struct rest *rest, struct str bytes)
{
    struct wire_error why = { 0 };
    enum err e = charge_bytes(rest->upload, bytes.len);

    if (e == OK) e = take_form(rest->upload, bytes, &why);
    if (e == OK)
        hold_client_back(rest->upload);
    else
        rest_refuse(rest, e, &why);
}

bool rest_upload_is_sent(struct rest *rest)
{
    struct upload *upload = rest->upload;
    struct wire_error why = { 0 };
    enum err e = OK;

    if (upload->failed != OK)
        e = upload->failed;
    else if (!multipart_is_over(&upload->form))
        e = wire_refuse(&why, ERR_MALFORMED, NULL, "the form ends before its last boundary");
    else if (upload->place == BEFORE_FILE)
        e = wire_refuse(&why, ERR_INVALID_ARGUMENT, NULL, FIELD ": is missing");
    if (e != OK) {
        rest_refuse(rest, e, &why);
        return false;
    }
    upload->whole = true;
    pieces_leave(&upload->routes->pieces, &upload->turn); /* its last piece has room: the turn is another's */
    send_piece(upload);
    return upload->unanswered == 0;
}

size_t rest_upload_uncharged(const struct rest *rest)
{
    return rest->upload->uncharged;
}

void rest_upload_give(struct rest *rest, struct arena *arena, struct wire_given_list *given)
{
    const struct upload *upload = rest->upload;
    char id[ID_TEXT_BYTES + 1];
    struct wire_given *at = arena_alloc(arena, (given->len + 2) * sizeof *at);

    id_format(upload->id, id);
    memcpy(at, given->at, given->len * sizeof *at);
    at[given->len] = (struct wire_given){ STR("upload"), arena_str(arena, str_of(id)) };
    at[given->len + 1] = (struct wire_given){ STR("name"), upload->file };
    *given = (struct wire_given_list){ at, given->len + 2 };
}

void rest_upload_end(struct rest *rest)
{
    rest->upload->ended = true;
}

/* --- beginning --- */

static void on_begun(void *arg, enum err status, struct str body)
{
    struct upload *upload = arg;
    struct upload_ref begun = { .upload = { { 0 } } };
    struct wire_error why;
    struct arena *scratch = upload->routes->scratch;

    upload->unanswered--;
    if (status == OK && wire_decode(upload_ref_shape(), body, scratch, &begun, &why) == OK) upload->id = begun.upload;
    arena_reset(scratch);
    if (upload->rest == NULL) {
        if (status == OK) drop_upload(upload);
        upload_release(upload);
    } else if (status != OK) {
        fail_as_service(upload, status, body);
    } else {
        http_pause(upload->rest->http, false);
    }
}

static struct upload *upload_create(struct rest *rest)
{
    struct upload *upload = mem_zero(sizeof *upload);
    struct str subject = bearer_subject(rest->rights.bearer);

    upload->rest = rest;
    upload->routes = rest->routes;
    upload->service = rest->row->service;
    upload->piece = mem_alloc(PIECE_BYTES);
    upload->subject = mem_alloc(subject.len);
    upload->subject_len = subject.len;
    memcpy(upload->subject, subject.at, subject.len);
    upload->turn = (struct piece_turn){ .go = resume_upload, .arg = upload };
    upload->routes->in_flight++;
    return upload;
}

enum err rest_upload_begin(struct rest *rest)
{
    struct http *http = rest->http;
    struct upload *upload = rest->upload = upload_create(rest);

    if (!multipart_begin(&upload->form, http_header(http, "content-type"), http_arena(http))) return ERR_MALFORMED;
    TRY(holding_set(http_holding(http), &upload->counted, HELD_BYTES));
    http_pause(http, true);
    ask_service(upload, M_share_upload_begin, &(struct upload_draft){ http_content_length(http) }, on_begun);
    return OK;
}

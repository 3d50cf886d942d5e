/* rest_upload.c - the file in a form, or a part of one that comes in parts, goes to its service as it comes: upload.begin or
 * transfer.open, upload.write for each piece, and at its end the row's method, which makes something of it. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/base/holding.h"
#include "libshared/base/invariant.h"
#include "libshared/http/message/multipart.h"
#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rest_private.h"

#define FIELD      "file"
/* The piece that is gathered, those under way, and the form's head. */
#define HELD_BYTES ((PIECES_WINDOW + 1) * PIECE_BYTES + sizeof(struct form_upload))

enum form_place { BEFORE_FILE, IN_FILE, BEHIND_FILE };

struct form_upload {
    struct rest *rest; /* NULL: it was answered, or the client hung up */
    struct routes *routes;
    enum peer_service service;
    struct multipart form;
    enum form_place place;
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

/* A client that is held back has somebody who goes on with it: an answer, or the turn of its next piece. */
static void form_upload_check(const struct form_upload *upload)
{
    if (upload->rest == NULL) {
        assert(upload->unanswered > 0 && upload->counted == 0 && !upload->turn.waits);
        return;
    }
    assert(upload->rest->upload == upload);
    assert(upload->piece_len < PIECE_BYTES);
    assert(!id_is_nil(upload->id) || (upload->piece_len == 0 && !upload->held && !upload->whole));
    assert(!upload->held || upload->whole || upload->unanswered > 0 || upload->turn.waits);
    assert(!upload->turn.waits || !upload->whole);
    assert(!upload->whole || upload->piece_len == 0);
    assert(!upload->ended || (upload->whole && upload->unanswered == 0));
}

static void upload_release(struct form_upload *upload)
{
    if (upload->rest != NULL || upload->unanswered > 0) return;
    assert(upload->routes->in_flight > 0);
    upload->routes->in_flight--;
    mem_free(upload->subject);
    mem_free(upload->piece);
    mem_free(upload);
}

/* Whichever service it is, the three methods of a file that comes are those of share by name and records. */
static void ask_service(struct form_upload *upload, enum method_index method, const void *record, rpc_reply_fn *reply)
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

static void fail_as_service(struct form_upload *upload, enum err status, struct str body)
{
    struct failure failure = { 0 };

    rpc_failure_read(body, http_arena(upload->rest->http), &failure);
    rest_fail_with(upload->rest, status, &failure, NULL);
}

/* --- leaving --- */

static void on_dropped(void *arg, enum err status, struct str body)
{
    struct form_upload *upload = arg;

    (void)status, (void)body; /* a service that did not hear it gives up what nobody goes on with */
    upload->unanswered--;
    upload_release(upload);
}

static void drop_upload(struct form_upload *upload)
{
    struct str subject = { upload->subject, upload->subject_len };

    upload->unanswered++;
    method_ask_for(upload->routes->service[upload->service], M_share_upload_drop, subject,
        &(struct upload_ref){ upload->id }, on_dropped, upload);
}

void rest_upload_leave(struct rest *rest)
{
    struct form_upload *upload = rest->upload;

    if (upload == NULL) return;
    holding_set_anyway(http_holding(rest->http), &upload->counted, 0);
    pieces_leave(&upload->routes->pieces, &upload->turn);
    rest->upload = NULL;
    upload->rest = NULL;
    if (!upload->ended && !id_is_nil(upload->id)) drop_upload(upload);
    if (upload->unanswered > 0) CHECK_STEP(form_upload_check(upload));
    upload_release(upload);
}

/* --- sending --- */

static bool may_send(const struct form_upload *upload)
{
    return upload->unanswered < PIECES_WINDOW && pieces_have_room(&upload->routes->pieces);
}

/* What is left of its bytes has to wait for an answer, its own or, where too much is under way, another's. */
static void hold_client_back(struct form_upload *upload)
{
    if (may_send(upload)) return;
    if (!upload->held) http_pause(upload->rest->http, true);
    upload->held = true;
    if (upload->unanswered < PIECES_WINDOW) pieces_wait(&upload->routes->pieces, &upload->turn);
}

static void resume_upload(void *arg)
{
    struct form_upload *upload = arg;

    if (upload->whole) {
        if (upload->unanswered == 0) rest_ask_service(upload->rest);
    } else if (upload->held) {
        upload->held = false;
        http_pause(upload->rest->http, false);
        hold_client_back(upload);
        CHECK_STEP(form_upload_check(upload));
    }
}

static void on_written(void *arg, enum err status, struct str body)
{
    struct form_upload *upload = arg;
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

static void send_piece(struct form_upload *upload)
{
    struct upload_piece piece = { upload->id, upload->sent, { upload->piece, upload->piece_len } };

    if (upload->piece_len == 0) return;
    pieces_begin(&upload->routes->pieces);
    ask_service(upload, M_share_upload_write, &piece, on_written);
    upload->sent += (int64_t)upload->piece_len;
    upload->piece_len = 0;
}

static void gather_bytes(struct form_upload *upload, struct str bytes)
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

static enum err begin_part(struct form_upload *upload, struct wire_error *why)
{
    if (upload->place == IN_FILE) upload->place = BEHIND_FILE;
    if (!str_is(upload->form.name, FIELD)) return OK;
    if (upload->place == BEHIND_FILE) return wire_refuse(why, ERR_INVALID_ARGUMENT, NULL, FIELD ": is given twice");
    upload->place = IN_FILE;
    upload->file = upload->form.file;
    return OK;
}

static enum err take_form(struct form_upload *upload, struct str bytes, struct wire_error *why)
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
static enum err charge_bytes(struct form_upload *upload, size_t bytes)
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

    if (e == OK && rest->row->takes == TAKES_PART)
        gather_bytes(rest->upload, bytes);
    else if (e == OK)
        e = take_form(rest->upload, bytes, &why);
    if (e != OK) {
        rest_refuse(rest, e, &why);
        return;
    }
    hold_client_back(rest->upload);
    CHECK_STEP(form_upload_check(rest->upload));
}

static enum err check_form(const struct form_upload *upload, struct wire_error *why)
{
    if (!multipart_is_over(&upload->form))
        return wire_refuse(why, ERR_MALFORMED, NULL, "the form ends before its last boundary");
    if (upload->place == BEFORE_FILE) return wire_refuse(why, ERR_INVALID_ARGUMENT, NULL, FIELD ": is missing");
    return OK;
}

bool rest_upload_is_sent(struct rest *rest)
{
    struct form_upload *upload = rest->upload;
    struct wire_error why = { 0 };
    enum err e = upload->failed;

    if (e == OK && rest->row->takes == TAKES_FORM) e = check_form(upload, &why);
    if (e != OK) {
        rest_refuse(rest, e, &why);
        return false;
    }
    upload->whole = true;
    pieces_leave(&upload->routes->pieces, &upload->turn); /* its last piece has room: the turn is another's */
    send_piece(upload);
    CHECK_STEP(form_upload_check(upload));
    return upload->unanswered == 0;
}

size_t rest_upload_uncharged(const struct rest *rest)
{
    return rest->upload->uncharged;
}

void rest_upload_give(struct rest *rest, struct arena *arena, struct wire_given_list *given)
{
    const struct form_upload *upload = rest->upload;
    char id[ID_TEXT_BYTES + 1];

    if (rest->row->takes == TAKES_PART) return; /* its path says which */
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
    CHECK_STEP(form_upload_check(rest->upload));
}

/* --- beginning --- */

static void on_begun(void *arg, enum err status, struct str body)
{
    struct form_upload *upload = arg;
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

static struct form_upload *upload_create(struct rest *rest)
{
    struct form_upload *upload = mem_zero(sizeof *upload);
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

/* Which part it is its path and headers say, so its service knows before the first byte. */
static enum err read_part(struct rest *rest, struct transfer_part *part, struct wire_error *why)
{
    struct arena *arena = http_arena(rest->http);
    struct wire_given_list given;

    given_begin(&given, arena);
    TRY(query_read(&rest->params, STR_NONE, arena, &given, why));
    rest_tus_give(rest, transfer_part_shape(), &given);
    return wire_read_json_over(transfer_part_shape(), STR("{}"), given, arena, part, why);
}

static enum err begin_form(struct form_upload *upload)
{
    struct http *http = upload->rest->http;

    if (!multipart_begin(&upload->form, http_header(http, "content-type"), http_arena(http))) return ERR_MALFORMED;
    TRY(holding_set(http_holding(http), &upload->counted, HELD_BYTES));
    http_pause(http, true);
    ask_service(upload, M_share_upload_begin, &(struct upload_draft){ http_content_length(http) }, on_begun);
    return OK;
}

static enum err begin_part_of_file(struct form_upload *upload, struct wire_error *why)
{
    struct http *http = upload->rest->http;
    struct transfer_part part = { .at = 0 };

    TRY(read_part(upload->rest, &part, why));
    TRY(holding_set(http_holding(http), &upload->counted, HELD_BYTES));
    upload->sent = part.at;
    http_pause(http, true);
    ask_service(upload, M_share_transfer_open, &part, on_begun);
    return OK;
}

enum err rest_upload_begin(struct rest *rest, struct wire_error *why)
{
    struct form_upload *upload = rest->upload = upload_create(rest);

    return rest->row->takes == TAKES_PART ? begin_part_of_file(upload, why) : begin_form(upload);
}

/* rest_download.c - an answer whose bytes a service has: the row's method says what they are, source.read has each piece.
 *
 *      source.read --> | 0 | 1 | 2 | 3 |  the window's slots, in the order of the bytes --> the client, as fast as it reads
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/holding.h"
#include "libshared/base/invariant.h"
#include "libshared/http/message/http_range.h"
#include "services/gateway/routes/rest_private.h"

/* Scripts are let in nowhere.  A browser that shows an image or a film by itself makes a page around it, which has to have its
 * style and read the film: from its own origin, so it keeps that. */
#define POLICY_SAVED "default-src 'none'; sandbox"
#define POLICY_SHOWN                                                                                                   \
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox allow-same-origin"
#define HELD_BYTES (PIECES_WINDOW * PIECE_BYTES + sizeof(struct download))

/* One piece, from its question to its last byte. */
struct piece_slot {
    struct download *download;
    char *bytes;
    size_t len, used;
    bool there;
};

struct download {
    struct rest *rest; /* NULL: it is over, or the client hung up */
    struct routes *routes;
    enum peer_service service;
    struct id source;
    int64_t at, asked, end; /* what was written, and asked for, up to */
    struct piece_slot slots[PIECES_WINDOW];
    size_t first, n; /* slots in use, in the order of their bytes */
    size_t unanswered;
    size_t counted; /* bytes, in the connection's holding */
    struct piece_turn turn;
};

static struct piece_slot *slot_of(struct download *download, size_t nth)
{
    return &download->slots[(download->first + nth) % PIECES_WINDOW];
}

/* What was asked for and not written is in the slots, and while something is missing somebody brings it. */
static void download_check(struct download *download)
{
    size_t missing = 0;
    int64_t held = 0;

    if (download->rest == NULL) {
        assert(download->unanswered > 0 && download->counted == 0 && !download->turn.waits);
        return;
    }
    assert(download->rest->download == download && download->n <= PIECES_WINDOW);
    for (size_t i = 0; i < download->n; i++) {
        const struct piece_slot *slot = slot_of(download, i);
        assert(slot->used < slot->len && (i == 0 || slot->used == 0));
        missing += !slot->there;
        held += (int64_t)(slot->len - slot->used);
    }
    assert(missing == download->unanswered);
    assert(download->at + held == download->asked && download->asked <= download->end);
    assert(download->at == download->end || download->n > 0 || download->turn.waits);
}

static void download_release(struct download *download)
{
    if (download->rest != NULL || download->unanswered > 0) return;
    assert(download->routes->in_flight > 0);
    download->routes->in_flight--;
    for (size_t i = 0; i < PIECES_WINDOW; i++) mem_free(download->slots[i].bytes);
    mem_free(download);
}

void rest_download_leave(struct rest *rest)
{
    struct download *download = rest->download;

    if (download == NULL) return;
    holding_set_anyway(http_holding(rest->http), &download->counted, 0);
    pieces_leave(&download->routes->pieces, &download->turn);
    rest->download = NULL;
    download->rest = NULL;
    if (download->unanswered > 0) CHECK_STEP(download_check(download));
    download_release(download);
}

/* --- asking --- */

static void on_piece(void *arg, enum err status, struct str body);

static void ask_for_piece(struct download *download)
{
    struct piece_slot *slot = slot_of(download, download->n++);
    int64_t left = download->end - download->asked, size = left < PIECE_BYTES ? left : PIECE_BYTES;
    struct principal who = rest_principal(download->rest);
    struct source_range range = { download->source, download->asked, size };
    struct buf body = BUF(1024);
    enum err e = wire_encode(source_range_shape(), &range, &body);

    (void)e; /* within its bounds */
    *slot = (struct piece_slot){ .download = download, .bytes = slot->bytes, .len = (size_t)size };
    download->asked += size;
    download->unanswered++;
    pieces_begin(&download->routes->pieces);
    method_call(download->routes->service[download->service], M_share_source_read, &who, str_of(download->rest->trace),
        buf_str(&body), on_piece, slot);
    buf_free(&body);
}

static void ask_for_pieces(void *arg)
{
    struct download *download = arg;

    while (download->asked < download->end && download->n < PIECES_WINDOW) {
        if (!pieces_have_room(&download->routes->pieces)) {
            pieces_wait(&download->routes->pieces, &download->turn);
            break;
        }
        ask_for_piece(download);
    }
    CHECK_STEP(download_check(download));
}

/* false: it is not what was asked for. */
static bool keep_piece(struct piece_slot *slot, struct str body)
{
    struct arena *scratch = slot->download->routes->scratch;
    struct source_bytes piece = { 0 };
    struct wire_error why;
    enum err e = wire_decode(source_bytes_shape(), body, scratch, &piece, &why);

    arena_reset(scratch);
    if (e != OK || piece.bytes.len != slot->len) return false;
    if (slot->bytes == NULL) slot->bytes = mem_alloc(PIECE_BYTES);
    memcpy(slot->bytes, piece.bytes.at, piece.bytes.len);
    slot->there = true;
    return true;
}

static void on_piece(void *arg, enum err status, struct str body)
{
    struct piece_slot *slot = arg;
    struct download *download = slot->download;
    struct pieces *pieces = &download->routes->pieces;

    download->unanswered--;
    if (download->rest == NULL)
        download_release(download);
    else if (status == OK && keep_piece(slot, body))
        http_want_write(download->rest->http);
    else
        http_abort(download->rest->http); /* what was promised cannot be kept: the client sees that it is cut */
    pieces_end(pieces);
}

/* --- answering --- */

void rest_download_write(struct rest *rest)
{
    struct download *download = rest->download;
    struct http *http = rest->http;

    while (download->n > 0 && download->slots[download->first].there) {
        struct piece_slot *slot = &download->slots[download->first];
        size_t left = slot->len - slot->used;
        size_t took = http_write(http, (struct str){ slot->bytes + slot->used, left });
        slot->used += took;
        download->at += (int64_t)took;
        if (took < left) {
            CHECK_STEP(download_check(download));
            return;
        }
        download->first = (download->first + 1) % PIECES_WINDOW;
        download->n--;
    }
    if (download->at < download->end) {
        ask_for_pieces(download);
        return;
    }
    http_set_user(http, NULL);
    rest_download_leave(rest);
    http_reply_end(http);
    rest->http = NULL;
    rest_end(rest);
}

/* As RFC 6266 has it: a name that everybody reads, and the name. */
static struct str print_disposition(const char *how, struct str name, struct arena *arena)
{
    struct buf text = BUF(4096);

    buf_printf(&text, "%s; filename=\"", how);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        buf_add_char(&text, c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '%' ? '_' : c);
    }
    buf_add_str(&text, STR("\"; filename*=UTF-8''"));
    for (size_t i = 0; i < name.len; i++) buf_printf(&text, "%%%02X", (unsigned char)name.at[i]);
    struct str out = arena_str(arena, buf_str(&text));
    buf_free(&text);
    return out;
}

static enum http_range read_range(
    struct http *http, const struct source *source, struct str tag, int64_t *at, int64_t *end)
{
    struct str only_if = http_header(http, "if-range");
    bool is_same = only_if.at == NULL || str_eq(only_if, tag); /* a date is not known of it */

    return http_range_read(is_same ? http_range(http) : STR_NONE, source->size, at, end);
}

static void refuse_range(struct rest *rest, int64_t size)
{
    struct failure failure = refusal_plain(ERR_RANGE);
    struct http_header_out range = { "Content-Range", arena_printf(http_arena(rest->http), "bytes */%" PRId64, size) };

    rest_fail_with(rest, ERR_RANGE, &failure, &range);
}

static struct download *download_create(struct rest *rest, struct id source, int64_t at, int64_t end)
{
    struct download *download = mem_zero(sizeof *download);

    download->rest = rest;
    download->routes = rest->routes;
    download->service = rest->row->service;
    download->source = source;
    download->at = download->asked = at;
    download->end = end;
    download->turn = (struct piece_turn){ .go = ask_for_pieces, .arg = download };
    download->routes->in_flight++;
    return download;
}

/* Whoever has the URL may show it in a page of theirs, unless it takes a cookie of ours besides. */
static bool is_for_pages(const struct rest *rest, const struct source *source)
{
    return rest->row->cookies[0].use == USE_NONE && (source->payer.len > 0 || rest->row->who == WHO_ANYONE);
}

/* Bytes of somebody's: no browser is to run or guess anything. */
static void answer_bytes(
    struct rest *rest, const struct source *source, struct str tag, int64_t at, int64_t end, bool is_part)
{
    struct http *http = rest->http;
    struct rest_headers headers;
    int status = is_part ? 206 : 200;
    const char *type = arena_cstr(http_arena(http), source->type);

    rest_headers(rest, status, &headers);
    rest_headers_add(&headers, "ETag", tag);
    rest_headers_add(&headers, "Accept-Ranges", source->whole ? STR("none") : STR("bytes"));
    rest_headers_add(&headers, "Content-Disposition",
        print_disposition(source->shown ? "inline" : "attachment", source->name, http_arena(http)));
    rest_headers_add(&headers, "Content-Security-Policy", str_of(source->shown ? POLICY_SHOWN : POLICY_SAVED));
    rest_headers_add(&headers, "Referrer-Policy", STR("no-referrer"));
    rest_headers_add(
        &headers, "Cross-Origin-Resource-Policy", str_of(is_for_pages(rest, source) ? "cross-origin" : "same-origin"));
    if (is_part)
        rest_headers_add(&headers, "Content-Range",
            arena_printf(http_arena(http), "bytes %" PRId64 "-%" PRId64 "/%" PRId64, at, end - 1, source->size));
    rest_log(rest, status, "ok", end - at);
    if (http_reply_begin(http, status, type, end - at, headers.at, headers.n)) {
        ask_for_pieces(rest->download);
        return;
    }
    http_set_user(http, NULL);
    rest_download_leave(rest);
    rest->http = NULL;
    rest_end(rest);
}

/* All that an answer promises, whether its reader waits for the end or not. */
static bool charge_answer(struct rest *rest, struct str payer, int64_t bytes)
{
    if (str_is(http_method(rest->http), "HEAD")) return true;
    return payer.len > 0 ? rest_charge_bytes_to(rest, payer, bytes) : rest_charge_bytes(rest, bytes);
}

static void answer_source(struct rest *rest, const struct source *source)
{
    struct http *http = rest->http;
    struct str tag = arena_printf(http_arena(http), "\"%.*s\"", STR_ARG(source->tag));
    struct str known = http_header(http, "if-none-match");
    int64_t at, end;

    if (known.at != NULL && http_tag_matches(known, tag)) {
        rest_answer(rest, 304, "ok", STR_NONE, &(struct http_header_out){ "ETag", tag });
        return;
    }
    if (source->whole && http_range(http).at != NULL) {
        rest_fail(rest, ERR_FORBIDDEN);
        return;
    }
    enum http_range range = read_range(http, source, tag, &at, &end);
    if (range == RANGE_UNSATISFIABLE) {
        refuse_range(rest, source->size);
        return;
    }
    if (!charge_answer(rest, source->payer, end - at)) {
        rest_refuse(rest, ERR_RATE_LIMITED, NULL);
        return;
    }
    rest->download = download_create(rest, source->source, at, end);
    enum err e = holding_set(http_holding(http), &rest->download->counted, HELD_BYTES);
    if (e != OK)
        rest_fail(rest, e);
    else
        answer_bytes(rest, source, tag, at, end, range == RANGE_PART);
}

void rest_download_begin(struct rest *rest, struct str body)
{
    struct source source = { 0 };
    struct wire_error why;

    if (wire_decode(source_shape(), body, http_arena(rest->http), &source, &why) == OK)
        answer_source(rest, &source);
    else
        rest_fail(rest, ERR_INTERNAL);
}

/* Its words are somebody's: it is saved, and not shown as a page of ours. */
void rest_answer_written(struct rest *rest, struct str body)
{
    struct arena *arena = http_arena(rest->http);
    struct written_file file = { .name = STR("") };
    struct rest_headers headers;
    struct wire_error why;

    if (wire_decode(written_file_shape(), body, arena, &file, &why) != OK) {
        rest_fail(rest, ERR_INTERNAL);
        return;
    }
    if (!charge_answer(rest, file.payer, (int64_t)file.bytes.len)) {
        rest_refuse(rest, ERR_RATE_LIMITED, NULL);
        return;
    }
    rest_headers(rest, rest->row->status, &headers);
    rest_headers_add(&headers, "Content-Disposition", print_disposition("attachment", file.name, arena));
    rest_headers_add(&headers, "Content-Security-Policy", STR(POLICY_SAVED));
    rest_headers_add(&headers, "Referrer-Policy", STR("no-referrer"));
    rest_headers_add(&headers, "Cross-Origin-Resource-Policy", STR("same-origin"));
    rest_finish(rest, rest->row->status, "ok", arena_cstr(arena, file.type), file.bytes, &headers);
}

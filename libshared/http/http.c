/* http.c - HTTP/1.1 on one connection: requests are read, handed up, and answered in order. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/turn.h"
#include "libshared/http/http_private.h"
#include "libshared/http/transport.h"

#include <assert.h>
#include <string.h>

/* What a request costs by being there, from its head to its answer: itself, and the first block of its arena. */
#define HTTP_BYTES   (sizeof(struct http) + 16384)
/* Texts of one request: its head, decoded parameters, what the upper layers note. */
#define ARENA_BYTES  1048576
/* Seconds: an idle keep-alive connection may stay so long; a body has to bring so many bytes in each such period. */
#define IDLE_SECONDS 65
#define BODY_SECONDS 10
#define BODY_LEAST   10240

static struct http *http_of(struct conn *conn)
{
    if (conn->state != NULL) return conn->state;
    struct http *http = conn->state = mem_zero(sizeof *http);
    http->conn = conn;
    /* bound: HTTP_HEAD_MAX, a few times over */
    http->arena = arena_create("http", ARENA_BYTES);
    http->body = BUF(1);
    conn_base(conn, HTTP_BYTES);
    return http;
}

static enum http_state state_of(const struct conn *conn)
{
    const struct http *http = conn->state;
    return http != NULL ? http->state : HTTP_HEAD;
}

/* The handler knows of it, and has not answered. */
static bool is_unfinished(const struct http *http)
{
    return http->begun && !http->replied;
}

/* The handler is to forget it. */
static void give_up(struct http *http)
{
    if (is_unfinished(http)) http->mount->handler->gone(http->mount->arg, http);
    http->begun = false;
}

static void free_request(struct http *http)
{
    buf_free(&http->body);
    conn_base(http->conn, 0);
    arena_destroy(&http->arena);
    mem_free(http);
}

static void on_gone(struct conn *conn)
{
    struct http *http = conn->state;
    if (http == NULL) return;
    conn->state = NULL;
    give_up(http);
    free_request(http);
}

/* Through a proxy's connection somebody else speaks next. */
static void note_owner(struct conn *conn)
{
    if (holding_is_open(&conn->holding) && !conn->proxied) conn->known = !holding_is_strangers(&conn->holding);
}

static void give_back(struct http *http)
{
    note_owner(http->conn);
    http->conn->gathered = 0;
    conn_hold_anyway(http->conn);
    holding_follow(&http->conn->holding, NULL);
}

static void forget_request(struct http *http)
{
    arena_reset(http->arena);
    buf_free(&http->body);
    give_back(http);
    http->user = NULL;
    http->mount = NULL;
    http->begun = http->replied = http->bare = http->collects = false;
    http->head.n_fields = 0;
    http->text = STR_NONE;
    http->stream = (struct http_stream){ 0 };
}

/* --- what becomes of a request --- */

static void redirect_request(struct http *http)
{
    struct str target = arena_printf(http->arena, "%s%.*s%s%.*s", http->conn->server->config.redirect_to,
        STR_ARG(http->head.path), http->head.query.at != NULL ? "?" : "", STR_ARG(http->head.query));
    /* not for ever: where it leads is a setting */
    const struct http_header_out headers[] = { { "Location", target }, { "Cache-Control", STR("max-age=3600") } };
    http_reply(http, 308, NULL, STR_NONE, headers, COUNT(headers));
}

static bool is_below(struct str path, const char *of)
{
    size_t len = strlen(of);

    return str_starts(path, str_of(of)) && (path.len == len || path.at[len] == '/');
}

/* What may be asked where this leads; NULL: nothing, or it is not known. */
static const char *find_methods(struct http *http)
{
    const struct http_mount *mount = http_mount_find(http->conn->server, http->head.path);
    if (mount == NULL) return NULL;
    return mount->handler->allows != NULL ? mount->handler->allows(mount->arg, http) : mount->handler->methods;
}

static void answer_preflight(struct http *http)
{
    const struct http_options *options = &http->conn->server->config.options;
    struct http_header_out headers[4 + HTTP_OPTIONS_MAX];
    const char *methods = find_methods(http);
    size_t n = 0;
    if (methods != NULL)
        headers[n++] = (struct http_header_out){ "Allow", arena_printf(http->arena, "%s, OPTIONS", methods) };
    struct str wanted = http_header(http, "access-control-request-headers");
    headers[n++] = (struct http_header_out){ "Access-Control-Allow-Methods", STR("GET,HEAD,PUT,PATCH,POST,DELETE") };
    headers[n++] = (struct http_header_out){ "Access-Control-Max-Age", STR("600") };
    if (wanted.len > 0) headers[n++] = (struct http_header_out){ "Access-Control-Allow-Headers", wanted };
    if (options->path != NULL && is_below(http->head.path, options->path))
        for (size_t i = 0; i < options->n && i < HTTP_OPTIONS_MAX; i++) headers[n++] = options->headers[i];
    http_reply(http, 204, NULL, STR_NONE, headers, n);
}

/* OPTIONS * asks about the server, whichever port it is. */
static void answer_for_server(struct http *http)
{
    struct http_header_out allow = { "Allow", STR("GET, HEAD, PUT, PATCH, POST, DELETE, OPTIONS") };
    http_reply(http, 204, NULL, STR_NONE, &allow, 1);
}

static bool is_answered_here(struct http *http)
{
    bool asks_for_options = str_is(http->head.method, "OPTIONS");
    if (asks_for_options && str_is(http->head.path, "*"))
        answer_for_server(http);
    else if (http->conn->redirects && !str_starts(http->head.path, ACME_PATH))
        redirect_request(http);
    else if (asks_for_options && origins_exist(http->conn->server->origins))
        answer_preflight(http);
    else
        return false;
    return true;
}

static void refuse_bare_or_not(struct http *http, int status, const struct http_header_out *extra, size_t n_extra)
{
    if (http->bare)
        http_reply(http, status, NULL, STR_NONE, extra, n_extra);
    else
        http_reply_refusal(http, status, extra, n_extra);
}

static bool is_bound(struct http *http)
{
    http->mount = http_mount_find(http->conn->server, http->head.path);
    if (http->mount == NULL) {
        refuse_bare_or_not(http, 404, NULL, 0);
        return false;
    }
    const char *methods = http->mount->handler->methods;
    if (methods == NULL || http_list_has(str_of(methods), arena_cstr(http->arena, http->head.method))) return true;
    struct http_header_out allow = { "Allow", str_of(methods) };
    refuse_bare_or_not(http, 405, &allow, 1);
    return false;
}

/* Nothing is read while the handler holds it back, and "100 Continue" is not said either. */
static void begin_body(struct http *http)
{
    http->body = BUF(http->body_max);
    http->body_seen = http->body_mark = 0;
    http->wants_continue = http->head.expects_continue;
    http->state = HTTP_BODY;
    conn_timer(http->conn, http->conn->held ? 0 : BODY_SECONDS);
}

/* 0: go on with the body. */
static int ask_handler(struct http *http)
{
    http->body_max = http->conn->server->config.body_max;
    http->begun = true;
    int status = http->mount->handler->begin(http->mount->arg, http);
    bool fits = http->head.content_length <= 0 || (uint64_t)http->head.content_length <= http->body_max;
    if (status != 0 || fits) return status;
    give_up(http);
    return 413;
}

static void begin_request(struct http *http)
{
    if (!http_host_is_ours(http)) {
        http_refuse(http->conn, 421);
        return;
    }
    if (upgrade_is_asked(http) && !http->conn->redirects) {
        if (upgrade_answer(http)) free_request(http);
        return;
    }
    http->state = HTTP_HANDLER;
    http_body_begin(&http->decoder, http->head.chunked, http->head.content_length);
    if (is_answered_here(http) || !is_bound(http)) return;
    int status = ask_handler(http);
    if (http->state != HTTP_HANDLER || http->conn->lingering) return; /* answered, and perhaps over */
    if (status == 0)
        begin_body(http);
    else
        refuse_bare_or_not(http, status, NULL, 0);
}

static void request_is_whole(struct http *http)
{
    http->state = HTTP_HANDLER;
    conn_timer(http->conn, 0);
    struct turn_span span = turn_enter();
    struct str path = http->mount->path; /* the request may be gone afterwards */
    http->mount->handler->ready(http->mount->arg, http);
    turn_leave(span, path);
}

static void await_next(struct http *http)
{
    struct conn *conn = http->conn;
    double configured = conn->server->config.idle_seconds;
    http->state = HTTP_HEAD;
    conn_timer(conn, configured > 0 ? configured : IDLE_SECONDS);
    conn->between = conn->in.len == 0;
    conn_touch(conn); /* for free_idle() */
}

/* --- reading --- */

/* What the proxies ask for themselves is nobody's. */
static bool is_banned(const struct conn *conn)
{
    const struct http_server_config *config = &conn->server->config;
    return config->bans != NULL && conn->counted && config->bans(config->bans_arg, &conn->client);
}

/* Moves bytes to `in` until the head is whole.  True: go on. */
static bool read_head(struct conn *conn, char **at, size_t *len)
{
    size_t seen = conn->in.len, room = HTTP_HEAD_MAX - seen, n = *len < room ? *len : room;
    if (seen == 0) conn_timer(conn, HEAD_SECONDS);
    conn->between = false;
    buf_add(&conn->in, *at, n);
    enum err e = conn_hold(conn);
    if (e != OK) {
        http_refuse(conn, err_status(e));
        return false;
    }
    size_t end = http_head_end(conn->in.at, conn->in.len, seen);
    if (end == 0) {
        *at += n;
        *len -= n;
        if (!http_head_is_plausible(conn->in.at, conn->in.len))
            http_refuse(conn, 400);
        else if (conn->in.len == HTTP_HEAD_MAX)
            http_refuse(conn, 431);
        return false;
    }
    *at += end - seen;
    *len -= end - seen;
    struct http *http = http_of(conn);
    char *text = arena_copy(http->arena, conn->in.at, end);
    http->text = (struct str){ text, end };
    buf_free(&conn->in);
    conn_hold_anyway(conn);
    int refused = http_head_parse(text, end, &http->head);
    if (refused) {
        http_refuse(conn, refused);
        return false;
    }
    http->keep_alive = !http->head.close && (http->head.minor > 0 || http->head.keep_alive);
    if (!client_address_of_request(conn, &http->head)) {
        http_refuse(conn, 429);
        return false;
    }
    if (is_banned(conn)) {
        conn_count(conn->server->config.metrics.refused, 1);
        http_refuse_as(conn, ERR_BANNED);
        return false;
    }
    begin_request(http);
    return true;
}

static void say_continue(struct http *http)
{
    if (!http->wants_continue) return;
    http->wants_continue = false;
    if (http_body_is_done(&http->decoder)) return;
    buf_add_str(&http->conn->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    conn_flush(http->conn);
}

/* 0, or the status that refuses it. */
static int take_piece(struct http *http, struct str piece)
{
    const struct http_handler *handler = http->mount->handler;
    http->body_seen += piece.len;
    if (http->body_seen > http->body_max) return 413;
    if (handler->data != NULL && !http->collects) {
        handler->data(http->mount->arg, http, piece);
        return 0;
    }
    buf_add_str(&http->body, piece);
    enum err e = conn_gather(http->conn, http->body.cap);
    return e != OK ? err_status(e) : 0;
}

/* The handler may have answered meanwhile, or had enough for now. */
static bool wants_body(const struct http *http)
{
    return http->state == HTTP_BODY && !http->conn->held && !http->conn->lingering && !http->conn->doomed;
}

static int read_pieces(struct http *http, struct str *in)
{
    struct str piece = STR_NONE;
    int refused = 0;
    do {
        refused = http_body_next(&http->decoder, in, &piece);
        if (!refused && piece.len > 0) refused = take_piece(http, piece);
    } while (!refused && piece.len > 0 && wants_body(http));
    return refused;
}

/* What was not used up; there may be no bytes to point at. */
static void keep_rest(char **at, size_t *len, struct str rest)
{
    if (rest.len < *len) *at += *len - rest.len;
    *len = rest.len;
}

static bool read_body(struct conn *conn, char **at, size_t *len)
{
    struct http *http = conn->state;
    struct str in = { *at, *len };
    say_continue(http);
    int refused = read_pieces(http, &in);
    keep_rest(at, len, in);
    if (refused) {
        give_up(http);
        buf_free(&http->body);
        conn->gathered = 0;
        http_refuse(conn, refused);
        return false;
    }
    if (!wants_body(http)) return true;
    if (!http_body_is_done(&http->decoder)) return false;
    request_is_whole(http);
    return true;
}

/* The rest of a small body whose answer did not wait for it. */
static bool discard_body(struct conn *conn, char **at, size_t *len)
{
    struct http *http = conn->state;
    struct str in = { *at, *len }, piece;
    do {
        if (http_body_next(&http->decoder, &in, &piece) != 0) {
            conn_doom(conn);
            return false;
        }
    } while (piece.len > 0);
    keep_rest(at, len, in);
    if (!http_body_is_done(&http->decoder)) return false;
    await_next(http);
    return true;
}

/* One step; false: there is no more to do with these bytes now. */
static bool read_step(struct conn *conn, char **at, size_t *len)
{
    if (conn->doomed) return false;
    if (conn->protocol != &http_protocol || conn->lingering) { /* a WebSocket by now, or the end */
        if (*len > 0) conn_take(conn, *at, *len);
        return false;
    }
    enum http_state state = state_of(conn);
    if (state == HTTP_BODY && !conn->held && !conn->ahead) /* an empty body is whole without a byte */
        return read_body(conn, at, len);
    if (*len == 0) return false;
    if (state == HTTP_HEAD && !conn->ahead) return read_head(conn, at, len);
    if (state == HTTP_DISCARD && !conn->ahead) return discard_body(conn, at, len);
    conn_keep(conn, *at, *len);
    return false;
}

static void on_bytes(struct conn *conn, char *at, size_t len)
{
    transport_established(conn->link);
    conn->reading = true;
    while (read_step(conn, &at, &len))
        ;
    conn->reading = false;
}

static void end_request(struct http *http)
{
    struct conn *conn = http->conn;
    if (!http->keep_alive) {
        conn_linger(conn);
        return;
    }
    forget_request(http);
    client_address_release(conn);
    if (http_body_is_done(&http->decoder)) {
        await_next(http);
    } else {
        http->state = HTTP_DISCARD;
        conn_timer(conn, BODY_SECONDS);
    }
    /* Read what came meanwhile from the sweep, not from here: an answer may be written inside another request's handler,
     * and a pipelining client could drive the recursion without bound. */
    if (!conn->reading) conn_resume(conn);
}

/* A connection between two requests keeps nothing of either.  Not at the request's end: who answered it may still be at
 * work with it, but nobody is when the connection is touched again with no request there. */
static void free_idle(struct conn *conn)
{
    if (conn->reading) return;
    free_request(conn->state);
    conn->state = NULL;
}

/* With the scratch empty, too, all that was said is written. */
static void on_writable(struct conn *conn)
{
    struct http *http = conn->state;
    if (http == NULL || conn->lingering) return;
    if (http->state == HTTP_HEAD)
        free_idle(conn);
    else if (http->state == HTTP_REPLY && http->stream.on)
        http_stream_fill(http);
    else if (http->state == HTTP_REPLY && conn->server->scratch_len == 0)
        end_request(http);
}

/* Did the peer bring or take enough for another period? */
static bool is_alive(struct http *http)
{
    struct conn *conn = http->conn;
    if (http->state == HTTP_BODY && http->body_seen >= http->body_mark + BODY_LEAST) {
        http->body_mark = http->body_seen;
        conn_timer(conn, BODY_SECONDS);
        return true;
    }
    bool waits_for_handler = http->stream.on && !conn->blocked;
    if (http->state == HTTP_REPLY && (conn->written > http->written_mark || waits_for_handler)) {
        http->written_mark = conn->written;
        conn_timer(conn, REPLY_SECONDS);
        return true;
    }
    return false;
}

void http_pause(struct http *http, bool pause)
{
    struct conn *conn = http->conn;
    if (pause == conn->held) return;
    conn->held = pause;
    if (http->state == HTTP_BODY) conn_timer(conn, pause ? 0 : BODY_SECONDS);
    if (!pause) {
        conn->ahead = true; /* even without bytes: the body may be whole */
        conn_touch(conn);
    }
    conn_pause(conn);
}

static void on_late(struct conn *conn)
{
    if (conn->state != NULL && is_alive(conn->state)) return;
    if (conn->between && transport_has_input(conn->link))
        conn_timer(conn, QUIET_SECONDS);
    else if (state_of(conn) == HTTP_HEAD && conn->in.len > 0)
        http_refuse(conn, 408);
    else
        conn_doom(conn);
}

const struct conn_protocol http_protocol = { on_bytes, on_writable, on_late, on_gone, NULL };

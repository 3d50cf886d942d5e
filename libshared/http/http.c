/* http.c - HTTP/1.1 on one connection: requests are read, handed up, and answered in order. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/http_private.h"
#include "libshared/http/transport.h"

#include <assert.h>
#include <string.h>

/* Texts of one request: its head, decoded parameters, what the upper layers note. */
#define ARENA_BYTES  1048576
/* Seconds: an idle keep-alive connection may stay so long; a body has to bring so many bytes in each such period. */
#define IDLE_SECONDS 65
#define BODY_SECONDS 10
#define BODY_LEAST   10240
/* A certificate authority asks for its proof over plain HTTP. */
#define ACME         STR("/.well-known/acme-challenge/")

static struct http *http_of(struct conn *conn)
{
    if (conn->state != NULL) return conn->state;
    struct http *http = conn->state = mem_zero(sizeof *http);
    http->conn = conn;
    /* bound: HTTP_HEAD_MAX, a few times over */
    http->arena = arena_create("http", ARENA_BYTES);
    http->body = BUF(1);
    return http;
}

static enum http_state state_of(const struct conn *conn)
{
    const struct http *http = conn->state;
    return http != NULL ? http->state : HTTP_HEAD;
}

/* The upper knows of it, and has not answered. */
static bool is_unfinished(const struct http *http)
{
    return http->begun && !http->replied;
}

static void free_request(struct http *http)
{
    buf_free(&http->body);
    arena_destroy(&http->arena);
    mem_free(http);
}

static void on_gone(struct conn *conn)
{
    struct http *http = conn->state;
    if (http == NULL) return;
    conn->state = NULL;
    if (is_unfinished(http)) conn->server->upper.http_gone(conn->server->upper.arg, http);
    free_request(http);
}

static void forget_request(struct http *http)
{
    arena_reset(http->arena);
    buf_free(&http->body);
    conn_gather(http->conn, 0);
    http->user = NULL;
    http->begun = http->replied = http->bare = false;
    http->head.n_fields = 0;
}

/* --- what becomes of a request --- */

static void redirect(struct http *http)
{
    struct str target = arena_printf(http->arena, "%s%.*s%s%.*s", http->conn->server->config.redirect_to,
        STR_ARG(http->head.path), http->head.query.at != NULL ? "?" : "", STR_ARG(http->head.query));
    struct http_header_out location = { "Location", target };
    http_reply(http, 308, NULL, STR_NONE, &location, 1);
}

static void preflight(struct http *http)
{
    struct http_header_out headers[4];
    size_t n = 0;
    struct str wanted = http_header(http, "access-control-request-headers");
    headers[n++] = (struct http_header_out){ "Access-Control-Allow-Methods", STR("GET,HEAD,PUT,PATCH,POST,DELETE") };
    headers[n++] = (struct http_header_out){ "Access-Control-Max-Age", STR("600") };
    if (wanted.len > 0) headers[n++] = (struct http_header_out){ "Access-Control-Allow-Headers", wanted };
    http_reply(http, 204, NULL, STR_NONE, headers, n);
}

static bool is_answered_here(struct http *http)
{
    if (http->conn->redirects && !str_starts(http->head.path, ACME)) {
        redirect(http);
        return true;
    }
    if (str_is(http->head.method, "OPTIONS")) {
        preflight(http);
        return true;
    }
    return false;
}

static void begin_body(struct http *http)
{
    struct conn *conn = http->conn;
    http_body_begin(&http->decoder, http->head.chunked, http->head.content_length);
    http->body = BUF(http->body_max);
    http->body_mark = 0;
    http->state = HTTP_BODY;
    conn_timer(conn, BODY_SECONDS);
    if (http->head.expects_continue && !http_body_is_done(&http->decoder)) {
        buf_add_str(&conn->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
        conn_flush(conn);
    }
}

/* 0: go on with the body. */
static int ask_upper(struct http *http)
{
    const struct http_server_upper *upper = &http->conn->server->upper;
    http->body_max = http->conn->server->config.body_max;
    http->begun = true;
    int status = upper->http_begin(upper->arg, http);
    if (status == 0 && http->head.content_length > (int64_t)http->body_max) {
        if (is_unfinished(http)) upper->http_gone(upper->arg, http);
        http->begun = false;
        return 413;
    }
    return status;
}

static void begin_request(struct http *http)
{
    if (upgrade_is_asked(http) && !http->conn->redirects) {
        if (upgrade_answer(http)) free_request(http);
        return;
    }
    http->state = HTTP_HANDLER;
    http_body_begin(&http->decoder, http->head.chunked, http->head.content_length);
    if (is_answered_here(http)) return;
    int status = ask_upper(http);
    if (http->state != HTTP_HANDLER || http->conn->lingering) return; /* answered, and perhaps over */
    if (status == 0) {
        begin_body(http);
        return;
    }
    struct str why = http->bare ? STR_NONE : http_refusal_text(http->arena, status);
    http_reply(http, status, why.len > 0 ? "application/json" : NULL, why, NULL, 0);
}

static void request_is_whole(struct http *http)
{
    const struct http_server_upper *upper = &http->conn->server->upper;
    http->state = HTTP_HANDLER;
    conn_timer(http->conn, 0);
    upper->http_ready(upper->arg, http);
}

/* --- reading --- */

/* Moves bytes to `in` until the head is whole.  True: go on. */
static bool read_head(struct conn *conn, char **at, size_t *len)
{
    size_t seen = conn->in.len, room = HTTP_HEAD_MAX - seen, n = *len < room ? *len : room;
    if (seen == 0) conn_timer(conn, HEAD_SECONDS);
    conn->between = false;
    buf_add(&conn->in, *at, n);
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
    buf_free(&conn->in);
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
    begin_request(http);
    return true;
}

static bool read_body(struct conn *conn, char **at, size_t *len)
{
    struct http *http = conn->state;
    struct str in = { *at, *len };
    int refused = http_body_take(&http->decoder, &in, &http->body);
    *at += *len - in.len;
    *len = in.len;
    if (!conn_gather(conn, http->body.cap) && !refused) refused = 503;
    if (refused) {
        const struct http_server_upper *upper = &conn->server->upper;
        upper->http_gone(upper->arg, http);
        http->begun = false;
        buf_free(&http->body);
        conn_gather(conn, 0);
        http_refuse(conn, refused);
        return false;
    }
    if (!http_body_is_done(&http->decoder)) return false;
    request_is_whole(http);
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
    if (state == HTTP_BODY) /* an empty body is whole without a byte */
        return read_body(conn, at, len);
    if (*len == 0) return false;
    if (state == HTTP_HEAD && !conn->ahead) return read_head(conn, at, len);
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

/* The answer is written: the next request may already be here.  Read it from the sweep, not from here: an answer may be
 * written inside another request's handler, and a pipelining client could drive the recursion without bound. */
static void end_request(struct http *http)
{
    struct conn *conn = http->conn;
    if (!http->keep_alive) {
        conn_linger(conn);
        return;
    }
    forget_request(http);
    client_address_release(conn);
    http->state = HTTP_HEAD;
    conn_timer(conn, IDLE_SECONDS);
    conn->between = conn->in.len == 0;
    if (!conn->reading) conn_resume(conn);
}

static void on_writable(struct conn *conn)
{
    bool all_is_written = conn->server->scratch_len == 0;
    if (state_of(conn) == HTTP_REPLY && all_is_written && !conn->lingering) end_request(conn->state);
}

/* Did the peer bring or take enough for another period? */
static bool is_alive(struct http *http)
{
    struct conn *conn = http->conn;
    if (http->state == HTTP_BODY && http->body.len >= http->body_mark + BODY_LEAST) {
        http->body_mark = http->body.len;
        conn_timer(conn, BODY_SECONDS);
        return true;
    }
    if (http->state == HTTP_REPLY && conn->written > http->written_mark) {
        http->written_mark = conn->written;
        conn_timer(conn, REPLY_SECONDS);
        return true;
    }
    return false;
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

const struct conn_protocol http_protocol = { on_bytes, on_writable, on_late, on_gone };

/* --- what the upper asks --- */

struct str http_method(const struct http *http)
{
    return http->head.method;
}
struct str http_path(const struct http *http)
{
    return http->head.path;
}
struct str http_query(const struct http *http)
{
    return http->head.query;
}
struct str http_body(const struct http *http)
{
    return buf_str(&http->body);
}
struct str http_address(const struct http *http)
{
    return str_of(http->conn->address);
}
const struct in6_addr *http_limited(const struct http *http)
{
    return http->conn->counted ? &http->conn->client : NULL;
}
bool http_is_tls(const struct http *http)
{
    return http->conn->tls;
}
struct arena *http_arena(struct http *http)
{
    return http->arena;
}
void http_set_user(struct http *http, void *user)
{
    http->user = user;
}
void *http_user(const struct http *http)
{
    return http->user;
}
void http_refuse_bare(struct http *http)
{
    http->bare = true;
}

void http_set_body_max(struct http *http, size_t bytes)
{
    http->body_max = bytes;
}

struct str http_header(struct http *http, const char *lower_case_name)
{
    return http_head_field(&http->head, lower_case_name);
}

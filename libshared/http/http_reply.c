/* http_reply.c - answers: status, headers and body in one write. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/gzip.h"
#include "libshared/http/http_private.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#define HSTS    "Strict-Transport-Security: max-age=63072000\r\n"
#define NOSNIFF "X-Content-Type-Options: nosniff\r\n"

#define PAGE_TYPE           "text/html; charset=utf-8"
#define REFUSAL_HEADERS_MAX 4
#define VARY_PAGE           "Accept, Accept-Language"
#define VARY_OBJECT         "Accept"

static const struct {
    int status;
    const char *text;
} texts[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

const char *http_status_text(int status)
{
    for (size_t i = 0; i < COUNT(texts); i++)
        if (texts[i].status == status) return texts[i].text;
    return "Status";
}

/* "Date: ...\r\n", made anew once a second. */
static struct str date_line(struct http_server *server)
{
    time_t now = (time_t)ev_now(server->loop);
    if (now != server->date_made) {
        struct tm utc;
        gmtime_r(&now, &utc);
        strftime(server->date, sizeof server->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
        server->date_made = now;
    }
    return str_of(server->date);
}

static void add_header(struct buf *out, const char *name, struct str value)
{
    buf_add(out, name, strlen(name));
    buf_add_str(out, STR(": "));
    for (size_t i = 0; i < value.len; i++) /* nobody's text may end the line */
        buf_add_char(out, value.at[i] == '\r' || value.at[i] == '\n' ? ' ' : value.at[i]);
    buf_add_str(out, STR("\r\n"));
}

static void add_cors(struct http *http, struct buf *out, bool compressible)
{
    const struct origins *allowed = http->conn->server->origins;
    struct str origin = http_header(http, "origin");
    const char *also = compressible ? ", Accept-Encoding" : "";
    if (origins_any(allowed)) {
        if (origin.at != NULL) add_header(out, "Access-Control-Allow-Origin", STR("*"));
        if (compressible) add_header(out, "Vary", STR("Accept-Encoding"));
        return;
    }
    bool preflight = str_is(http->head.method, "OPTIONS");
    buf_printf(out, "Vary: Origin%s%s\r\n", preflight ? ", Access-Control-Request-Headers" : "", also);
    if (origin.at == NULL || !origins_allow(allowed, origin)) return;
    add_header(out, "Access-Control-Allow-Origin", origin);
    add_header(out, "Access-Control-Allow-Credentials", STR("true"));
}

static bool status_has_body(int status)
{
    return status != 204 && status != 304;
}

bool http_answer_has_body(const struct http *http, int status)
{
    return status_has_body(status) && !str_is(http->head.method, "HEAD");
}

/* What is left of the body is more than is worth reading, or may never come. */
static bool is_unread(const struct http *http)
{
    const struct http_head *head = &http->head;
    bool small = !head->chunked && !head->expects_continue && head->content_length <= SMALL_BYTES;
    return !http_body_is_done(&http->decoder) && !small;
}

static void add_length(struct buf *out, const struct http_answer *a)
{
    if (a->chunked)
        buf_add_str(out, STR("Transfer-Encoding: chunked\r\n"));
    else if (a->length >= 0)
        buf_printf(out, "Content-Length: %lld\r\n", (long long)a->length);
}

static void add_connection(const struct http *http, struct buf *out)
{
    if (!http->keep_alive)
        buf_add_str(out, STR("Connection: close\r\n"));
    else if (http->head.minor == 0)
        buf_add_str(out, STR("Connection: keep-alive\r\n"));
}

/* What an answer says itself is not said of its mount. */
static bool is_said(struct str line, const struct http_answer *a)
{
    struct str name = str_cut(&line, ':');
    for (size_t i = 0; i < a->n_extra; i++)
        if (str_is(name, a->extra[i].name)) return true;
    return false;
}

static void add_mounts(const struct http *http, struct buf *out, const struct http_answer *a)
{
    struct str rest = http->mount != NULL ? str_of(http->mount->handler->headers) : STR_NONE;
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        if (line.len == 0 || is_said(line, a)) continue;
        buf_add_str(out, line);
        buf_add_str(out, STR("\r\n"));
    }
}

void http_answer_head(struct http *http, const struct http_answer *a)
{
    struct conn *conn = http->conn;
    struct buf *out = &conn->out;
    if (is_unread(http) || conn->server->leaving) http->keep_alive = false;
    buf_printf(out, "HTTP/1.1 %d %s\r\n", a->status, http_status_text(a->status));
    buf_add_str(out, date_line(conn->server));
    if (a->content_type != NULL) add_header(out, "Content-Type", str_of(a->content_type));
    if (status_has_body(a->status)) add_length(out, a);
    if (a->gzipped) buf_add_str(out, STR("Content-Encoding: gzip\r\n"));
    if (origins_exist(conn->server->origins)) add_cors(http, out, a->compressible);
    buf_add_str(out, STR(NOSNIFF));
    if (conn->tls) buf_add_str(out, STR(HSTS));
    add_mounts(http, out, a);
    for (size_t i = 0; i < a->n_extra; i++) add_header(out, a->extra[i].name, a->extra[i].value);
    add_connection(http, out);
    buf_add_str(out, STR("\r\n"));
    http->state = HTTP_REPLY;
    http->written_mark = conn->written;
    conn->held = false;
    conn_timer(conn, REPLY_SECONDS);
    conn_pause(conn);
}

void http_reply(struct http *http, int status, const char *content_type, struct str body,
    const struct http_header_out *extra, size_t n_extra)
{
    struct conn *conn = http->conn;
    struct http_answer a = { status, content_type, (int64_t)body.len, extra, n_extra, .compressible = false };
    struct buf packed = BUF(body.len);
    a.compressible = gzip_is_worth_it(content_type, body.len, extra, n_extra);
    if (a.compressible && conn->server->config.compress &&
        coding_weight(http_header(http, "accept-encoding"), "gzip") > 0 && gzip_pack(body, &packed)) {
        a.gzipped = true;
        body = buf_str(&packed);
        a.length = (int64_t)body.len;
    }
    buf_reserve(&conn->out, 512 + body.len);
    http_answer_head(http, &a);
    if (http_answer_has_body(http, status)) buf_add_str(&conn->out, body);
    buf_free(&packed);
    conn_hold_anyway(conn);
    http->replied = true;
    conn_flush(conn);
}

void http_raw(struct conn *conn, const char *head, struct str body)
{
    buf_printf(&conn->out, "%sContent-Length: %zu\r\n\r\n", head, body.len);
    buf_add_str(&conn->out, body);
    conn_linger(conn);
}

/* What is wrong with a request that no route has seen. */
static enum err err_of(int status)
{
    switch (status) {
    case 404: return ERR_NO_ROUTE;
    case 405: return ERR_METHOD_NOT_ALLOWED;
    case 408: return ERR_DEADLINE;
    case 413: return ERR_TOO_LARGE;
    case 414:
    case 431: return ERR_HEADERS_TOO_LARGE;
    case 429: return ERR_RATE_LIMITED;
    case 503: return ERR_OVERLOADED;
    default: return ERR_MALFORMED;
    }
}

static struct str refusal_text(struct arena *arena, enum err e, const char *why)
{
    return arena_printf(
        arena, "{\"success\":false,\"error\":{\"code\":\"%s\",\"message\":\"%s\",\"details\":{}}}", err_code(e), why);
}

/* What is said of a status that no interface knows a better word for. */
static const char *reason_of(enum err e, int status)
{
    bool is_plain = e == ERR_MALFORMED || e == ERR_RATE_LIMITED; /* the status says it as well as any text of ours */
    return is_plain ? http_status_text(status) : err_text(e);
}

static bool is_for_person(struct str accept)
{
    return accept.len > 0 && memmem(accept.at, accept.len, "text/html", 9) != NULL;
}

bool http_wants_page(struct http *http)
{
    return is_for_person(http_header(http, "accept"));
}

/* In the reader's language. */
struct refused {
    int status;
    enum err e;
    struct str accept, languages;
};

/* false: it is answered with an object. */
static bool make_page(
    const struct conn *conn, struct arena *arena, const struct refused *refused, struct http_refusal_page *out)
{
    const struct http_server_config *config = &conn->server->config;
    if (config->refusal_page == NULL || !is_for_person(refused->accept)) return false;
    config->refusal_page(arena, refused->status, err_code(refused->e), refused->languages, out);
    return true;
}

/* A refusal is of this moment; and what it is like depends on who reads it, if there are pages. */
static size_t add_refusal_headers(const struct http *http, struct http_header_out *headers,
    const struct http_header_out *extra, size_t n_extra, bool is_page)
{
    size_t n = 0;
    assert(n_extra <= REFUSAL_HEADERS_MAX);
    for (; n < n_extra; n++) headers[n] = extra[n];
    headers[n++] = (struct http_header_out){ "Cache-Control", STR("no-store") };
    if (http->conn->server->config.refusal_page != NULL)
        headers[n++] = (struct http_header_out){ "Vary", is_page ? STR(VARY_PAGE) : STR(VARY_OBJECT) };
    return n;
}

static void reply_page(struct http *http, int status, const struct http_refusal_page *page,
    const struct http_header_out *extra, size_t n_extra)
{
    struct http_header_out headers[REFUSAL_HEADERS_MAX + 3];
    size_t n = add_refusal_headers(http, headers, extra, n_extra, true);
    headers[n++] = (struct http_header_out){ "Content-Security-Policy", str_of(page->policy) };
    http_reply(http, status, PAGE_TYPE, page->html, headers, n);
}

void http_reply_refusal(struct http *http, int status, const struct http_header_out *extra, size_t n_extra)
{
    const struct refused refused = { status, err_of(status), http_header(http, "accept"),
        http_header(http, "accept-language") };
    struct http_refusal_page page;
    if (make_page(http->conn, http->arena, &refused, &page)) {
        reply_page(http, status, &page, extra, n_extra);
        return;
    }
    struct http_header_out headers[REFUSAL_HEADERS_MAX + 2];
    size_t n = add_refusal_headers(http, headers, extra, n_extra, false);
    struct str json = refusal_text(http->arena, refused.e, reason_of(refused.e, status));
    http_reply(http, status, "application/json", json, headers, n);
}

/* --- before there is a request, or in the middle of its body: an answer, then the end --- */

/* Of the head, as much of it as there is. */
static struct str peek_field(const struct conn *conn, const char *name)
{
    const struct http *http = conn->state;
    return http_head_peek(http != NULL && http->text.len > 0 ? http->text : buf_str(&conn->in), name);
}

static void refuse_with(struct conn *conn, enum err e, int status, const char *why)
{
    /* bound: texts of ours, and a page of them */
    struct arena *arena = arena_create("refusal", 32768);
    const struct http *http = conn->state;
    const struct refused refused = { status, e, peek_field(conn, "accept"), peek_field(conn, "accept-language") };
    struct http_refusal_page page;
    const char *more = "Content-Type: application/json\r\nCache-Control: no-store\r\nVary: " VARY_OBJECT "\r\n";
    struct str body = STR_NONE;
    if (http != NULL && http->bare) {
        more = "";
    } else if (make_page(conn, arena, &refused, &page)) {
        body = page.html;
        more = arena_printf(arena,
            "Content-Type: " PAGE_TYPE "\r\nContent-Security-Policy: %s\r\nCache-Control: no-store\r\nVary: " VARY_PAGE
            "\r\n",
            page.policy)
                   .at;
    } else {
        body = refusal_text(arena, e, why);
    }
    struct str head = arena_printf(arena, "HTTP/1.1 %d %s\r\nConnection: close\r\n" NOSNIFF "%s%s", status,
        http_status_text(status), conn->tls ? HSTS : "", more);
    http_raw(conn, head.at, body);
    arena_destroy(&arena);
}

void http_refuse(struct conn *conn, int status)
{
    refuse_with(conn, err_of(status), status, reason_of(err_of(status), status));
}

void http_refuse_as(struct conn *conn, enum err e)
{
    refuse_with(conn, e, err_status(e), err_text(e));
}

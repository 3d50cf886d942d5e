/* fuzz_http.c - whatever a connection brings before it is a WebSocket: heads, bodies, chunks, pipelined requests.
 *
 * The first byte says how small the pieces are, the second whether the socket is slow.  However the bytes are cut,
 * the same requests are seen, the same answers go out, and each request is answered or given up, once. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/gzip.h"
#include "libshared/http/websocket/ws_deflate.h"
#include "tests/fuzz/connection.h"

#define MAX_BYTES 65536

static struct http_server *server;
static struct buf *seen;  /* what the handler was told, in its order */
static struct http *held; /* a request to /hold, which waits until all bytes are in */
static int open_requests;

/* --- the handler --- */

static void note(const char *what, struct str text)
{
    buf_printf(seen, "%s %zu ", what, text.len);
    buf_add_str(seen, text);
    buf_add_char(seen, '\n');
}

static void is_strict(struct http *http)
{
    const struct http_head *head = &http->head;

    PROMISE(head->method.len > 0 && head->path.len > 0 && head->n_fields <= HTTP_FIELDS_MAX);
    PROMISE(!(head->chunked && head->content_length >= 0));
    for (size_t i = 0; i < head->n_fields; i++)
        for (size_t k = 0; k < head->fields[i].value.len; k++) {
            unsigned char c = (unsigned char)head->fields[i].value.at[k];
            PROMISE((c >= 0x20 && c != 0x7f) || c == '\t');
        }
    PROMISE(memchr(head->path.at, '?', head->path.len) == NULL);
}

static int begin(void *arg, struct http *http)
{
    struct str p;

    (void)arg;
    is_strict(http);
    note("method", http_method(http));
    note("path", http_path(http));
    note("query", http_query(http));
    note("address", http_address(http));
    for (size_t i = 0; i < http->head.n_fields; i++) note("field", http->head.fields[i].value);
    coding_weight(http_header(http, "accept-encoding"), "gzip");
    if (http_param(http, "sid", &p)) note("sid", p);
    if (http_param(http, "t", &p)) PROMISE(p.len <= http_query(http).len);
    if (str_is(http_path(http), "/refused")) return 403;
    if (str_is(http_path(http), "/small")) http_set_body_max(http, 10);
    if (str_is(http_path(http), "/bare")) http_refuse_bare(http);
    open_requests++;
    if (str_is(http_path(http), "/later")) { /* somebody has to be asked first */
        resting = http;
        http_pause(http, true);
    }
    return 0;
}

static void reply(struct http *http)
{
    open_requests--;
    http_reply(http, 200, "text/plain", http_body(http), NULL, 0);
}

static void ready(void *arg, struct http *http)
{
    (void)arg;
    PROMISE(http_body(http).len <= 4096);
    note("body", http_body(http));
    if (str_is(http_path(http), "/hold"))
        held = http;
    else
        reply(http);
}

static void given_up(void *arg, struct http *http)
{
    (void)arg;
    open_requests--;
    if (resting == http) resting = NULL;
    if (held == http) held = NULL;
}

static int no_sockets(void *arg, struct http *http, struct str *body)
{
    (void)arg;
    struct str origin = http_header(http, "origin");
    PROMISE(origin.at == NULL || str_is(origin, "https://good.example") ||
            origin_is_host(origin, http_header(http, "host")));
    note("upgrade", http_path(http));
    ws_deflate_is_offered(http_header(http, "sec-websocket-extensions"));
    *body = STR("not here");
    return 400;
}

/* --- the same in pieces: /stream rests after each, and answers with as many bytes as came, up to a thousand --- */

static size_t streamed, to_send;

static int begin_stream(void *arg, struct http *http)
{
    int refused = begin(arg, http);
    streamed = 0;
    return refused;
}

static void stream_data(void *arg, struct http *http, struct str bytes)
{
    (void)arg;
    PROMISE(bytes.len > 0 && resting == NULL);
    streamed += bytes.len;
    PROMISE(streamed <= 4096);
    buf_add_str(seen, bytes);
    resting = http;
    http_pause(http, true);
}

static void stream_ready(void *arg, struct http *http)
{
    (void)arg;
    PROMISE(resting == NULL && http_body(http).len == 0);
    to_send = streamed < 1000 ? streamed : 1000;
    bool has_body = http_reply_begin(http, 200, NULL, streamed % 2 == 0 ? (int64_t)to_send : -1, NULL, 0);
    if (!has_body) open_requests--;
}

static void stream_writable(void *arg, struct http *http)
{
    static const char zeros[1000];
    (void)arg;
    to_send -= http_write(http, (struct str){ zeros, to_send });
    if (to_send > 0) return;
    open_requests--;
    http_reply_end(http);
}

/* --- both ways --- */

static void answer_held(struct conn *conn)
{
    while (held != NULL) {
        struct http *http = held;
        held = NULL;
        reply(http);
        connection_turn(server, conn);
    }
}

static void bring(struct str bytes, size_t piece, bool slow, struct buf *told, struct buf *sent)
{
    struct conn *conn = connection_open(server, slow);

    seen = told;
    open_requests = 0;
    connection_bring(server, conn, bytes, piece);
    answer_held(conn);
    connection_close(server, conn);
    PROMISE(open_requests == 0 && held == NULL);
    *sent = memory_socket.sent;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ws_handler sockets = { .accept = no_sockets };
    static const struct http_handler handler = { .begin = begin, .ready = ready, .gone = given_up, .ws = &sockets };
    struct buf told[2] = { BUF(SENT_BYTES), BUF(SENT_BYTES) }, sent[2];

    if (size < 2 || size > MAX_BYTES) return 0;
    static const struct http_handler stream = {
        .begin = begin_stream, .data = stream_data, .ready = stream_ready, .writable = stream_writable, .gone = given_up
    };
    if (server == NULL) {
        server = make_server(&handler);
        http_mount(server, "/stream", &stream, NULL);
    }
    struct str bytes = { (const char *)data + 2, size - 2 };
    bring(bytes, MAX_BYTES, false, &told[0], &sent[0]);
    bring(bytes, data[0] + 1u, data[1] & 1, &told[1], &sent[1]);
    PROMISE(str_eq(buf_str(&told[0]), buf_str(&told[1])));
    PROMISE(str_eq(buf_str(&sent[0]), buf_str(&sent[1])));
    PROMISE(sent[0].len == 0 || (sent[0].len > 9 && memcmp(sent[0].at, "HTTP/1.1 ", 9) == 0));
    for (int i = 0; i < 2; i++) {
        buf_free(&told[i]);
        buf_free(&sent[i]);
    }
    return 0;
}

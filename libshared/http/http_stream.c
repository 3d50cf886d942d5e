/* http_stream.c - answers in pieces: no more is asked of a handler than the socket takes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/http_private.h"
#include "libshared/http/transport.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Around one piece in chunked encoding: its size in at most eight digits, and two line ends. */
#define CHUNK_OVERHEAD 12

bool http_reply_begin(struct http *http, int status, const char *content_type, int64_t length,
    const struct http_header_out *extra, size_t n_extra)
{
    bool has_body = http_answer_has_body(http, status);
    bool chunked = length < 0 && http->head.minor > 0;
    struct http_answer answer = { status, content_type, length, extra, n_extra, .chunked = chunked };
    if (length < 0 && !chunked) http->keep_alive = false; /* the end of the connection is the end of the body */
    http_answer_head(http, &answer);
    if (has_body)
        http->stream = (struct http_stream){ .on = true,
            .chunked = chunked,
            .wants = true,
            .measured = length >= 0,
            .left = length >= 0 ? (uint64_t)length : 0 };
    else
        http->replied = true;
    conn_touch(http->conn);
    return has_body;
}

void http_want_write(struct http *http)
{
    http->stream.wants = true;
    conn_touch(http->conn);
}

void http_stream_fill(struct http *http)
{
    if (!http->stream.wants) return;
    http->stream.wants = false;
    http->mount->handler->writable(http->mount->arg, http);
}

static void put_bytes(struct http_server *server, const char *at, size_t len)
{
    memcpy(server->scratch + server->scratch_len, at, len);
    server->scratch_len += len;
}

static size_t room_for_piece(const struct http *http)
{
    const struct conn *conn = http->conn;
    size_t room = TRANSPORT_WRITE_MAX - conn->server->scratch_len, around = http->stream.chunked ? CHUNK_OVERHEAD : 0;
    return conn->out.len > 0 || room <= around ? 0 : room - around;
}

size_t http_write(struct http *http, struct str bytes)
{
    struct http_server *server = http->conn->server;
    struct http_stream *stream = &http->stream;
    char size[CHUNK_OVERHEAD];
    size_t room = room_for_piece(http), n = bytes.len < room ? bytes.len : room;
    assert(stream->on && server->filling && (!stream->measured || bytes.len <= stream->left));
    if (n < bytes.len) stream->wants = true;
    if (n == 0) return 0;
    if (stream->chunked) put_bytes(server, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", n));
    put_bytes(server, bytes.at, n);
    if (stream->chunked) put_bytes(server, "\r\n", 2);
    if (stream->measured) stream->left -= n;
    return n;
}

void http_reply_end(struct http *http)
{
    assert(http->stream.on && http->stream.left == 0);
    if (http->stream.chunked) buf_add_str(&http->conn->out, STR("0\r\n\r\n"));
    http->stream.on = false;
    http->replied = true;
    conn_touch(http->conn);
}

void http_abort(struct http *http)
{
    conn_doom(http->conn);
}

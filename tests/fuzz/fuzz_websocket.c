/* fuzz_websocket.c - whatever a client sends behind its upgrade: frames, fragments, masks, text, deflate, closes.
 *
 * The first byte says how small the pieces are, the second whether the socket is slow (1), deflate is agreed (2), and
 * the server closes at the second message (4).  However the bytes are cut, the same messages come up, and what goes
 * out are well-formed frames: an echo of each message, a pong for each ping, and at most one Close, the last of all. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/websocket/ws_deflate.h"
#include "libshared/http/ws_private.h"
#include "tests/fuzz/connection.h"

/* So few that no pong is dropped for want of room. */
#define MAX_BYTES   16384
#define MAX_MESSAGE 4096
#define PACKED      0x40

static const char upgrade[] = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
static const char deflate[] = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

static struct http_server *server;
static struct buf *told;  /* messages that came up: opcode, length, bytes */
static struct buf echoes; /* frames that wait to go down */
static size_t echoed;
static bool is_open, closes;
static int messages;

/* --- the handler --- */

static int welcome(void *arg, struct http *http, struct str *body)
{
    (void)arg, (void)http, (void)body;
    return 0;
}

static void opened(void *arg, struct ws *ws, struct http *http)
{
    (void)arg, (void)ws, (void)http;
    is_open = true;
}

static void add_message(struct buf *out, bool binary, struct str bytes)
{
    buf_printf(out, "%d %zu ", binary, bytes.len);
    buf_add_str(out, bytes);
}

/* utf8_is_valid() takes no NUL, which a WebSocket may carry. */
static bool is_text(struct str bytes)
{
    size_t nul;
    for (; str_find(bytes, '\0', &nul); bytes = str_skip(bytes, nul + 1))
        if (!utf8_is_valid(bytes.at, nul)) return false;
    return utf8_is_valid(bytes.at, bytes.len);
}

static void message(void *arg, struct ws *ws, bool binary, struct str bytes)
{
    char header[WS_HEADER_MAX];

    (void)arg;
    PROMISE(is_open && bytes.len <= MAX_MESSAGE);
    PROMISE(binary || is_text(bytes));
    add_message(told, binary, bytes);
    buf_add(&echoes, header, ws_frame_header(header, binary, bytes.len));
    buf_add_str(&echoes, bytes);
    ws_want_write(ws);
    if (++messages == 2 && closes) ws_close(ws, 1001, "enough");
}

/* Header and payload of the frame that begins here. */
static size_t frame_length(const struct buf *from, size_t at, size_t *header)
{
    const unsigned char *b = (const unsigned char *)from->at + at;
    size_t n = b[1] & 127;

    *header = n == 126 ? 4 : 2;
    return *header + (n == 126 ? (size_t)b[2] << 8 | b[3] : n);
}

static void writable(void *arg, struct ws *ws)
{
    size_t header;

    (void)arg;
    PROMISE(is_open);
    while (echoed < echoes.len) {
        size_t n = frame_length(&echoes, echoed, &header);
        if (!ws_put_frame(ws, (struct str){ echoes.at + echoed, n })) return;
        echoed += n;
    }
}

static void closed(void *arg, struct ws *ws)
{
    (void)arg, (void)ws;
    PROMISE(is_open);
    is_open = false;
}

/* --- what went out --- */

struct heard_frames {
    struct buf echoes, pongs;
    int code; /* of the Close frame; 0: none, 1005: one without a code */
};

static struct str unpacked(struct str payload, struct buf *plain)
{
    PROMISE(ws_inflate(payload, plain));
    return buf_str(plain);
}

static void hear_frame(struct heard_frames *heard, unsigned char first, struct str payload)
{
    struct buf plain = BUF(MAX_MESSAGE);

    PROMISE(heard->code == 0 && (first & 0x80));
    switch (first & 0x0f) {
    case WS_TEXT:
    case WS_BINARY:
        if (first & PACKED) payload = unpacked(payload, &plain);
        add_message(&heard->echoes, (first & 0x0f) == WS_BINARY, payload);
        break;
    case WS_PONG: add_message(&heard->pongs, true, payload); break;
    default:
        PROMISE(first == (0x80 | WS_CLOSE) && payload.len != 1);
        heard->code = payload.len == 0 ? 1005 : (unsigned char)payload.at[0] << 8 | (unsigned char)payload.at[1];
        PROMISE(payload.len == 0 || ws_close_code_is_valid(heard->code));
    }
    buf_free(&plain);
}

static void hear(const struct buf *sent, struct heard_frames *heard)
{
    const char *end = sent->len > 0 ? memmem(sent->at, sent->len, "\r\n\r\n", 4) : NULL;
    size_t header;

    PROMISE(end != NULL && memcmp(sent->at, "HTTP/1.1 101 ", 13) == 0);
    for (size_t at = (size_t)(end - sent->at) + 4, n; at < sent->len; at += n) {
        n = frame_length(sent, at, &header);
        PROMISE(at + n <= sent->len);
        hear_frame(heard, (unsigned char)sent->at[at], (struct str){ sent->at + at + header, n - header });
    }
}

/* --- both ways --- */

static void bring(struct str bytes, size_t piece, unsigned how, struct buf *came, struct heard_frames *heard)
{
    struct conn *conn = connection_open(server, how & 1);
    struct buf head = BUF(1024);

    told = came;
    messages = 0;
    closes = how & 4;
    buf_printf(&head, "%s%s\r\n", upgrade, how & 2 ? deflate : "");
    connection_bring(server, conn, buf_str(&head), head.len);
    connection_bring(server, conn, bytes, piece);
    connection_close(server, conn);
    PROMISE(!is_open);
    hear(&memory_socket.sent, heard);
    buf_free(&head);
    buf_free(&memory_socket.sent);
    buf_free(&echoes);
    echoes = BUF(SENT_BYTES);
    echoed = 0;
}

static bool begins(const struct buf *whole, const struct buf *part)
{
    return part->len <= whole->len && (part->len == 0 || memcmp(whole->at, part->at, part->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ws_handler sockets = {
        .accept = welcome, .open = opened, .message = message, .writable = writable, .closed = closed
    };
    static const struct http_handler handler = { .ws = &sockets };
    struct buf came[2] = { BUF(SENT_BYTES), BUF(SENT_BYTES) };
    struct heard_frames heard[2];

    if (size < 2 || size > MAX_BYTES) return 0;
    if (server == NULL) {
        server = make_server(&handler);
        server->config.deflate = true;
        echoes = BUF(SENT_BYTES);
    }
    struct str bytes = { (const char *)data + 2, size - 2 };
    for (int i = 0; i < 2; i++) {
        heard[i] = (struct heard_frames){ BUF(SENT_BYTES), BUF(SENT_BYTES), 0 };
        bring(bytes, i == 0 ? MAX_BYTES : data[0] + 1u, i == 0 ? data[1] & 6u : data[1], &came[i], &heard[i]);
        /* A Close of ours goes out at once: what waited for a slow reader then stays behind. */
        PROMISE(begins(&came[i], &heard[i].echoes));
        PROMISE(heard[i].code != 0 || came[i].len == heard[i].echoes.len);
    }
    PROMISE(str_eq(buf_str(&came[0]), buf_str(&came[1])));
    PROMISE(str_eq(buf_str(&heard[0].pongs), buf_str(&heard[1].pongs)));
    PROMISE(heard[0].code == heard[1].code);
    for (int i = 0; i < 2; i++) {
        buf_free(&came[i]);
        buf_free(&heard[i].echoes);
        buf_free(&heard[i].pongs);
    }
    return 0;
}

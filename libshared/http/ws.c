/* ws.c - WebSockets: messages up, ready-made frames down, and the closing handshake. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/turn.h"
#include "libshared/http/transport.h"
#include "libshared/http/websocket/ws_deflate.h"
#include "libshared/http/ws_private.h"

#include <assert.h>
#include <string.h>

#define INFLATED_BYTES 65536
#define INFLATED_RATIO 100

static void tell_closed(struct ws *ws)
{
    if (ws->told) return;
    ws->told = true;
    ws->handler->closed(ws->arg, ws);
}

static void on_gone(struct conn *conn)
{
    struct ws *ws = conn->state;
    tell_closed(ws);
    conn->state = NULL;
    buf_free(&ws->message);
    buf_free(&ws->control);
    mem_free(ws);
}

/* Not OK: there is no room for a message that has not come whole. */
static enum err count_bytes(struct ws *ws)
{
    return conn_gather(ws->conn, ws->message.cap + ws->control.cap);
}

/* Pongs to a peer that does not read them are bounded by the buffer: the rest is dropped. */
static void add_control(struct ws *ws, int opcode, struct str payload)
{
    char header[2] = { (char)(0x80 | opcode), (char)payload.len };
    if (ws->control.len + sizeof header + payload.len > ws->control.max) return;
    buf_add(&ws->control, header, sizeof header);
    buf_add_str(&ws->control, payload);
    ws->conn->gathered = ws->message.cap + ws->control.cap;
    conn_hold_anyway(ws->conn);
    conn_touch(ws->conn);
}

static void say_close(struct ws *ws, int code, const char *reason)
{
    char payload[125];
    size_t len = strlen(reason) < 123 ? strlen(reason) : 123;
    bool empty = code == 0 || code == 1005;
    if (ws->close_sent) return;
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    memcpy(payload + 2, reason, len);
    if (ws->control.len > 0 && ws->control.len + 127 > ws->control.max)
        buf_clear(&ws->control); /* the Close frame matters more than the pongs */
    add_control(ws, WS_CLOSE, (struct str){ payload, empty ? 0 : len + 2 });
    ws->close_sent = true;
    ws->conn->silent = false;
    buf_free(&ws->message);
    ws->conn->gathered = ws->control.cap;
    conn_hold_anyway(ws->conn);
    conn_timer(ws->conn, LINGER_SECONDS);
}

void ws_close(struct ws *ws, int code, const char *reason)
{
    say_close(ws, code, reason);
}

/* --- reading --- */

static void fail_socket(struct ws *ws, int code, const char *why)
{
    conn_flush(ws->conn); /* the answers to what came before */
    say_close(ws, code, why);
    tell_closed(ws);
}

static void peer_closes(struct ws *ws, struct str payload)
{
    uint32_t utf8 = 0;
    conn_flush(ws->conn);
    ws->close_received = true;
    if (ws->close_sent) {
        conn_touch(ws->conn);
    } else if (payload.len == 0) {
        say_close(ws, 0, "");
    } else {
        int code = payload.len == 1 ? 0 : (unsigned char)payload.at[0] << 8 | (unsigned char)payload.at[1];
        bool text = payload.len > 2 ? ws_utf8(&utf8, payload.at + 2, payload.len - 2) && utf8 == 0 : true;
        if (!ws_close_code_is_valid(code))
            say_close(ws, 1002, "close code");
        else
            say_close(ws, text ? code : 1007, "");
    }
    tell_closed(ws);
}

static void count_frame(struct ws *ws, const struct ws_piece *piece)
{
    bool ends_message = piece->kind == WS_PIECE_DATA && piece->last;
    if (!piece->whole || ends_message || ws->close_sent || ws->handler->frame == NULL) return;
    ws->handler->frame(ws->arg, ws);
}

static void control_came(struct ws *ws, const struct ws_piece *piece)
{
    if (piece->opcode == WS_CLOSE)
        peer_closes(ws, piece->bytes);
    else if (piece->opcode == WS_PING && !ws->close_sent)
        add_control(ws, WS_PONG, piece->bytes);
}

static void deliver_message(struct ws *ws, uint8_t opcode, struct str bytes)
{
    struct turn_span span = turn_enter();
    ws->handler->message(ws->arg, ws, opcode == WS_BINARY, bytes);
    turn_leave(span, STR("websocket"));
}

/* Text of programs packs to a tenth; what packs to less than a hundredth is made to be large here and small on its way. */
static size_t inflated_max(const struct ws *ws, size_t packed)
{
    size_t max = INFLATED_BYTES + packed * INFLATED_RATIO;

    return max < ws->message_max ? max : ws->message_max;
}

static void deliver_packed(struct ws *ws, uint8_t opcode, struct str packed)
{
    struct buf plain = BUF(inflated_max(ws, packed.len));
    uint32_t utf8 = 0;
    if (!ws_inflate(packed, &plain))
        fail_socket(ws, plain.over ? 1009 : 1007, plain.over ? "a message too large" : "not deflate");
    else if (opcode == WS_TEXT && (!ws_utf8(&utf8, plain.at, plain.len) || utf8 != 0))
        fail_socket(ws, 1007, "text that is not UTF-8");
    else
        deliver_message(ws, opcode, buf_str(&plain));
    buf_free(&plain);
}

static void data_came(struct ws *ws, const struct ws_piece *piece)
{
    struct str whole = piece->bytes;
    if (ws->close_sent) return;
    if (!piece->last || ws->message.len > 0) {
        buf_add_str(&ws->message, piece->bytes);
        whole = buf_str(&ws->message);
    }
    enum err e = piece->last ? OK : count_bytes(ws);
    if (e != OK) fail_socket(ws, e == ERR_TOO_LARGE ? 1009 : 1013, "too much is under way");
    if (!piece->last) return;
    /* Out of the socket's hands first: what is called now may close it. */
    struct buf taken = ws->message;
    ws->message = BUF(ws->message_max);
    if (piece->compressed)
        deliver_packed(ws, piece->opcode, whole);
    else
        deliver_message(ws, piece->opcode, whole);
    buf_free(&taken);
    ws->conn->gathered = ws->message.cap + ws->control.cap;
    conn_hold_anyway(ws->conn);
}

static void on_bytes(struct conn *conn, char *at, size_t len)
{
    struct ws *ws = conn->state;
    while (!ws->close_received && !conn->doomed) {
        if (conn->held || conn->ahead) {
            conn_keep(conn, at, len);
            return;
        }
        struct ws_piece piece = ws_frame_read(&ws->reader, &at, &len, ws->deflate, ws->message.len, ws->message_max);
        if (piece.kind == WS_PIECE_MORE) return;
        count_frame(ws, &piece);
        if (piece.kind == WS_PIECE_DATA) {
            data_came(ws, &piece);
        } else if (piece.kind == WS_PIECE_CONTROL) {
            control_came(ws, &piece);
        } else {
            fail_socket(ws, piece.code, piece.why);
            conn_linger(conn); /* no frame can be found in what follows */
            return;
        }
    }
}

/* --- writing --- */

static bool is_over(const struct ws *ws)
{
    return ws->close_sent && ws->control.len == 0;
}

static void on_writable(struct conn *conn)
{
    struct ws *ws = conn->state;
    struct http_server *server = conn->server;
    if (ws->control.len > 0 && server->scratch_len + ws->control.len <= TRANSPORT_WRITE_MAX) {
        memcpy(server->scratch + server->scratch_len, ws->control.at, ws->control.len);
        server->scratch_len += ws->control.len;
        buf_free(&ws->control);
        conn->gathered = ws->message.cap;
        conn_hold_anyway(conn);
    }
    if (ws->wants && !ws->close_sent) {
        ws->wants = false;
        ws->handler->writable(ws->arg, ws);
    }
    if (is_over(ws) && ws->close_received && !conn->lingering && conn->out.len == 0) conn_linger(conn);
}

static void on_evicted(struct conn *conn)
{
    say_close(conn->state, 1013, "holds too much");
    conn_flush(conn);
}

static const struct conn_protocol ws_protocol = { on_bytes, on_writable, conn_linger, on_gone, on_evicted };

struct ws *ws_begin(struct conn *conn, const struct ws_handler *handler, void *arg, bool deflate)
{
    struct ws *ws = mem_zero(sizeof *ws);
    ws->conn = conn;
    ws->handler = handler;
    ws->arg = arg;
    ws->message_max = conn->server->config.message_max;
    ws->message = BUF(ws->message_max);
    ws->control = BUF(CONTROL_BYTES);
    ws->deflate = deflate;
    conn->protocol = &ws_protocol;
    conn->state = ws;
    conn_timer(conn, 0);
    return ws;
}

void ws_want_write(struct ws *ws)
{
    ws->wants = true;
    conn_touch(ws->conn);
}

void ws_flush(struct ws *ws)
{
    ws->wants = true;
    conn_flush(ws->conn);
}

static bool put_bytes(struct ws *ws, struct str bytes)
{
    struct conn *conn = ws->conn;
    struct http_server *server = conn->server;
    if (conn->out.len == 0 && bytes.len <= TRANSPORT_WRITE_MAX - server->scratch_len) {
        memcpy(server->scratch + server->scratch_len, bytes.at, bytes.len);
        server->scratch_len += bytes.len;
        return true;
    }
    ws->wants = true;
    if (conn->out.len > 0 || bytes.len <= TRANSPORT_WRITE_MAX) return false;
    buf_add_str(&conn->out, bytes);
    conn_hold_anyway(conn);
    return true;
}

static size_t header_length(struct str frame)
{
    int n = frame.at[1] & 127;
    return n == 127 ? 10 : n == 126 ? 4 : 2;
}

/* Not where it is called from: its buffers would cost each frame a guard of the stack. */
__attribute__((noinline)) static bool put_packed(struct ws *ws, struct str frame)
{
    struct str payload = str_skip(frame, header_length(frame));
    struct buf packed = BUF(SIZE_MAX);
    char header[WS_HEADER_MAX];
    buf_reserve(&packed, payload.len);
    packed.len = WS_HEADER_MAX;
    ws_deflate(payload, &packed);
    size_t n = ws_frame_header(header, (frame.at[0] & 15) == WS_BINARY, packed.len - WS_HEADER_MAX);
    header[0] |= 0x40;
    memcpy(packed.at + WS_HEADER_MAX - n, header, n);
    bool taken = put_bytes(ws, str_skip(buf_str(&packed), WS_HEADER_MAX - n));
    buf_free(&packed);
    return taken;
}

bool ws_put_frame(struct ws *ws, struct str frame)
{
    if (ws->deflate && frame.len >= WS_DEFLATE_LEAST) return put_packed(ws, frame);
    return put_bytes(ws, frame);
}

void ws_pause(struct ws *ws, bool pause)
{
    ws->conn->held = pause;
    if (!pause) conn_resume(ws->conn);
    conn_pause(ws->conn);
}

void ws_silence(struct ws *ws, bool silent)
{
    ws->conn->silent = silent;
    if (!silent) conn_touch(ws->conn);
}

bool ws_is_blocked(const struct ws *ws)
{
    return ws->conn->blocked || ws->conn->out.len > 0;
}

void ws_set_message_max(struct ws *ws, size_t bytes)
{
    size_t most = ws->conn->server->config.message_max;

    ws->message_max = bytes < most ? bytes : most;
    ws->message.max = ws->message_max;
}

struct holding *ws_holding(struct ws *ws)
{
    return &ws->conn->holding;
}
void ws_set_user(struct ws *ws, void *user)
{
    ws->user = user;
}
void *ws_user(const struct ws *ws)
{
    return ws->user;
}
struct str ws_address(const struct ws *ws)
{
    return str_of(ws->conn->address);
}
const struct in6_addr *ws_limited(const struct ws *ws)
{
    return ws->conn->counted ? &ws->conn->client : NULL;
}

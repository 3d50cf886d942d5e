/* ws_frame.c - reading a client's WebSocket frames (RFC 6455 5), and the header of ours. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/websocket/ws_frame.h"

#include "libshared/http/http_server.h"

#include <string.h>

#define FIN  0x80
#define RSV  0x70
#define RSV1 0x40
#define MASK 0x80

size_t ws_frame_header(char out[WS_HEADER_MAX], bool binary, size_t payload_len)
{
    out[0] = (char)(FIN | (binary ? WS_BINARY : WS_TEXT));
    if (payload_len < 126) {
        out[1] = (char)payload_len;
        return 2;
    }
    size_t bytes = payload_len < 65536 ? 2 : 8;
    out[1] = bytes == 2 ? 126 : 127;
    for (size_t i = 0; i < bytes; i++) out[1 + bytes - i] = (char)(payload_len >> (8 * i));
    return 2 + bytes;
}

bool ws_close_code_is_valid(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

/* The state is: bytes still to come (2 bits), and the least and greatest value of the next one. */
static uint32_t expecting(uint32_t more, uint32_t least, uint32_t most)
{
    return more | least << 8 | most << 16;
}

static bool lead_byte(uint32_t *state, unsigned char c)
{
    if (c < 0x80)
        *state = 0;
    else if (c >= 0xc2 && c <= 0xdf)
        *state = expecting(1, 0x80, 0xbf);
    else if ((c & 0xf0) == 0xe0)
        *state = expecting(2, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf);
    else if (c >= 0xf0 && c <= 0xf4)
        *state = expecting(3, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf);
    else
        return false;
    return true;
}

static bool next_byte(uint32_t *state, unsigned char c)
{
    if (*state == 0) return lead_byte(state, c);
    uint32_t more = (*state & 3) - 1;
    if (c < (*state >> 8 & 0xff) || c > *state >> 16) return false;
    *state = more == 0 ? 0 : expecting(more, 0x80, 0xbf);
    return true;
}

static inline bool is_ascii(const char *at, size_t words)
{
    uint64_t all = 0, word;
    for (size_t i = 0; i < words; i++) {
        memcpy(&word, at + i * sizeof word, sizeof word);
        all |= word;
    }
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

bool ws_utf8(uint32_t *state, const char *at, size_t len)
{
    if (len == 0) return true; /* there may be no bytes to point at */
    const char *end = at + len;
    while (at < end) {
        if (*state == 0 && end - at >= 32 && is_ascii(at, 4)) {
            at += 32;
            continue;
        }
        if (*state == 0 && end - at >= 8 && is_ascii(at, 1)) {
            at += 8;
            continue;
        }
        if (!next_byte(state, (unsigned char)*at++)) return false;
    }
    return true;
}

static struct ws_piece bad(int code, const char *why)
{
    return (struct ws_piece){ .kind = WS_PIECE_BAD, .code = code, .why = why };
}

static struct ws_piece more(void)
{
    return (struct ws_piece){ .kind = WS_PIECE_MORE };
}

/* Takes header bytes until there are `need`. */
static bool gather_header(struct ws_frame_reader *r, char **at, size_t *len)
{
    while (r->have<r->need && * len> 0) {
        r->header[r->have++] = (unsigned char)*(*at)++;
        --*len;
    }
    return r->have == r->need;
}

/* What the first two bytes alone make wrong. */
static const char *first_bytes_are_wrong(const struct ws_frame_reader *r, bool allow_compressed)
{
    unsigned char op = r->header[0] & 15, rsv = r->header[0] & RSV;
    bool control = op & 8, fin = r->header[0] & FIN;
    bool may_be_compressed = allow_compressed && (op == WS_TEXT || op == WS_BINARY);

    if (rsv & ~(may_be_compressed ? RSV1 : 0)) return "reserved bits";
    if ((op > WS_BINARY && op < WS_CLOSE) || op > WS_PONG) return "unknown opcode";
    if (!(r->header[1] & MASK)) return "a frame that is not masked";
    if (control && (!fin || (r->header[1] & 127) > 125)) return "a control frame in pieces";
    if (!control && (op == WS_CONTINUATION) != (r->message != 0))
        return op == WS_CONTINUATION ? "a continuation of nothing" : "a message within a message";
    return NULL;
}

static uint64_t payload_length(const struct ws_frame_reader *r)
{
    uint64_t n = r->header[1] & 127;
    size_t bytes = n == 126 ? 2 : n == 127 ? 8 : 0;
    for (size_t i = 0; i < bytes; i++) n = (i == 0 ? 0 : n << 8) | r->header[2 + i];
    return n;
}

static void begin_payload(struct ws_frame_reader *r)
{
    r->fin = r->header[0] & FIN;
    r->opcode = r->header[0] & 15;
    if (r->opcode == WS_TEXT || r->opcode == WS_BINARY) {
        r->message = r->opcode;
        r->compressed = r->header[0] & RSV1;
        r->utf8 = 0;
    }
    r->left = payload_length(r);
    r->in_payload = true;
    r->mask_at = 0;
    r->control_len = 0;
}

/* NULL once the header is whole; else what to say until then. */
static bool read_header(struct ws_frame_reader *r, char **at, size_t *len, bool allow_compressed, struct ws_piece *out)
{
    if (r->have < 2) {
        r->need = 2;
        *out = more();
        if (!gather_header(r, at, len)) return false;
        const char *why = first_bytes_are_wrong(r, allow_compressed);
        if (why != NULL) {
            *out = bad(1002, why);
            return false;
        }
        unsigned n = r->header[1] & 127;
        r->need = (uint8_t)(6 + (n == 126 ? 2 : n == 127 ? 8 : 0));
    }
    *out = more();
    if (!gather_header(r, at, len)) return false;
    begin_payload(r);
    return true;
}

static void unmask_bytes(struct ws_frame_reader *r, char *at, size_t len)
{
    unsigned char key[8];
    uint64_t word, wide;
    for (size_t i = 0; i < 8; i++) key[i] = r->header[r->need - 4 + ((r->mask_at + i) & 3)];
    memcpy(&wide, key, 8);
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        memcpy(&word, at + i, 8);
        word ^= wide;
        memcpy(at + i, &word, 8);
    }
    for (; i < len; i++) at[i] = (char)((unsigned char)at[i] ^ key[i & 7]);
    r->mask_at = (uint8_t)((r->mask_at + len) & 3);
}

static void frame_is_over(struct ws_frame_reader *r)
{
    r->in_payload = false;
    r->have = 0;
}

static struct ws_piece control_piece(struct ws_frame_reader *r, char *at, size_t n)
{
    memcpy(r->control + r->control_len, at, n);
    r->control_len = (uint8_t)(r->control_len + n);
    if (r->left > 0) return more();
    frame_is_over(r);
    return (struct ws_piece){
        .kind = WS_PIECE_CONTROL,
        .opcode = r->opcode,
        .whole = true,
        .bytes = { (const char *)r->control, r->control_len },
    };
}

static struct ws_piece data_piece(struct ws_frame_reader *r, char *at, size_t n, size_t so_far)
{
    bool over = r->left == 0, last = over && r->fin;
    bool plain_text = r->message == WS_TEXT && !r->compressed;
    if (plain_text && (!ws_utf8(&r->utf8, at, n) || (last && r->utf8 != 0))) return bad(1007, "text that is not UTF-8");
    struct ws_piece piece = {
        .kind = WS_PIECE_DATA,
        .opcode = r->message,
        .compressed = r->compressed,
        .bytes = { at, n },
        .first = so_far == 0 && r->opcode != WS_CONTINUATION,
        .last = last,
        .whole = over,
    };
    if (over) frame_is_over(r);
    if (last) r->message = 0;
    return piece;
}

struct ws_piece ws_frame_read(
    struct ws_frame_reader *r, char **at, size_t *len, bool allow_compressed, size_t so_far, size_t max)
{
    struct ws_piece out;
    if (!r->in_payload) {
        if (!read_header(r, at, len, allow_compressed, &out)) return out;
        if (r->header[1] == (MASK | 127) && r->header[2] & 0x80) return bad(1002, "a length beyond 2^63");
        if (r->opcode < WS_CLOSE && (r->left > max || so_far + r->left > max)) return bad(1009, "a message too large");
    }
    size_t n = *len < r->left ? *len : (size_t)r->left;
    char *bytes = *at;
    unmask_bytes(r, bytes, n);
    *at += n;
    *len -= n;
    r->left -= n;
    if (r->opcode >= WS_CLOSE) return control_piece(r, bytes, n);
    return n == 0 && r->left > 0 ? more() : data_piece(r, bytes, n, so_far);
}

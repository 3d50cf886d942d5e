/* fuzz_engineio.c - what a client sends before anybody knows who it is: HTTP, its bodies, frames, polling payloads.
 *
 * The first byte says which reader, the second into how many pieces the rest is cut: however it is cut, the reader
 * has to see the same. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/gateway/engineio/codec.h"
#include "services/gateway/listener/gzip.h"
#include "services/gateway/listener/http_body.h"
#include "services/gateway/listener/http_head.h"
#include "services/gateway/listener/ws_deflate.h"
#include "services/gateway/listener/ws_frame.h"
#include "tests/fuzz/fuzz.h"

#define MAX_BYTES 65536

/* --- heads --- */

static bool is_within(struct str s, const char *at, size_t len)
{
    return s.at == NULL || s.len == 0 || (s.at >= at && s.at + s.len <= at + len);
}

static void read_head(char *at, size_t len)
{
    static struct http_head head;
    size_t end = http_head_end(at, len, 0);

    PROMISE(end == 0 || memcmp(at + end - 4, "\r\n\r\n", 4) == 0);
    http_head_is_plausible(at, len);
    int refused = http_head_parse(at, len, &head);
    PROMISE(refused == 0 || (refused >= 400 && refused < 600));
    if (refused) return;
    PROMISE(head.method.len > 0 && head.path.len > 0 && head.n_fields <= HTTP_FIELDS_MAX);
    PROMISE(!(head.chunked && head.content_length >= 0));
    for (size_t i = 0; i < head.n_fields; i++) {
        PROMISE(is_within(head.fields[i].name, at, len) && is_within(head.fields[i].value, at, len));
        PROMISE(memchr(head.fields[i].value.at, '\0', head.fields[i].value.len) == NULL);
    }
    gzip_is_accepted(http_head_field(&head, "accept-encoding"));
    ws_deflate_is_offered(http_head_field(&head, "sec-websocket-extensions"));
}

/* --- bodies --- */

static int read_chunks(struct str all, size_t piece, struct buf *out, bool *done)
{
    struct http_body body;
    int refused = 0;

    http_body_begin(&body, true, -1);
    for (size_t at = 0; at < all.len && !refused && !http_body_is_done(&body); at += piece) {
        struct str in = { all.at + at, all.len - at < piece ? all.len - at : piece };
        refused = http_body_take(&body, &in, out);
    }
    *done = http_body_is_done(&body);
    return refused;
}

static void read_body(struct str all, size_t piece)
{
    struct buf whole = BUF(4096), cut = BUF(4096);
    bool done_whole, done_cut;
    int first = read_chunks(all, all.len + 1, &whole, &done_whole), second = read_chunks(all, piece, &cut, &done_cut);

    PROMISE(first == second && done_whole == done_cut);
    PROMISE(first != 0 || str_eq(buf_str(&whole), buf_str(&cut)));
    buf_free(&whole);
    buf_free(&cut);
}

/* --- frames --- */

struct seen {
    struct buf messages; /* each with its opcode in front and a bar behind */
    int code;
};

static void read_frames(const char *bytes, size_t len, size_t piece, struct seen *seen)
{
    struct ws_frame_reader reader = { .have = 0 };
    size_t so_far = 0;

    for (size_t from = 0; from < len; from += piece) {
        char part[MAX_BYTES], *at = part;
        size_t left = len - from < piece ? len - from : piece;
        memcpy(part, bytes + from, left);
        for (;;) {
            struct ws_piece got = ws_frame_read(&reader, &at, &left, true, so_far, 4096);
            if (got.kind == WS_PIECE_MORE) break;
            seen->code = got.kind == WS_PIECE_BAD ? got.code : 0;
            if (got.kind == WS_PIECE_BAD) return;
            buf_add_str(&seen->messages, got.bytes);
            so_far = got.kind == WS_PIECE_CONTROL ? so_far : got.last ? 0 : so_far + got.bytes.len;
            PROMISE(so_far <= 4096);
            if (got.kind == WS_PIECE_CONTROL || got.last) buf_add_char(&seen->messages, (char)got.opcode);
        }
        PROMISE(left == 0);
    }
}

static void read_both_ways(struct str all, size_t piece)
{
    struct seen whole = { BUF(1 << 20), 0 }, cut = { BUF(1 << 20), 0 };

    read_frames(all.at, all.len, all.len + 1, &whole);
    read_frames(all.at, all.len, piece, &cut);
    PROMISE(whole.code == cut.code);
    PROMISE(whole.code != 0 || str_eq(buf_str(&whole.messages), buf_str(&cut.messages)));
    buf_free(&whole.messages);
    buf_free(&cut.messages);
}

/* --- payloads --- */

static void read_payload(struct str body)
{
    struct payload payload = payload_begin(body);
    struct str packet;
    size_t total = 0, n = 0;

    while (payload_next(&payload, &packet)) {
        unsigned char *bytes = malloc(packet.len / 4 * 3 + 4);
        size_t len;
        total += packet.len;
        n++;
        if (base64_decode(packet, bytes, &len)) {
            char *again = malloc(base64_length(len) + 1);
            base64_encode(again, (struct str){ (char *)bytes, len });
            size_t digits = packet.len;
            while (digits > 0 && packet.at[digits - 1] == '=') digits--;
            /* The last digit may have bits that nobody reads. */
            PROMISE(digits == 0 || memcmp(again, packet.at, digits - 1) == 0);
            free(again);
        }
        free(bytes);
    }
    PROMISE(n > 0 && total + n - 1 == body.len);
}

static void go_round(struct str text)
{
    struct buf packed = BUF(1 << 20), plain = BUF(1 << 20), junk = BUF(1 << 20);

    ws_deflate(text, &packed);
    PROMISE(ws_inflate(buf_str(&packed), &plain) && str_eq(buf_str(&plain), text));
    ws_inflate(text, &junk);
    buf_free(&packed);
    buf_free(&plain);
    buf_free(&junk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > MAX_BYTES) return 0;
    size_t len = size - 2, piece = data[1] % 32 + 1;
    char *exact = malloc(len ? len : 1); /* so that a byte too far is seen */

    memcpy(exact, data + 2, len);
    switch (data[0] % 5) {
    case 0: read_head(exact, len); break;
    case 1: read_body((struct str){ exact, len }, piece); break;
    case 2: read_both_ways((struct str){ exact, len }, piece); break;
    case 3: read_payload((struct str){ exact, len }); break;
    case 4: go_round((struct str){ exact, len }); break;
    }
    free(exact);
    return 0;
}

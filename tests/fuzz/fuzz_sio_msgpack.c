/* fuzz_sio_msgpack.c - any bytes as a packet of socket.io-msgpack-parser: what is taken survives its text form. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/gateway/socketio/codec_msgpack.h"
#include "services/gateway/socketio/packet.h"
#include "tests/fuzz/fuzz.h"

static struct arena *arena;

static bool to_text(struct str bytes, struct buf *text, struct json_parts *parts)
{
    *text = BUF(msgpack_json_bound(bytes.len, parts->max) + 8);
    bool good = msgpack_packet_to_text(bytes, text, parts);
    PROMISE(!text->over);
    return good;
}

/* There and back: the same text, and the same binaries in their order of appearance. */
static void survives(const struct buf *text, const struct json_parts *parts)
{
    struct str at[SIO_MAX_ATTACHMENTS];
    struct json_parts again = { at, 0, SIO_MAX_ATTACHMENTS };
    size_t max = msgpack_packet_bound(text->len);
    struct buf second;

    for (unsigned i = 0; i < parts->n; i++) max += parts->at[i].len + 5;
    struct buf bytes = BUF(max);
    PROMISE(msgpack_packet_from_text(buf_str(text), parts->at, parts->n, &bytes));
    PROMISE(to_text(buf_str(&bytes), &second, &again));
    PROMISE(again.n == parts->n);
    PROMISE(str_eq(buf_str(text), buf_str(&second)));
    buf_free(&second);
    buf_free(&bytes);
}

/* Any text as a packet of ours: refused or written, within its bound. */
static void is_written_or_not(struct str text)
{
    struct str part = STR("part");
    struct buf out = BUF(msgpack_packet_bound(text.len) + text.len * (part.len + 5));

    if (!msgpack_packet_from_text(text, &part, 1, &out)) PROMISE(!out.over);
    buf_free(&out);
}

/* Such objects in a client's own data are told from ours by nobody, so they need not come back the same. */
static bool has_placeholder(const struct buf *text)
{
    return memmem(text->at, text->len, "_placeholder", 12) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size }, at[SIO_MAX_ATTACHMENTS];
    struct json_parts parts = { at, 0, SIO_MAX_ATTACHMENTS };
    struct buf text;
    struct sio_packet packet;

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 30);
    is_written_or_not(bytes);
    if (to_text(bytes, &text, &parts) && sio_packet_read(buf_str(&text), arena, &packet)) {
        PROMISE(packet.attachments == parts.n);
        if (packet.refused.at != NULL)
            PROMISE(packet.refused.len > 0);
        else if (parts.n == 0 || !has_placeholder(&text))
            survives(&text, &parts);
    }
    buf_free(&text);
    arena_reset(arena);
    return 0;
}

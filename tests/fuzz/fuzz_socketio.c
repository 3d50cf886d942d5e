/* fuzz_socketio.c - any text as a Socket.IO packet: what is taken is JSON for others too, and survives being written. */
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <string.h>

#include "services/gateway/socketio/packet.h"
#include "services/gateway/socketio/scan.h"
#include "tests/fuzz/fuzz.h"

static struct arena *arena;

/* jansson takes a NUL between tokens for a blank. */
static bool has_nul(struct str text)
{
    return text.len > 0 && memchr(text.at, '\0', text.len) != NULL;
}

/* What JavaScript may write and jansson will not read. */
static bool is_known_difference(const json_error_t *error)
{
    return json_error_code(error) == json_error_numeric_overflow || strstr(error->text, "Unicode") != NULL;
}

static bool is_deep(struct str text)
{
    size_t opened = 0;

    for (size_t i = 0; i < text.len; i++) opened += text.at[i] == '[' || text.at[i] == '{';
    return opened > SCAN_MAX_DEPTH;
}

static void agrees_with_jansson(struct str text)
{
    struct scan_array array;
    json_error_t error;
    bool taken = scan_array(text, SCAN_PLAIN, &array);
    json_t *json = text.len > 0 ? json_loadb(text.at, text.len, JSON_ALLOW_NUL, &error) : NULL;

    if (taken && text.len > 0) PROMISE(json != NULL || is_known_difference(&error));
    if (json_is_array(json) && text.at[0] == '[' && !is_deep(text) && !has_nul(text))
        PROMISE(taken && array.n == json_array_size(json));
    json_decref(json);
}

static void survives_writing(const struct sio_packet *packet)
{
    struct eio_packet *made = sio_packet_make(packet->type, packet->nsp, packet->id, packet->attachments, packet->json);

    PROMISE(eio_packet_bytes(made) >= packet->json.len + 1);
    eio_packet_drop(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct sio_packet packet;

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 30);
    agrees_with_jansson(text);
    if (sio_packet_read(text, arena, &packet)) {
        PROMISE(packet.nsp.len > 0 && packet.nsp.len <= SIO_MAX_NAMESPACE);
        PROMISE(packet.attachments <= SIO_MAX_ATTACHMENTS);
        PROMISE(packet.type != SIO_CONNECT_ERROR && packet.id <= SIO_MAX_ID);
        survives_writing(&packet);
    }
    arena_reset(arena);
    return 0;
}

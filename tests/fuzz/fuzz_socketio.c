/* fuzz_socketio.c - any text as a Socket.IO packet: what is taken is heard by the name that was checked. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json.h"
#include "services/gateway/socketio/packet.h"
#include "tests/fuzz/fuzz.h"

static struct arena *arena;

static void survives_writing(const struct sio_packet *packet)
{
    struct eio_packet *made = sio_packet_make(packet->type, packet->nsp, packet->id, packet->attachments, packet->json);

    PROMISE(eio_packet_bytes(made) >= packet->json.len + 1);
    eio_packet_drop(made);
}

/* What a policy is asked about: others read the very same name. */
static void is_heard_by_its_name(const struct sio_packet *packet)
{
    struct json_in in;
    struct json_open array;
    struct str name;

    json_begin(&in, packet->json, JSON_DEPTH_MAX);
    PROMISE(json_open_array(&in, &array) && json_next_item(&in, &array));
    if (json_peek(&in) == '"')
        PROMISE(json_text(&in, &name));
    else
        PROMISE(json_skip(&in, &name));
    PROMISE(str_eq(name, packet->name));
    json_end(&in);
    PROMISE(json_check(packet->json, JSON_DEPTH_MAX) == JSON_FINE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct sio_packet packet;

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 30);
    if (sio_packet_read(text, arena, &packet)) {
        PROMISE(packet.nsp.len > 0 && packet.nsp.len <= SIO_MAX_NAMESPACE);
        PROMISE(packet.attachments <= SIO_MAX_ATTACHMENTS);
        PROMISE(packet.type != SIO_CONNECT_ERROR && packet.id <= SIO_MAX_ID);
        survives_writing(&packet);
        if ((packet.type == SIO_EVENT || packet.type == SIO_BINARY_EVENT) && packet.refused.at == NULL)
            is_heard_by_its_name(&packet);
    }
    arena_reset(arena);
    return 0;
}

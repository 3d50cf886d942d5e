/* fuzz_emitter.c - any bytes as what a redis-emitter published: what is taken, every client's parser takes too. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/broadcast.h"
#include "tests/fuzz/fuzz.h"

static struct arena *arena;

static void names_are_there(const struct str *names, size_t n)
{
    PROMISE(n <= BROADCAST_NAMES_MAX);
    for (size_t i = 0; i < n; i++) PROMISE(names[i].at != NULL);
}

static void as_broadcast(struct str bytes, struct str nsp)
{
    struct broadcast b;
    struct sio_packet packet;

    if (!broadcast_read(bytes, nsp, arena, &b)) return;
    PROMISE(sio_packet_read(b.text, arena, &packet));
    PROMISE(packet.type == SIO_EVENT || packet.type == SIO_BINARY_EVENT);
    PROMISE(str_eq(packet.nsp, nsp) && packet.id == -1 && packet.attachments == b.n_parts);
    for (unsigned i = 0; i < b.n_parts; i++)
        PROMISE(b.parts[i].at >= bytes.at && b.parts[i].at + b.parts[i].len <= bytes.at + bytes.len);
    names_are_there(b.who.rooms, b.who.n_rooms);
    names_are_there(b.who.except, b.who.n_except);
}

static void as_request(struct str bytes)
{
    struct request r;

    if (!request_read(bytes, STR("/"), arena, &r)) return;
    names_are_there(r.rooms, r.n_rooms);
    names_are_there(r.who.rooms, r.who.n_rooms);
    names_are_there(r.who.except, r.who.n_except);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 28);
    as_broadcast(bytes, STR("/"));
    as_broadcast(bytes, STR("/admin"));
    as_request(bytes);
    arena_reset(arena);
    return 0;
}

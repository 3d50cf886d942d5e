/* json_cost.c - nanoseconds per durable message for its JSON: by the door, and as jansson's tree alone would cost.
 *
 *      in      the packet is checked and cut, its argument read into the record and written as msgpack
 *      out     a record of the log becomes the event's JSON
 *      tree    jansson parses the same argument and forgets it: what was done before, besides the scan
 */
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdio.h>

#include "libshared/base/clock.h"
#include "libshared/wire/json.h"
#include "libshared/wire/records.h"
#include "services/gateway/socketio/packet.h"

#define ROUNDS 200000
#define ROOM   "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9fa0b1"

static struct arena *arena;

static void read_packet(struct str text)
{
    struct sio_packet packet;
    struct message_draft draft;
    struct wire_error why;
    struct str room;
    struct buf body = BUF(65536);

    if (!sio_packet_read(text, arena, &packet) || !json_find_text(packet.first, "room", arena, &room) ||
        wire_read_json(message_draft_shape(), packet.first, arena, &draft, &why) != OK ||
        wire_encode(message_draft_shape(), &draft, &body) != OK)
        puts("refused");
    buf_free(&body);
    arena_reset(arena);
}

static void check_packet(struct str text)
{
    struct sio_packet packet;

    if (!sio_packet_read(text, arena, &packet)) puts("refused");
    arena_reset(arena);
}

static void read_tree(struct str text)
{
    json_t *json = json_loadb(text.at, text.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);

    if (json == NULL) puts("refused");
    json_decref(json);
}

static void write_message(struct str body)
{
    struct message message = {
        .seq = 7, .id = STR("b1f0c2d3"), .sender = STR("ada"), .body = body, .at = 1767225600000
    };
    struct buf json = BUF(65536);

    message.room.b[0] = 1;
    if (wire_write_json(message_shape(), &message, &json) != OK) puts("refused");
    buf_free(&json);
}

static double measure(void (*step)(struct str), struct str text)
{
    int64_t begin = clock_mono_us();

    for (int i = 0; i < ROUNDS; i++) step(text);
    return (double)(clock_mono_us() - begin) * 1000 / ROUNDS;
}

static void compare(const char *what, const char *body)
{
    struct str argument = arena_printf(arena, "{\"room\":\"" ROOM "\",\"id\":\"b1f0c2d3\",\"body\":\"%s\"}", body);
    char *kept = mem_alloc(2 * argument.len + 200);
    struct str packet = { kept, (size_t)sprintf(kept, "2/chat,7[\"message:send\",%.*s]", STR_ARG(argument)) };
    struct str object = { kept + 24, packet.len - 25 };

    double in = measure(read_packet, packet), check = measure(check_packet, packet), tree = measure(read_tree, object),
           out = measure(write_message, str_of(body));
    printf(
        "%-22s in %6.0f ns (its check %6.0f), out %6.0f ns; jansson's tree alone %6.0f ns, in / (check + tree) %.2f\n",
        what, in, check, out, tree, in / (check + tree));
    mem_free(kept);
}

int main(void)
{
    static char long_body[4001];

    arena = arena_create("bench", 16u << 20);
    for (size_t i = 0; i < sizeof long_body - 1; i++) long_body[i] = (char)('a' + i % 26);
    compare("a short message", "Hello, courtyard");
    compare("with escapes", "He said \\\"hello\\\"\\n\\tand \\ud83d\\ude00 left");
    compare("4,000 characters", long_body);
    arena_destroy(&arena);
    return 0;
}

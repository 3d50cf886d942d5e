/* room.c - which room an event is about, found before anything else of it is read. */
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>

#include "services/gateway/routes/inside.h"
#include "services/gateway/socketio/scan.h"

#define ROOM_RAW_MAX 512 /* no id is longer, even if each letter is written as an escape */

/* An id that is written with escapes is the same id. */
static bool decode(struct str raw, struct arena *arena, struct str *out)
{
    if (raw.len > ROOM_RAW_MAX) return false;
    json_t *text = json_loadb(raw.at, raw.len, JSON_DECODE_ANY, NULL);
    bool is_text = json_is_string(text);

    if (is_text) *out = arena_str(arena, (struct str){ json_string_value(text), json_string_length(text) });
    json_decref(text);
    return is_text;
}

bool event_room(const struct sio_event *event, struct arena *arena, struct str *room)
{
    struct str raw;

    if (event->first.len == 0 || event->first.at[0] != '{' || !scan_member(event->first, "room", &raw)) return false;
    return scan_plain_string(raw, room) || decode(raw, arena, room);
}

/* room.c - which room an event is about, found before anything else of it is read. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json.h"
#include "services/gateway/routes/routes_private.h"

#define ROOM_RAW_MAX 512 /* no id is longer, even if each letter is written as an escape */

bool event_room(const struct sio_event *event, struct arena *arena, struct str *room)
{
    struct str raw;

    return event->first.len > 0 && json_find(event->first, "room", &raw) && raw.len <= ROOM_RAW_MAX &&
           json_decode_text(raw, arena, room);
}

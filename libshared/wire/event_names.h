/* event_names.h - names of events that mean something by themselves. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

/* Where rooms are joined, and what is said in them is heard: that of the ON row that joins. */
struct str rooms_namespace(void);

#define EVENT_CHARS_MAX 128 /* proto/chat.def: relay.event, room_event.event */

bool event_is_reserved(struct str name); /* Socket.IO's own: never on the wire as an event */
/* What the server says or answers, or may once: the names of proto/public.def and all others before whose colon the same
 * word stands (`message:anything`), in any letters and with blanks around it. */
bool event_is_ours(struct str name);
/* What clients and back ends may call theirs: none of these, and a name that looks like what it is. */
bool event_is_free(struct str name);

/* event_names.h - names of events that mean something by themselves. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

bool event_is_reserved(struct str name); /* Socket.IO's own: never on the wire as an event */
bool event_is_ours(struct str name);     /* what only the server says: the HEAR rows of proto/public.def */

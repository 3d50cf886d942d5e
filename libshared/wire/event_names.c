/* event_names.c - names of events that mean something by themselves. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/event_names.h"

#include "libshared/base/err.h"

static const char *const reserved[] = { "connect", "connect_error", "disconnect", "disconnecting", "newListener",
    "removeListener" };

/* clang-format off */
static const char *const ours[] = {
#define HEAR(nsp, event, rec, doc) event,
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */

static bool is_among(struct str name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(name, names[i])) return true;
    return false;
}

bool event_is_reserved(struct str name)
{
    return is_among(name, reserved, COUNT(reserved));
}

bool event_is_ours(struct str name)
{
    return is_among(name, ours, COUNT(ours));
}

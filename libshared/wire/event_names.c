/* event_names.c - names of events that mean something by themselves. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/event_names.h"

#include <strings.h>

#include "libshared/base/err.h"
#include "libshared/base/plain_text.h"

static const char *const reserved[] = { "connect", "connect_error", "disconnect", "disconnecting", "newListener",
    "removeListener" };

/* Those of the tables, and words that later ones will begin with. */
/* clang-format off */
static const char *const ours[] = {
#define ROUTE(http, path, service, noun, verb, who, nsp, event, action, class, body, status, answer, cache, cookies, doc) event,
#define ON(nsp, event, service, noun, verb, action, effect, rate, doc) event,
#define HEAR(nsp, event, rec, doc) event,
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    "auth", "connection", "entry", "friend", "member", "notification", "pin", "presence", "reaction", "read", "upload", "user",
};
/* clang-format on */

/* clang-format off */
#define WHERE_JOIN(nsp) nsp
#define WHERE_LEAVE(nsp)
#define WHERE_WATCH(nsp)
#define WHERE_UNWATCH(nsp)
#define WHERE_CALL(nsp)
#define WHERE_CHANGE(nsp)
#define ON(nsp, event, service, noun, verb, action, effect, rate, doc) WHERE_##effect(nsp)
static const char joined_in[] =
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    ;
/* clang-format on */

struct str rooms_namespace(void)
{
    return (struct str){ joined_in, sizeof joined_in - 1 };
}

bool event_is_reserved(struct str name)
{
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (str_is(name, reserved[i])) return true;
    return false;
}

static struct str word_of(struct str name)
{
    return str_trim(str_cut(&name, ':'));
}

static bool is_same(struct str a, struct str b)
{
    return a.len == b.len && a.len > 0 && strncasecmp(a.at, b.at, a.len) == 0;
}

static bool is_word_of(struct str word, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_same(word, word_of(str_of(names[i])))) return true;
    return false;
}

bool event_is_ours(struct str name)
{
    struct str word = word_of(name);

    return is_word_of(word, ours, COUNT(ours)) || is_word_of(word, reserved, COUNT(reserved));
}

bool event_is_free(struct str name)
{
    return text_is_plain(name) && utf8_length(name.at, name.len) <= EVENT_CHARS_MAX && !event_is_ours(name);
}

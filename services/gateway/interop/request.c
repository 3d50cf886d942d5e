/* request.c - a request about sockets, out of JSON. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json.h"
#include "services/gateway/interop/broadcast.h"

#define REQUEST_DEPTH_MAX 8

/* A number is a name in JavaScript. */
static bool read_name(struct str raw, struct arena *arena, struct str *out)
{
    int64_t n;

    if (raw.at[0] == '"') return json_decode_text(raw, arena, out);
    *out = raw;
    return str_to_int(raw, &n);
}

static bool read_list(struct str raw, struct arena *arena, struct str *names, size_t *n)
{
    struct json_in in;
    struct json_open array;
    struct str item;
    bool good = true;

    json_begin(&in, raw, REQUEST_DEPTH_MAX);
    json_open_array(&in, &array);
    while (good && json_next_item(&in, &array))
        good = *n < BROADCAST_NAMES_MAX && json_skip(&in, &item) && read_name(item, arena, &names[(*n)++]);
    return json_end(&in) == JSON_FINE && good;
}

/* A member that is a list, or one name for itself; nothing at all is an empty list. */
static bool read_names(struct str json, const char *name, struct arena *arena, const struct str **out, size_t *n)
{
    struct str raw;

    if (!json_find(json, name, &raw) || str_is(raw, "null")) return true;
    struct str *names = arena_alloc(arena, BROADCAST_NAMES_MAX * sizeof *names);
    *out = names;
    if (raw.at[0] == '[') return read_list(raw, arena, names, n);
    return read_name(raw, arena, &names[(*n)++]);
}

static bool is_true(struct str json, const char *name)
{
    struct str raw;

    return json_find(json, name, &raw) && str_is(raw, "true");
}

static bool read_type(struct str json, enum request_type *out)
{
    struct str raw;
    int64_t type;

    if (!json_find(json, "type", &raw) || !str_to_int(raw, &type)) return false;
    *out = type >= REQUEST_JOIN && type <= REQUEST_DISCONNECT ? (enum request_type)type : REQUEST_OTHER;
    return true;
}

/* What begins otherwise is msgpack, of servers that ask each other: no request for us. */
bool request_read(struct str bytes, struct str nsp, struct arena *arena, struct request *out)
{
    struct str opts;

    *out = (struct request){ .who.nsp = nsp };
    if (json_check(bytes, REQUEST_DEPTH_MAX) != JSON_FINE || !read_type(bytes, &out->type)) return false;
    out->close = is_true(bytes, "close");
    if (out->type == REQUEST_OTHER) return true;
    return json_find(bytes, "opts", &opts) && opts.at[0] == '{' &&
           read_names(opts, "rooms", arena, &out->who.rooms, &out->who.n_rooms) &&
           read_names(opts, "except", arena, &out->who.except, &out->who.n_except) &&
           read_names(bytes, "rooms", arena, &out->rooms, &out->n_rooms);
}

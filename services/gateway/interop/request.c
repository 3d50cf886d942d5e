/* request.c - a request about sockets, out of JSON. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <jansson.h>

#include "services/gateway/interop/broadcast.h"

static bool read_name(const json_t *json, struct arena *arena, struct str *out)
{
    if (json_is_integer(json)) {
        *out = arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        return true;
    }
    if (!json_is_string(json)) return false;
    *out = arena_str(arena, (struct str){ json_string_value(json), json_string_length(json) });
    return true;
}

/* A list, or one name for itself; nothing at all is an empty list. */
static bool read_names(const json_t *json, struct arena *arena, const struct str **out, size_t *n)
{
    size_t count = json_is_array(json) ? json_array_size(json) : 1;

    if (json == NULL || json_is_null(json)) return true;
    if (count > BROADCAST_NAMES_MAX) return false;
    struct str *names = arena_alloc(arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        if (!read_name(json_is_array(json) ? json_array_get(json, i) : json, arena, &names[i])) return false;
    *out = names;
    *n = count;
    return true;
}

static enum request_type type_of(const json_t *json)
{
    json_int_t type = json_integer_value(json);

    return type >= REQUEST_JOIN && type <= REQUEST_DISCONNECT ? (enum request_type)type : REQUEST_OTHER;
}

static bool read_request(const json_t *json, struct arena *arena, struct request *out)
{
    const json_t *opts = json_object_get(json, "opts");

    if (!json_is_integer(json_object_get(json, "type"))) return false;
    out->type = type_of(json_object_get(json, "type"));
    out->close = json_is_true(json_object_get(json, "close"));
    if (out->type == REQUEST_OTHER) return true;
    return json_is_object(opts) &&
           read_names(json_object_get(opts, "rooms"), arena, &out->who.rooms, &out->who.n_rooms) &&
           read_names(json_object_get(opts, "except"), arena, &out->who.except, &out->who.n_except) &&
           read_names(json_object_get(json, "rooms"), arena, &out->rooms, &out->n_rooms);
}

/* What begins otherwise is msgpack, of servers that ask each other: no request for us. */
bool request_read(struct str bytes, struct str nsp, struct arena *arena, struct request *out)
{
    *out = (struct request){ .who.nsp = nsp };
    json_t *json = bytes.len > 0 ? json_loadb(bytes.at, bytes.len, JSON_ALLOW_NUL, NULL) : NULL;
    bool good = json_is_object(json) && read_request(json, arena, out);

    json_decref(json);
    return good;
}

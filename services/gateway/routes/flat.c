/* flat.c - objects whose members that a record does not name are the content of one of its fields. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json.h"
#include "services/gateway/routes/query.h"

/* In which of the two a member goes, with its key as it came. */
static void add_member(struct buf *to, struct str member)
{
    if (to->len > 0) buf_add_char(to, ',');
    buf_add_str(to, member);
}

/* false: it has the field itself. */
static bool part_members(
    struct json_in *in, const struct wire_shape *shape, const char *field, struct buf *named, struct buf *others)
{
    struct json_open object;
    struct str key, raw;

    if (json_peek(in) != '{' || !json_open_object(in, &object)) return false;
    while (json_next_key(in, &object, &key)) {
        const char *at = json_key_at(in);
        bool is_named = wire_find(shape, key) != NULL;
        if (str_is(key, field) || !json_skip(in, &raw)) return false;
        struct str member = { at, (size_t)(raw.at + raw.len - at) };
        add_member(is_named ? named : others, member);
    }
    return true;
}

struct str flat_read(const struct wire_shape *shape, const char *field, struct str json, struct arena *arena)
{
    struct buf named = BUF(json.len + 1), others = BUF(json.len + 1);
    struct json_in in;

    json_begin(&in, json, JSON_DEPTH_MAX);
    bool parted = part_members(&in, shape, field, &named, &others);
    if (json_end(&in) == JSON_FINE && parted)
        json = arena_printf(arena, "{%.*s%s\"%s\":{%.*s}}", (int)named.len, named.len > 0 ? named.at : "",
            named.len > 0 ? "," : "", field, (int)others.len, others.len > 0 ? others.at : "");
    buf_free(&named);
    buf_free(&others);
    return json;
}

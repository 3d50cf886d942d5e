/* json_set.c - one member of a JSON object is set, and the others stay as they are written. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json_set.h"

#include "libshared/wire/json.h"
#include "libshared/wire/json_text.h"

/* "key":value, without the blanks around it: from `in`, whose key was read, to the end of its value. */
static bool take_value(struct json_in *in, const char *key_at, struct str *member)
{
    if (!json_skip(in, NULL)) return false;
    *member = (struct str){ key_at, (size_t)(in->at - key_at) };
    return true;
}

static bool copy_members(struct json_in *in, const char *name, struct buf *out)
{
    struct json_open object;
    struct str key, member;

    if (!json_open_object(in, &object)) return false;
    while (json_next_key(in, &object, &key)) {
        bool is_replaced = str_is(key, name);
        if (!take_value(in, json_key_at(in), &member)) return false;
        if (is_replaced) continue;
        buf_add_char(out, ',');
        buf_add_str(out, member);
    }
    return in->verdict != JSON_MALFORMED;
}

bool json_set_text(struct str object, const char *name, struct str text, struct buf *out)
{
    struct json_in in;

    buf_add_char(out, '{');
    json_put_text(out, str_of(name));
    buf_add_char(out, ':');
    json_put_text(out, text);
    json_begin(&in, object, JSON_DEPTH_MAX);
    bool good = copy_members(&in, name, out);
    buf_add_char(out, '}');
    return json_end(&in) != JSON_MALFORMED && good;
}

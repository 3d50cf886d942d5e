/* json_set.c - one member of a JSON object is set, and the others stay as they are written. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json_set.h"

#include <jansson.h>
#include <string.h>

#include "libshared/wire/json_text.h"

static struct str skip_blanks(struct str s)
{
    while (s.len > 0 && strchr(" \t\n\r", s.at[0]) != NULL && s.at[0] != '\0') s = str_skip(s, 1);
    return s;
}

/* Bytes of the string at its head, quotes included; 0: there is none, or no end of it. */
static size_t string_bytes(struct str s)
{
    if (s.len == 0 || s.at[0] != '"') return 0;
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '"') return i + 1;
        if (s.at[i] == '\\') i++;
    }
    return 0;
}

/* Bytes up to the comma or bracket that ends the value at its head; 0: there is no end. */
static size_t value_bytes(struct str s)
{
    size_t depth = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '"') {
            size_t bytes = string_bytes(str_skip(s, i));
            if (bytes == 0) return 0;
            i += bytes - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']' || c == ',') {
            if (depth == 0) return i;
            depth -= c != ',';
        }
    }
    return 0;
}

/* What has a lone surrogate is no Unicode, and so no name of ours. */
static bool key_is(struct str raw, const char *name)
{
    struct str inside = { raw.at + 1, raw.len - 2 };

    if (memchr(inside.at, '\\', inside.len) == NULL) return str_is(inside, name);
    json_t *text = json_loadb(raw.at, raw.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool same = str_is((struct str){ json_string_value(text), text != NULL ? json_string_length(text) : 0 }, name);
    json_decref(text);
    return same;
}

/* "key": value, without the blanks around them; the rest begins behind it. */
static bool take_member(struct str *rest, struct str *key, struct str *member)
{
    struct str at = *rest;

    key->at = at.at;
    key->len = string_bytes(at);
    if (key->len == 0) return false;
    at = skip_blanks(str_skip(at, key->len));
    if (at.len == 0 || at.at[0] != ':') return false;
    at = str_skip(at, 1);
    size_t bytes = value_bytes(at);
    if (bytes == 0) return false;
    at = str_skip(at, bytes);
    *member = (struct str){ rest->at, (size_t)(at.at - rest->at) };
    *rest = at;
    return true;
}

static bool copy_members(struct str rest, const char *name, struct buf *out)
{
    struct str key, member;

    rest = skip_blanks(rest);
    while (rest.len > 0 && rest.at[0] != '}') {
        if (!take_member(&rest, &key, &member)) return false;
        if (!key_is(key, name)) {
            buf_add_char(out, ',');
            buf_add_str(out, member);
        }
        if (rest.len > 0 && rest.at[0] == ',') rest = skip_blanks(str_skip(rest, 1));
    }
    return rest.len > 0;
}

bool json_set_text(struct str object, const char *name, struct str text, struct buf *out)
{
    if (object.len < 2 || object.at[0] != '{') return false;
    buf_add_char(out, '{');
    json_put_text(out, str_of(name));
    buf_add_char(out, ':');
    json_put_text(out, text);
    bool good = copy_members(str_skip(object, 1), name, out);
    buf_add_char(out, '}');
    return good;
}

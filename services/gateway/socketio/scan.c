/* scan.c - JSON checked to the last byte and cut into slices. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/scan.h"

#include <jansson.h>
#include <string.h>

struct scan {
    const char *at, *end;
    unsigned depth;
    int attachments;
};

static bool value(struct scan *s);

static void blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) s->at++;
}

static bool take(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c) return false;
    s->at++;
    return true;
}

static bool word(struct scan *s, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(s->end - s->at) < len || memcmp(s->at, text, len) != 0) return false;
    s->at += len;
    return true;
}

static bool digits(struct scan *s)
{
    const char *from = s->at;

    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') s->at++;
    return s->at > from;
}

static bool number(struct scan *s)
{
    take(s, '-');
    if (!take(s, '0') && !digits(s)) return false;
    if (take(s, '.') && !digits(s)) return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+')) take(s, '-');
        return digits(s);
    }
    return true;
}

static bool hex4(struct scan *s)
{
    for (int i = 0; i < 4; i++, s->at++)
        if (s->at == s->end || *s->at == '\0' || strchr("0123456789abcdefABCDEF", *s->at) == NULL) return false;
    return true;
}

static bool escape(struct scan *s)
{
    if (take(s, 'u')) return hex4(s);
    if (s->at == s->end || *s->at == '\0' || strchr("\"\\/bfnrt", *s->at) == NULL) return false;
    s->at++;
    return true;
}

static bool string(struct scan *s)
{
    if (!take(s, '"')) return false;
    while (s->at < s->end) {
        unsigned char c = (unsigned char)*s->at++;
        if (c == '"') return true;
        if (c < 0x20 || (c == '\\' && !escape(s))) return false;
    }
    return false;
}

bool scan_plain_string(struct str raw, struct str *out)
{
    if (raw.len < 2 || raw.at[0] != '"' || memchr(raw.at, '\\', raw.len) != NULL) return false;
    *out = (struct str){ raw.at + 1, raw.len - 2 };
    return true;
}

/* Escapes in a key must not hide it: who receives the event decodes them. */
static bool key_is(struct str raw, const char *name)
{
    struct str plain;

    if (scan_plain_string(raw, &plain)) return str_is(plain, name);

    json_t *text = json_loadb(raw.at, raw.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool same = text != NULL && json_string_length(text) == strlen(name) &&
                memcmp(json_string_value(text), name, strlen(name)) == 0;
    json_decref(text);
    return same;
}

static bool slice(struct scan *s, bool (*read)(struct scan *), struct str *out)
{
    const char *from = s->at;

    if (!read(s)) return false;
    *out = (struct str){ from, (size_t)(s->at - from) };
    return true;
}

static bool pair(struct scan *s, struct str *key, struct str *val)
{
    blanks(s);
    if (!slice(s, string, key)) return false;
    blanks(s);
    if (!take(s, ':')) return false;
    blanks(s);
    if (!slice(s, value, val)) return false;
    blanks(s);
    return true;
}

static bool names_attachment(const struct scan *s, struct str num)
{
    int64_t n;

    return str_to_int(num, &n) && n >= 0 && n < s->attachments;
}

static bool object(struct scan *s)
{
    bool placeholder = false;
    struct str num = STR_NONE, key, val;

    blanks(s);
    if (take(s, '}')) return true;
    do {
        if (!pair(s, &key, &val)) return false;
        if (s->attachments < 0) continue;
        if (key_is(key, "_placeholder"))
            placeholder = str_is(val, "true");
        else if (key_is(key, "num"))
            num = val;
    } while (take(s, ','));
    return take(s, '}') && (!placeholder || names_attachment(s, num));
}

static bool array(struct scan *s)
{
    blanks(s);
    if (take(s, ']')) return true;
    do {
        blanks(s);
        if (!value(s)) return false;
        blanks(s);
    } while (take(s, ','));
    return take(s, ']');
}

static bool deeper(struct scan *s, bool (*read)(struct scan *))
{
    if (++s->depth > SCAN_MAX_DEPTH) return false;
    s->at++;
    bool good = read(s);
    s->depth--;
    return good;
}

static bool value(struct scan *s)
{
    if (s->at == s->end) return false;
    switch (*s->at) {
    case '{': return deeper(s, object);
    case '[': return deeper(s, array);
    case '"': return string(s);
    case 't': return word(s, "true");
    case 'f': return word(s, "false");
    case 'n': return word(s, "null");
    default: return number(s);
    }
}

static bool at_end(struct scan *s)
{
    blanks(s);
    return s->at == s->end;
}

static bool element(struct scan *s, struct scan_array *out)
{
    struct str item;

    blanks(s);
    if (!slice(s, value, &item)) return false;
    blanks(s);
    if (out->n == 0)
        out->first = item;
    else if (out->n == 1)
        out->second = item;
    out->n++;
    return true;
}

bool scan_array(struct str text, int attachments, struct scan_array *out)
{
    struct scan s = { text.at, text.at + text.len, 1, attachments };

    *out = (struct scan_array){ .all = { text.at + 1, 0 } };
    if (!utf8_is_valid(text.at, text.len) || !take(&s, '[')) return false;
    blanks(&s);
    if (take(&s, ']')) return at_end(&s);

    const char *rest = NULL;
    do {
        if (out->n == 1) rest = s.at;
        if (!element(&s, out)) return false;
    } while (take(&s, ','));
    if (rest != NULL) out->rest = (struct str){ rest, (size_t)(s.at - rest) };
    out->all.len = (size_t)(s.at - out->all.at);
    return take(&s, ']') && at_end(&s);
}

bool scan_object(struct str text)
{
    struct scan s = { text.at, text.at + text.len, 0, SCAN_PLAIN };

    return utf8_is_valid(text.at, text.len) && text.len > 0 && *text.at == '{' && value(&s) && at_end(&s);
}

bool scan_member(struct str text, const char *name, struct str *out)
{
    struct scan s = { text.at, text.at + text.len, 0, SCAN_PLAIN };
    struct str key, val;
    bool found = false;

    if (!take(&s, '{')) return false;
    while (pair(&s, &key, &val)) {
        if (key_is(key, name)) {
            *out = val;
            found = true;
        }
        if (!take(&s, ',')) break;
    }
    return found;
}

/* msgpack_out.c - JSON text as msgpack, in one pass over it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/msgpack_out.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 128 /* what clients sent has 64; an array of ours stands around it */

struct reading {
    const char *at, *end;
    struct buf *out;
    const struct str *parts;
    unsigned n_parts, depth;
};

/* What an object says about being a placeholder. */
struct placeholder {
    bool marked, numbered;
    uint64_t num;
};

static bool put_value(struct reading *r);
static bool put_one(struct reading *r);

/* --- heads --- */

static void put_wide(struct buf *out, uint8_t lead, uint64_t n, unsigned width)
{
    char bytes[9] = { (char)lead };

    for (unsigned i = 0; i < width; i++) bytes[1 + i] = (char)(n >> 8 * (width - 1 - i));
    buf_add(out, bytes, 1 + width);
}

/* The shortest form of each: fixed up to `few`, then 8 bits where there is such a form, 16, 32. */
struct form {
    uint8_t fixed, few, w8, w16, w32;
};
static const struct form as_text = { 0xa0, 31, 0xd9, 0xda, 0xdb }, as_array = { 0x90, 15, 0, 0xdc, 0xdd },
                         as_map = { 0x80, 15, 0, 0xde, 0xdf }, as_bin = { 0, 0, 0xc4, 0xc5, 0xc6 };

static void put_head(struct buf *out, const struct form *f, uint64_t n)
{
    if (f->fixed != 0 && n <= f->few)
        buf_add_char(out, (char)(f->fixed | n));
    else if (f->w8 != 0 && n <= 0xff)
        put_wide(out, f->w8, n, 1);
    else if (n <= 0xffff)
        put_wide(out, f->w16, n, 2);
    else
        put_wide(out, f->w32, n, 4);
}

void msgpack_put_text(struct buf *out, struct str text)
{
    put_head(out, &as_text, text.len);
    buf_add_str(out, text);
}

void msgpack_put_map(struct buf *out, uint32_t pairs)
{
    put_head(out, &as_map, pairs);
}

void msgpack_put_uint(struct buf *out, uint64_t n)
{
    if (n < 0x80)
        buf_add_char(out, (char)n);
    else if (n <= 0xff)
        put_wide(out, 0xcc, n, 1);
    else if (n <= 0xffff)
        put_wide(out, 0xcd, n, 2);
    else if (n <= 0xffffffff)
        put_wide(out, 0xce, n, 4);
    else
        put_wide(out, 0xcf, n, 8);
}

static void put_negative(struct buf *out, int64_t n)
{
    if (n >= -0x20)
        buf_add_char(out, (char)n);
    else if (n >= INT8_MIN)
        put_wide(out, 0xd0, (uint64_t)n, 1);
    else if (n >= INT16_MIN)
        put_wide(out, 0xd1, (uint64_t)n, 2);
    else if (n >= INT32_MIN)
        put_wide(out, 0xd2, (uint64_t)n, 4);
    else
        put_wide(out, 0xd3, (uint64_t)n, 8);
}

/* The head of what has been written from `from` on, now that its size is known: put before it. */
static void put_head_before(struct buf *out, size_t from, const struct form *f, uint64_t n)
{
    char bytes[8];
    struct buf head = { .at = bytes, .cap = sizeof bytes, .max = sizeof bytes };

    put_head(&head, f, n);
    if (!buf_reserve(out, head.len)) return;
    memmove(out->at + from + head.len, out->at + from, out->len - from);
    memcpy(out->at + from, bytes, head.len);
    out->len += head.len;
}

/* --- reading --- */

static void blanks(struct reading *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
}

static bool take(struct reading *r, char c)
{
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_word(struct reading *r, struct str word)
{
    if ((size_t)(r->end - r->at) < word.len || memcmp(r->at, word.at, word.len) != 0) return false;
    r->at += word.len;
    return true;
}

/* --- texts --- */

static bool take_hex4(struct reading *r, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        if (r->at == r->end) return false;
        char c = *r->at;
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a' + 10);
        if (digit > 15) return false;
        *out = *out << 4 | digit;
    }
    return true;
}

static void put_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80)
        buf_add(out, (char[]){ (char)c }, 1);
    else if (c < 0x800)
        buf_add(out, (char[]){ (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)) }, 2);
    else if (c < 0x10000)
        buf_add(out, (char[]){ (char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)) }, 3);
    else
        buf_add(out,
            (char[]){ (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)), (char)(0x80 | (c >> 6 & 0x3f)),
                (char)(0x80 | (c & 0x3f)) },
            4);
}

/* The other half of a pair, if that is what follows. */
static bool take_low_half(struct reading *r, uint32_t *out)
{
    struct reading ahead = *r;

    if (!take_word(&ahead, STR("\\u")) || !take_hex4(&ahead, out) || *out < 0xdc00 || *out > 0xdfff) return false;
    r->at = ahead.at;
    return true;
}

static bool put_unicode_escape(struct reading *r)
{
    uint32_t c, low;

    if (!take_hex4(r, &c)) return false;
    if (c >= 0xd800 && c <= 0xdbff && take_low_half(r, &low))
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    else if (c >= 0xd800 && c <= 0xdfff)
        c = 0xfffd;
    put_utf8(r->out, c);
    return true;
}

static bool put_escape(struct reading *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

    if (take(r, 'u')) return put_unicode_escape(r);
    const char *found = r->at < r->end && *r->at != '\0' ? strchr(from, *r->at) : NULL;
    if (found == NULL) return false;
    r->at++;
    buf_add_char(r->out, to[found - from]);
    return true;
}

static struct str take_plain(struct reading *r)
{
    const char *from = r->at;

    while (r->at < r->end && *r->at != '"' && *r->at != '\\') r->at++;
    return (struct str){ from, (size_t)(r->at - from) };
}

static bool put_escaped_text(struct reading *r, struct str plain)
{
    size_t from = r->out->len;

    buf_add_str(r->out, plain);
    while (!take(r, '"')) {
        if (!take(r, '\\') || !put_escape(r)) return false;
        buf_add_str(r->out, take_plain(r));
    }
    put_head_before(r->out, from, &as_text, r->out->len - from);
    return true;
}

static bool put_text(struct reading *r)
{
    if (!take(r, '"')) return false;
    struct str plain = take_plain(r);
    if (!take(r, '"')) return put_escaped_text(r, plain);
    msgpack_put_text(r->out, plain);
    return true;
}

/* --- numbers --- */

static bool is_whole_number(struct str s, bool *negative, uint64_t *n)
{
    *negative = s.len > 0 && s.at[0] == '-';
    *n = 0;
    for (size_t i = *negative ? 1 : 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)(s.at[i] - '0');
        if (digit > 9 || *n > (UINT64_MAX - digit) / 10) return false;
        *n = *n * 10 + digit;
    }
    return !*negative || (*n > 0 && *n <= (uint64_t)INT64_MAX);
}

static void put_real(struct buf *out, struct str s)
{
    char *text = mem_alloc(s.len + 1);
    uint64_t bits;

    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    double real = strtod(text, NULL);
    memcpy(&bits, &real, sizeof bits);
    put_wide(out, 0xcb, bits, 8);
    mem_free(text);
}

static bool put_number(struct reading *r)
{
    const char *from = r->at;
    bool negative;
    uint64_t n;

    while (r->at < r->end && *r->at != '\0' && strchr("+-.eE0123456789", *r->at) != NULL) r->at++;
    struct str s = { from, (size_t)(r->at - from) };
    if (s.len == 0) return false;
    if (!is_whole_number(s, &negative, &n))
        put_real(r->out, s);
    else if (negative)
        put_negative(r->out, -(int64_t)n);
    else
        msgpack_put_uint(r->out, n);
    return true;
}

/* --- containers --- */

static bool put_array(struct reading *r)
{
    size_t from = r->out->len;
    uint64_t n = 0;

    blanks(r);
    if (r->at < r->end && *r->at != ']') do {
            if (!put_value(r)) return false;
            n++;
        } while (take(r, ','));
    if (!take(r, ']')) return false;
    put_head_before(r->out, from, &as_array, n);
    return true;
}

/* key: as it was written, with its head. */
static void note_member(struct str key, struct str value, struct placeholder *p)
{
    bool negative;

    if (str_is(key, "\xac_placeholder"))
        p->marked = str_is(value, "true");
    else if (str_is(key, "\xa3num"))
        p->numbered = is_whole_number(value, &negative, &p->num) && !negative;
}

static bool put_member(struct reading *r, struct placeholder *p)
{
    size_t from = r->out->len;

    blanks(r);
    if (!put_text(r)) return false;
    size_t key_end = r->out->len;
    blanks(r);
    if (!take(r, ':')) return false;
    blanks(r);
    const char *value = r->at;
    if (r->at == r->end || !put_one(r)) return false;
    if (r->n_parts > 0 && !r->out->over)
        note_member(
            (struct str){ r->out->at + from, key_end - from }, (struct str){ value, (size_t)(r->at - value) }, p);
    blanks(r);
    return true;
}

static bool put_object(struct reading *r)
{
    size_t from = r->out->len;
    struct placeholder p = { 0 };
    uint64_t n = 0;

    blanks(r);
    if (r->at < r->end && *r->at != '}') do {
            if (!put_member(r, &p)) return false;
            n++;
        } while (take(r, ','));
    if (!take(r, '}')) return false;
    if (!p.marked) {
        put_head_before(r->out, from, &as_map, n);
        return true;
    }
    if (!p.numbered || p.num >= r->n_parts) return false;
    r->out->len = from;
    put_head(r->out, &as_bin, r->parts[p.num].len);
    buf_add_str(r->out, r->parts[p.num]);
    return true;
}

static bool put_container(struct reading *r, bool (*put)(struct reading *))
{
    if (++r->depth > DEPTH_MAX) return false;
    r->at++;
    bool good = put(r);
    r->depth--;
    return good;
}

static bool put_literal(struct reading *r, struct str word, uint8_t byte)
{
    buf_add_char(r->out, (char)byte);
    return take_word(r, word);
}

static bool put_one(struct reading *r)
{
    switch (*r->at) {
    case '{': return put_container(r, put_object);
    case '[': return put_container(r, put_array);
    case '"': return put_text(r);
    case 't': return put_literal(r, STR("true"), 0xc3);
    case 'f': return put_literal(r, STR("false"), 0xc2);
    case 'n': return put_literal(r, STR("null"), 0xc0);
    default: return put_number(r);
    }
}

static bool put_value(struct reading *r)
{
    blanks(r);
    if (r->at == r->end || !put_one(r)) return false;
    blanks(r);
    return true;
}

bool msgpack_put_json(struct buf *out, struct str json, const struct str *parts, unsigned n)
{
    struct reading r = { json.at, json.at + json.len, out, parts, n, 0 };

    return put_value(&r) && r.at == r.end && !out->over;
}

size_t msgpack_put_bound(size_t bytes)
{
    return 4 * bytes + 64; /* "1.5," becomes nine bytes */
}

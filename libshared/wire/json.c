/* json.c - the cursor over JSON. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/hex.h"
#include "libshared/base/table.h"
#include "libshared/wire/json_text.h"

#define FEW_KEYS 12 /* compared each with each */

static bool note_malformed(struct json_in *in, const char *what)
{
    if (in->verdict == JSON_MALFORMED) return false;
    in->verdict = JSON_MALFORMED;
    in->fault = what;
    in->fault_at = (size_t)(in->at - in->begin);
    return false;
}

static void refuse_at(struct json_in *in, const char *at, const char *what)
{
    if (in->verdict != JSON_FINE) return;
    in->verdict = JSON_REFUSED;
    in->fault = what;
    in->fault_at = (size_t)(at - in->begin);
}

void json_begin(struct json_in *in, struct str text, unsigned depth_max)
{
    in->begin = in->at = text.len > 0 ? text.at : "";
    in->end = in->begin + text.len;
    in->depth = 0;
    in->depth_max = depth_max;
    in->verdict = JSON_FINE;
    in->fault = NULL;
    in->fault_at = 0;
    in->scratch = BUF(text.len);
    in->keys = in->inline_keys;
    in->n_keys = 0;
    in->cap_keys = JSON_KEYS_INLINE;
    if (text.len >= UINT32_MAX || !utf8_is_valid(in->begin, text.len)) note_malformed(in, "is not UTF-8 without NUL");
}

static void skip_blanks(struct json_in *in)
{
    if (in->at < in->end && (unsigned char)*in->at > ' ') return;
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r')) in->at++;
}

enum json_verdict json_end(struct json_in *in)
{
    skip_blanks(in);
    if (in->at != in->end) note_malformed(in, "is not well-formed");
    buf_free(&in->scratch);
    if (in->keys != in->inline_keys) mem_free(in->keys);
    in->keys = NULL;
    return in->verdict;
}

char json_peek(struct json_in *in)
{
    skip_blanks(in);
    return in->at < in->end && in->verdict != JSON_MALFORMED ? *in->at : '\0';
}

static bool take_char(struct json_in *in, char c)
{
    if (in->at == in->end || *in->at != c) return false;
    in->at++;
    return true;
}

/* --- texts --- */

static bool take_hex4(struct json_in *in, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, in->at++) {
        if (in->at == in->end) return false;
        int digit = hex_digit(*in->at);
        if (digit < 0) return false;
        *out = *out << 4 | (uint32_t)digit;
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

/* The other half of a pair has to follow. */
static bool take_low_half(struct json_in *in, uint32_t *out)
{
    const char *before = in->at;

    if (take_char(in, '\\') && take_char(in, 'u') && take_hex4(in, out) && *out >= 0xdc00 && *out <= 0xdfff)
        return true;
    in->at = before;
    return false;
}

static bool read_unicode_escape(struct json_in *in)
{
    const char *from = in->at - 2;
    uint32_t c, low;

    if (!take_hex4(in, &c)) return note_malformed(in, "has an escape that is none");
    if (c == 0) refuse_at(in, from, "has a NUL");
    if (c >= 0xd800 && c <= 0xdbff && take_low_half(in, &low)) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c >= 0xd800 && c <= 0xdfff) {
        refuse_at(in, from, "has half of a surrogate pair");
        c = 0xfffd;
    }
    put_utf8(&in->scratch, c);
    return true;
}

static bool read_escape(struct json_in *in)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

    if (take_char(in, 'u')) return read_unicode_escape(in);
    const char *found = in->at < in->end ? memchr(from, *in->at, sizeof from - 1) : NULL;
    if (found == NULL) return note_malformed(in, "has an escape that is none");
    in->at++;
    buf_add_char(&in->scratch, to[found - from]);
    return true;
}

static struct str take_plain(struct json_in *in)
{
    struct str plain = { in->at, json_plain_length((struct str){ in->at, (size_t)(in->end - in->at) }) };

    in->at += plain.len;
    return plain;
}

static bool read_escaped(struct json_in *in, struct str plain, struct str *out)
{
    buf_clear(&in->scratch);
    buf_add_str(&in->scratch, plain);
    while (!take_char(in, '"')) {
        if (!take_char(in, '\\'))
            return note_malformed(in, "has a text that does not end, or a control character in one");
        if (!read_escape(in)) return false;
        buf_add_str(&in->scratch, take_plain(in));
    }
    *out = in->scratch.len > 0 ? buf_str(&in->scratch) : STR("");
    return true;
}

bool json_text(struct json_in *in, struct str *out)
{
    if (json_peek(in) != '"') return note_malformed(in, "is not well-formed");
    in->at++;
    *out = take_plain(in);
    return take_char(in, '"') || read_escaped(in, *out, out);
}

bool json_is_decoded(const struct json_in *in, struct str text)
{
    return in->scratch.at != NULL && text.at == in->scratch.at;
}

/* --- numbers --- */

static bool take_digits(struct json_in *in)
{
    const char *from = in->at;

    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') in->at++;
    return in->at > from;
}

static bool take_fraction(struct json_in *in, bool *is_whole)
{
    if (!take_char(in, '.')) return true;
    *is_whole = false;
    return take_digits(in);
}

static bool take_exponent(struct json_in *in, bool *is_whole)
{
    if (!take_char(in, 'e') && !take_char(in, 'E')) return true;
    *is_whole = false;
    if (!take_char(in, '+')) take_char(in, '-');
    return take_digits(in);
}

/* An integer's magnitude, where 64 bits hold the number. */
static bool read_whole(struct str digits, bool negative, uint64_t *out)
{
    uint64_t n = 0;

    for (size_t i = 0; i < digits.len; i++) {
        uint64_t digit = (uint64_t)(digits.at[i] - '0');
        if (n > (UINT64_MAX - digit) / 10) return false;
        n = n * 10 + digit;
    }
    *out = n;
    return !negative || (n > 0 && n <= (uint64_t)INT64_MAX + 1);
}

static bool has_digit_but_zero(const char *text)
{
    for (; *text != '\0' && *text != 'e' && *text != 'E'; text++)
        if (*text >= '1' && *text <= '9') return true;
    return false;
}

static void read_real(struct json_in *in, struct str raw, double *out)
{
    char text[JSON_NUMBER_MAX + 1];

    *out = 0;
    if (raw.len > JSON_NUMBER_MAX) {
        refuse_at(in, raw.at, "has a number that is too long");
        return;
    }
    memcpy(text, raw.at, raw.len);
    text[raw.len] = '\0';
    *out = strtod(text, NULL);
    if (!isfinite(*out) || (*out == 0 && has_digit_but_zero(text)))
        refuse_at(in, raw.at, "has a number that no IEEE double holds");
}

bool json_number(struct json_in *in, struct json_number *out)
{
    const char *from = in->at;
    bool is_whole = true, negative = take_char(in, '-');
    const char *digits = in->at;

    if ((!take_char(in, '0') && !take_digits(in)) || !take_fraction(in, &is_whole) || !take_exponent(in, &is_whole))
        return note_malformed(in, "is not well-formed");
    *out = (struct json_number){ .negative = negative };
    out->whole = is_whole && read_whole((struct str){ digits, (size_t)(in->at - digits) }, negative, &out->magnitude);
    if (out->whole)
        out->real = negative ? -(double)out->magnitude : (double)out->magnitude;
    else
        read_real(in, (struct str){ from, (size_t)(in->at - from) }, &out->real);
    return true;
}

bool json_word(struct json_in *in, struct str word)
{
    skip_blanks(in);
    if ((size_t)(in->end - in->at) < word.len || memcmp(in->at, word.at, word.len) != 0)
        return note_malformed(in, "is not well-formed");
    in->at += word.len;
    return true;
}

/* --- keys --- */

/* Raw, from its quote on.  Rare: only where two hashes are the same. */
static bool is_same_key(struct json_in *in, const struct json_key *a, const struct json_key *b)
{
    struct json_in one = *in, two = *in; /* cursors that only read */
    struct str left, right;

    one.scratch = two.scratch = BUF((size_t)(in->end - in->begin));
    one.at = in->begin + a->at;
    two.at = in->begin + b->at;
    one.verdict = two.verdict = JSON_FINE;
    bool same = json_text(&one, &left) && json_text(&two, &right) && str_eq(left, right);
    buf_free(&one.scratch);
    buf_free(&two.scratch);
    return same;
}

static void compare_keys(struct json_in *in, const struct json_key *a, const struct json_key *b)
{
    if (in->verdict == JSON_FINE && is_same_key(in, a, b))
        refuse_at(in, in->begin + (a->at > b->at ? a->at : b->at), "has a key that is given twice");
}

static int by_hash(const void *a, const void *b)
{
    unsigned left = ((const struct json_key *)a)->hash, right = ((const struct json_key *)b)->hash;

    return (left > right) - (left < right);
}

static void check_keys(struct json_in *in, size_t first)
{
    struct json_key *keys = in->keys + first;
    size_t n = in->n_keys - first;
    bool many = n > FEW_KEYS;

    if (in->verdict != JSON_FINE) return;
    if (many) qsort(keys, n, sizeof *keys, by_hash);
    for (size_t i = 0; i < n && in->verdict == JSON_FINE; i++)
        for (size_t j = i + 1; j < n && (!many || keys[j].hash == keys[i].hash); j++)
            if (keys[j].hash == keys[i].hash) compare_keys(in, &keys[i], &keys[j]);
}

static void grow_keys(struct json_in *in)
{
    struct json_key *more = mem_alloc(in->cap_keys * 2 * sizeof *more);

    memcpy(more, in->keys, in->n_keys * sizeof *more);
    if (in->keys != in->inline_keys) mem_free(in->keys);
    in->keys = more;
    in->cap_keys *= 2;
}

static void note_key(struct json_in *in, const char *at, struct str key)
{
    if (in->n_keys == JSON_KEYS_MAX) {
        refuse_at(in, at, "has too many keys");
        return;
    }
    if (in->n_keys == in->cap_keys) grow_keys(in);
    in->keys[in->n_keys++] = (struct json_key){ table_hash(key.at, key.len), (uint32_t)(at - in->begin) };
}

/* --- containers --- */

static bool open_container(struct json_in *in, char bracket, struct json_open *open)
{
    if (json_peek(in) != bracket) return note_malformed(in, "is not well-formed");
    if (in->depth == in->depth_max) return note_malformed(in, "is nested too deeply");
    in->at++;
    in->depth++;
    *open = (struct json_open){ .first_key = in->n_keys };
    return true;
}

/* Is there another member?  Takes the comma before it, or the bracket behind the last. */
static bool next_member(struct json_in *in, struct json_open *open, char closing)
{
    bool begun = open->begun;

    open->begun = true;
    if (json_peek(in) == closing) {
        in->at++;
        in->depth--;
        return false;
    }
    if (in->verdict == JSON_MALFORMED || (begun && !take_char(in, ',')))
        return note_malformed(in, "is not well-formed");
    return true;
}

bool json_open_array(struct json_in *in, struct json_open *array)
{
    return open_container(in, '[', array);
}

bool json_next_item(struct json_in *in, struct json_open *array)
{
    return next_member(in, array, ']');
}

bool json_open_object(struct json_in *in, struct json_open *object)
{
    return open_container(in, '{', object);
}

bool json_next_key(struct json_in *in, struct json_open *object, struct str *key)
{
    if (!next_member(in, object, '}')) {
        if (in->verdict == JSON_FINE) check_keys(in, object->first_key);
        in->n_keys = object->first_key;
        return false;
    }
    json_peek(in);
    const char *at = in->at;
    if (!json_text(in, key)) return false;
    if (json_peek(in) != ':') return note_malformed(in, "is not well-formed");
    in->at++;
    note_key(in, at, *key);
    in->key_at = at;
    return true;
}

const char *json_key_at(const struct json_in *in)
{
    return in->key_at;
}

static bool skip_array(struct json_in *in)
{
    struct json_open array;

    if (!json_open_array(in, &array)) return false;
    while (json_next_item(in, &array))
        if (!json_skip(in, NULL)) return false;
    return in->verdict != JSON_MALFORMED;
}

static bool skip_object(struct json_in *in)
{
    struct json_open object;
    struct str key;

    if (!json_open_object(in, &object)) return false;
    while (json_next_key(in, &object, &key))
        if (!json_skip(in, NULL)) return false;
    return in->verdict != JSON_MALFORMED;
}

static bool skip_value(struct json_in *in, char first)
{
    struct json_number number;
    struct str text;

    switch (first) {
    case '{': return skip_object(in);
    case '[': return skip_array(in);
    case '"': return json_text(in, &text);
    case 't': return json_word(in, STR("true"));
    case 'f': return json_word(in, STR("false"));
    case 'n': return json_word(in, STR("null"));
    default: return json_number(in, &number);
    }
}

bool json_skip(struct json_in *in, struct str *raw)
{
    char first = json_peek(in);
    const char *from = in->at;

    if (in->verdict == JSON_MALFORMED || !skip_value(in, first)) return false;
    if (raw != NULL) *raw = (struct str){ from, (size_t)(in->at - from) };
    return true;
}

/* --- whole texts --- */

enum json_verdict json_check(struct str text, unsigned depth_max)
{
    struct json_in in;

    json_begin(&in, text, depth_max);
    json_skip(&in, NULL);
    return json_end(&in);
}

bool json_find(struct str text, const char *name, struct str *raw)
{
    struct json_in in;
    struct json_open object;
    struct str key;
    bool found = false;

    json_begin(&in, text, JSON_DEPTH_MAX);
    if (json_peek(&in) == '{' && json_open_object(&in, &object))
        while (!found && json_next_key(&in, &object, &key)) {
            found = str_is(key, name);
            if (!json_skip(&in, raw)) break;
        }
    found = found && in.verdict == JSON_FINE;
    json_end(&in);
    return found;
}

bool json_plain_text(struct str raw, struct str *out)
{
    if (raw.len < 2 || raw.at[0] != '"' || memchr(raw.at, '\\', raw.len) != NULL) return false;
    *out = (struct str){ raw.at + 1, raw.len - 2 };
    return true;
}

bool json_decode_text(struct str raw, struct arena *arena, struct str *out)
{
    struct json_in in;

    json_begin(&in, raw, 1);
    bool good = json_text(&in, out);
    if (good && json_is_decoded(&in, *out)) *out = arena_str(arena, *out);
    return json_end(&in) == JSON_FINE && good;
}

bool json_find_text(struct str object, const char *name, struct arena *arena, struct str *out)
{
    struct str raw;

    return json_find(object, name, &raw) && json_decode_text(raw, arena, out);
}

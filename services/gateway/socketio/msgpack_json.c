/* msgpack_json.c - a msgpack value as JSON text, as JavaScript would have written it. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "libshared/wire/json_text.h"
#include "services/gateway/socketio/msgpack_json.h"

#define EXT_TIMESTAMP (-1)
#define EXT_NOTEPACK  0                         /* undefined, dates and ArrayBuffers of notepack 2 */
#define DATE_MAX_MS   INT64_C(8640000000000000) /* of a JavaScript Date, either way */
#define PLACEHOLDER   "{\"_placeholder\":true,\"num\":%u}"
#define PER_BYTE      6 /* \u0001 of one byte, "-1.2345678901234567e-30" of five */

struct writing {
    struct msgpack_in *in;
    struct buf *json;
    struct json_parts *parts;
    unsigned depth;
};

static void put_value(struct writing *w);

static uint64_t big_endian(struct str bytes)
{
    uint64_t n = 0;

    for (size_t i = 0; i < bytes.len; i++) n = n << 8 | (uint8_t)bytes.at[i];
    return n;
}

/* JavaScript cuts a fraction of a millisecond off, towards 1970. */
static int64_t ms_of(int64_t s, int64_t ns)
{
    int64_t ms;

    if (s <= -DATE_MAX_MS / 1000 || s >= DATE_MAX_MS / 1000) return INT64_MAX;
    ms = s * 1000 + ns / 1000000;
    return ms < 0 && ns % 1000000 != 0 ? ms + 1 : ms;
}

/* Milliseconds since 1970; false: not a date.  The lead decides, as it does for notepack, and not the length alone. */
static bool date_of(const struct msgpack_value *v, int64_t *ms)
{
    uint64_t n = v->bytes.len <= 8 ? big_endian(v->bytes) : 0;

    if (v->lead == 0xd7 && v->ext == EXT_NOTEPACK)
        *ms = (int64_t)n;
    else if (v->lead == 0xd6 && v->ext == EXT_TIMESTAMP)
        *ms = (int64_t)n * 1000;
    else if (v->lead == 0xd7 && v->ext == EXT_TIMESTAMP)
        *ms = ms_of((int64_t)(n & ((UINT64_C(1) << 34) - 1)), (int64_t)(n >> 34));
    else if (v->lead == 0xc7 && v->ext == EXT_TIMESTAMP && v->bytes.len == 12)
        *ms = ms_of((int64_t)big_endian(str_skip(v->bytes, 4)), (int64_t)big_endian((struct str){ v->bytes.at, 4 }));
    else
        return false;
    return true;
}

static void put_date(struct buf *json, int64_t ms)
{
    struct tm at;

    if (ms > DATE_MAX_MS || ms < -DATE_MAX_MS) {
        buf_add_str(json, STR("null"));
        return;
    }
    int64_t part = ((ms % 1000) + 1000) % 1000;
    time_t s = (time_t)((ms - part) / 1000);
    gmtime_r(&s, &at);
    int year = at.tm_year + 1900;
    if (year < 0 || year > 9999)
        buf_printf(json, "\"%c%06d", year < 0 ? '-' : '+', year < 0 ? -year : year);
    else
        buf_printf(json, "\"%04d", year);
    buf_printf(json, "-%02d-%02dT%02d:%02d:%02d.%03" PRId64 "Z\"", at.tm_mon + 1, at.tm_mday, at.tm_hour, at.tm_min,
        at.tm_sec, part);
}

static void put_bin(struct writing *w, struct str bytes)
{
    struct json_parts *parts = w->parts;

    if (parts->n == parts->max) {
        w->in->bad = true;
        return;
    }
    buf_printf(w->json, PLACEHOLDER, parts->n);
    parts->at[parts->n++] = bytes;
}

/* What notepack has no meaning for it gives as an array. */
static void put_other_ext(struct writing *w, const struct msgpack_value *v)
{
    buf_printf(w->json, "[%d,", v->ext);
    put_bin(w, v->bytes);
    buf_add_char(w->json, ']');
}

static void put_ext(struct writing *w, const struct msgpack_value *v)
{
    int64_t ms;

    if (msgpack_is_undefined(v))
        buf_add_str(w->json, STR("null"));
    else if (date_of(v, &ms))
        put_date(w->json, ms);
    else if (v->ext == EXT_NOTEPACK && v->lead < 0xd0)
        put_bin(w, v->bytes);
    else
        put_other_ext(w, v);
}

/* A NUL is for the door to refuse, which says where. */
static bool is_utf8(struct str s)
{
    size_t at;

    while (str_find(s, '\0', &at)) {
        if (!utf8_is_valid(s.at, at)) return false;
        s = str_skip(s, at + 1);
    }
    return utf8_is_valid(s.at, s.len);
}

static void put_text(struct writing *w, struct str text)
{
    if (is_utf8(text))
        json_put_text(w->json, text);
    else
        w->in->bad = true;
}

/* Keys are texts; a number is one, as it is in JavaScript. */
static void put_key(struct writing *w, const struct msgpack_value *key)
{
    switch ((int)key->kind) {
    case MSGPACK_TEXT: put_text(w, key->bytes); break;
    case MSGPACK_UINT: buf_printf(w->json, "\"%" PRIu64 "\"", key->uint); break;
    case MSGPACK_INT: buf_printf(w->json, "\"%" PRId64 "\"", key->integer); break;
    default: w->in->bad = true;
    }
}

static bool deeper(struct writing *w)
{
    if (++w->depth > MSGPACK_MAX_DEPTH) w->in->bad = true;
    return !w->in->bad;
}

static void put_array(struct writing *w, uint32_t n)
{
    if (!deeper(w)) return;
    buf_add_char(w->json, '[');
    for (uint32_t i = 0; i < n && !w->in->bad; i++) {
        if (i > 0) buf_add_char(w->json, ',');
        put_value(w);
    }
    buf_add_char(w->json, ']');
    w->depth--;
}

static bool next_is_undefined(const struct msgpack_in *in)
{
    struct msgpack_in ahead = *in;
    struct msgpack_value value;

    return msgpack_next(&ahead, &value) && msgpack_is_undefined(&value);
}

static void put_pair(struct writing *w, bool *first)
{
    struct msgpack_value key;
    struct str raw;

    if (!msgpack_next(w->in, &key)) return;
    if (next_is_undefined(w->in)) {
        msgpack_skip(w->in, &raw);
        return;
    }
    if (!*first) buf_add_char(w->json, ',');
    *first = false;
    put_key(w, &key);
    buf_add_char(w->json, ':');
    put_value(w);
}

static void put_map(struct writing *w, uint32_t pairs)
{
    bool first = true;

    if (!deeper(w)) return;
    buf_add_char(w->json, '{');
    for (uint32_t i = 0; i < pairs && !w->in->bad; i++) put_pair(w, &first);
    buf_add_char(w->json, '}');
    w->depth--;
}

static void put_real(struct writing *w, double real)
{
    if (isfinite(real))
        json_put_real(w->json, real);
    else
        buf_add_str(w->json, STR("null"));
}

static void put_value(struct writing *w)
{
    struct msgpack_value v;

    if (!msgpack_next(w->in, &v)) return;
    switch (v.kind) {
    case MSGPACK_NIL: buf_add_str(w->json, STR("null")); break;
    case MSGPACK_BOOL: buf_add_str(w->json, v.truth ? STR("true") : STR("false")); break;
    case MSGPACK_UINT: json_put_uint(w->json, v.uint); break;
    case MSGPACK_INT: json_put_int(w->json, v.integer); break;
    case MSGPACK_REAL: put_real(w, v.real); break;
    case MSGPACK_TEXT: put_text(w, v.bytes); break;
    case MSGPACK_BIN: put_bin(w, v.bytes); break;
    case MSGPACK_EXT: put_ext(w, &v); break;
    case MSGPACK_ARRAY: put_array(w, v.count); break;
    case MSGPACK_MAP: put_map(w, v.count); break;
    }
}

bool msgpack_json(struct msgpack_in *in, struct buf *json, struct json_parts *parts)
{
    struct writing w = { in, json, parts, 0 };

    put_value(&w);
    return !in->bad && !json->over;
}

size_t msgpack_json_bound(size_t bytes, unsigned parts)
{
    return PER_BYTE * bytes + parts * sizeof PLACEHOLDER + 64;
}

/* pg_arg.c - values on their way into a statement.
 *
 * at == NULL with len >= 0 means that the value is in `text`, which moves with the struct; len == -1 is NULL. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_private.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

static const struct pg_arg none = { .len = -1, .format = 1 };

static struct pg_arg null_of(unsigned type)
{
    struct pg_arg arg = none;

    arg.type = type;
    return arg;
}

static struct pg_arg make_arg(unsigned type, int format, struct str s)
{
    assert(s.len <= INT_MAX);
    struct pg_arg arg = { .at = s.len ? s.at : "", .len = (int)s.len, .format = format, .type = type };
    return s.at == NULL ? null_of(type) : arg;
}

static struct pg_arg eight_bytes(unsigned type, int64_t n)
{
    struct pg_arg arg = { .len = 8, .format = 1, .type = type };

    pg_put64(arg.text, (uint64_t)n);
    return arg;
}

struct pg_arg pg_id(struct id id)
{
    struct pg_arg arg = { .len = 16, .format = 1, .type = PG_UUID };

    memcpy(arg.text, id.b, sizeof id.b);
    return id_is_nil(id) ? null_of(PG_UUID) : arg;
}

struct pg_arg pg_text(struct str text)
{
    return make_arg(PG_TEXT, 1, text);
}

struct pg_arg pg_int(int64_t n)
{
    return eight_bytes(PG_INT8, n);
}

struct pg_arg pg_bool(bool b)
{
    return (struct pg_arg){ .len = 1, .format = 1, .type = PG_BOOL, .text = { b } };
}

static int64_t to_pg_us(int64_t ms)
{
    return (ms - PG_EPOCH_MS) * 1000;
}

struct pg_arg pg_time(int64_t ms)
{
    return ms == 0 ? null_of(PG_TIMESTAMPTZ) : eight_bytes(PG_TIMESTAMPTZ, to_pg_us(ms));
}

struct pg_arg pg_bytes(struct str bytes)
{
    return make_arg(PG_BYTEA, 1, bytes);
}

/* Behind `before`: jsonb's binary form is a version byte and the text, json's the text. */
static struct str json_of(struct arena *arena, struct str before, struct str any)
{
    struct buf json = BUF(16u << 20);

    buf_add_str(&json, before);
    enum err e = wire_any_to_json(any, &json);
    assert(e == OK && !json.over); /* an ANY was checked when it came in */
    struct str bytes = arena_str(arena, buf_str(&json));
    buf_free(&json);
    return bytes;
}

struct pg_arg pg_json(struct arena *arena, struct str any)
{
    return any.at == NULL ? null_of(PG_JSONB) : make_arg(PG_JSONB, 1, json_of(arena, STR("\x01"), any));
}

/* A number's exponent, without its sign: how many digits it stands for, at the most.  *i is at the e. */
static size_t skip_exponent(struct str json, size_t *i)
{
    size_t n = 0;

    for (++*i; *i < json.len && strchr("+-0123456789", json.at[*i]) != NULL; ++*i)
        if (json.at[*i] >= '0') n = n * 10 + (size_t)(json.at[*i] - '0');
    --*i;
    return n;
}

/* What jsonb's text adds to JSON of ours: a blank behind each comma and colon, and exponents written out. */
static size_t printed_bytes(struct str json)
{
    size_t bytes = json.len;
    bool quoted = false;

    for (size_t i = 0; i < json.len; i++) {
        char c = json.at[i];
        if (c == '"') quoted = !quoted;
        if (quoted && c == '\\') i++;
        if (quoted) continue;
        if (c == ',' || c == ':') bytes++;
        if (c == 'e' && i > 0 && json.at[i - 1] >= '0' && json.at[i - 1] <= '9') bytes += skip_exponent(json, &i);
    }
    return bytes;
}

bool pg_json_fits(struct str any, size_t max)
{
    struct buf json = BUF(max);
    bool fits = wire_any_to_json(any, &json) == OK && printed_bytes(buf_str(&json)) <= max;

    buf_free(&json);
    return fits;
}

/* An array's binary form: dimensions, may have NULLs, element type, length, lower bound; then each as length and bytes. */
static char *array_begin(struct arena *arena, unsigned item_type, size_t n, size_t items_bytes, struct str *out)
{
    size_t len = 20 + 4 * n + items_bytes;
    char *at = arena_alloc(arena, len);

    assert(n <= INT_MAX && len <= INT_MAX);
    pg_put32(at, n > 0);
    pg_put32(at + 4, 1);
    pg_put32(at + 8, item_type);
    pg_put32(at + 12, (uint32_t)n);
    pg_put32(at + 16, 1);
    *out = (struct str){ at, n ? len : 12 };
    return at + 20;
}

/* item == NULL is NULL. */
static char *array_item(char *at, const void *item, size_t len)
{
    if (item == NULL) {
        pg_put32(at, UINT32_MAX);
        return at + 4;
    }
    pg_put32(at, (uint32_t)len);
    memcpy(at + 4, item, len);
    return at + 4 + len;
}

static struct pg_arg array_of_strs(struct arena *arena, unsigned type, unsigned item_type, struct str_list list)
{
    size_t total = 0;
    struct str out;

    for (size_t i = 0; i < list.len; i++) total += list.at[i].at ? list.at[i].len : 0;
    char *at = array_begin(arena, item_type, list.len, total, &out);
    for (size_t i = 0; i < list.len; i++) at = array_item(at, list.at[i].at, list.at[i].len);
    return make_arg(type, 1, out);
}

struct pg_arg pg_texts(struct arena *arena, struct str_list list)
{
    return array_of_strs(arena, PG_TEXTS, PG_TEXT, list);
}

struct pg_arg pg_jsons(struct arena *arena, struct str_list list)
{
    struct str_list encoded = { arena_alloc(arena, (list.len + 1) * sizeof *encoded.at), list.len };

    for (size_t i = 0; i < list.len; i++)
        encoded.at[i] = list.at[i].at ? json_of(arena, STR_NONE, list.at[i]) : STR_NONE;
    return array_of_strs(arena, PG_JSONS, PG_JSON, encoded);
}

struct pg_arg pg_ids(struct arena *arena, struct id_list list)
{
    struct str out;
    char *at = array_begin(arena, PG_UUID, list.len, 16 * list.len, &out);

    for (size_t i = 0; i < list.len; i++) at = array_item(at, list.at[i].b, 16);
    return make_arg(PG_UUIDS, 1, out);
}

static struct pg_arg array_of_eights(
    struct arena *arena, unsigned type, unsigned item_type, const int64_t *n, size_t len)
{
    struct str out;
    char *at = array_begin(arena, item_type, len, 8 * len, &out);

    for (size_t i = 0; i < len; i++) {
        char eight[8];
        pg_put64(eight, (uint64_t)(item_type == PG_TIMESTAMPTZ ? to_pg_us(n[i]) : n[i]));
        at = array_item(at, eight, sizeof eight);
    }
    return make_arg(type, 1, out);
}

struct pg_arg pg_ints(struct arena *arena, const int64_t *at, size_t n)
{
    return array_of_eights(arena, PG_INT8S, PG_INT8, at, n);
}

struct pg_arg pg_times(struct arena *arena, const int64_t *at, size_t n)
{
    return array_of_eights(arena, PG_TIMESTAMPTZS, PG_TIMESTAMPTZ, at, n);
}

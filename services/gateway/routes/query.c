/* query.c - path parameters, query and body of a request as one JSON object. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/query.h"

#include <string.h>

#define QUERY_VALUES_MAX 64

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool query_decode(struct str raw, bool plus_is_blank, struct arena *arena, struct str *out)
{
    char *to = arena_alloc(arena, raw.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];
        if (c == '%') {
            if (raw.len - i < 3 || hex_digit(raw.at[i + 1]) < 0 || hex_digit(raw.at[i + 2]) < 0) return false;
            c = (char)(hex_digit(raw.at[i + 1]) << 4 | hex_digit(raw.at[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        to[n++] = c;
    }
    *out = (struct str){ to, n };
    return utf8_is_valid(to, n);
}

/* What a text stands for in a field of this kind; what doesn't fit stays text, for the decoder to refuse by name. */
static json_t *typed(const struct wire_shape *shape, struct str name, struct str value)
{
    const struct wire_field *field = wire_find(shape, name);
    int64_t number;

    if (field != NULL && (field->kind == WIRE_INT || field->kind == WIRE_TIME) && str_to_int(value, &number))
        return json_integer(number);
    if (field != NULL && field->kind == WIRE_BOOL && (str_is(value, "true") || str_is(value, "1"))) return json_true();
    if (field != NULL && field->kind == WIRE_BOOL && (str_is(value, "false") || str_is(value, "0")))
        return json_false();
    if (field != NULL && field->kind == WIRE_TEXTS) return json_pack("[s%]", value.at, value.len);
    return json_stringn(value.at, value.len);
}

static bool put(
    json_t *to, const struct wire_shape *shape, struct str name, struct str raw, bool plus, struct arena *arena)
{
    struct str key, value;

    if (!query_decode(name, plus, arena, &key) || !query_decode(raw, plus, arena, &value)) return false;
    return json_object_set_new(to, arena_cstr(arena, key), typed(shape, key, value)) == 0;
}

static bool put_query(json_t *to, const struct wire_shape *shape, struct str query, struct arena *arena)
{
    for (int n = 0; query.len > 0; n++) {
        size_t end, equals;
        if (n == QUERY_VALUES_MAX) return false;
        if (!str_find(query, '&', &end)) end = query.len;
        struct str pair = { query.at, end };
        query = str_skip(query, end < query.len ? end + 1 : end);
        if (!str_find(pair, '=', &equals)) equals = pair.len;
        struct str value = equals < pair.len ? str_skip(pair, equals + 1) : (struct str){ pair.at + equals, 0 };
        if (pair.len > 0 && !put(to, shape, (struct str){ pair.at, equals }, value, true, arena)) return false;
    }
    return true;
}

static bool put_params(
    json_t *to, const struct wire_shape *shape, const struct route_params *params, struct arena *arena)
{
    for (size_t i = 0; i < params->n; i++)
        if (!put(to, shape, params->at[i].name, params->at[i].value, false, arena)) return false;
    return true;
}

static json_t *read_body(struct str body, enum err *e, struct wire_error *why)
{
    json_error_t at;

    if (body.len == 0) return json_object();
    json_t *json = json_loadb(body.at, body.len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &at);
    if (json == NULL)
        *e = wire_refuse(why, ERR_MALFORMED, NULL, "the body is not JSON: %s, at byte %d", at.text, at.position);
    else if (!json_is_object(json)) {
        *e = wire_refuse(why, ERR_INVALID_ARGUMENT, NULL, "the body has to be a JSON object");
        json_decref(json);
        json = NULL;
    }
    return json;
}

json_t *query_merge(const struct wire_shape *shape, const struct route_params *params, struct str query,
    struct str body, struct arena *arena, enum err *e, struct wire_error *why)
{
    json_t *json = read_body(body, e, why);

    if (json == NULL) return NULL;
    if (put_query(json, shape, query, arena) && put_params(json, shape, params, arena)) return json;
    *e = wire_refuse(why, ERR_MALFORMED, NULL, "the path or the query is not well encoded, or has too many values");
    json_decref(json);
    return NULL;
}

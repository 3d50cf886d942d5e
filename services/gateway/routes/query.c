/* query.c - path parameters and query of a request, decoded once. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/query.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/hex.h"

#define QUERY_VALUES_MAX 64
#define OURS_MAX         (ROUTE_COOKIES_MAX + 8)
#define GIVEN_MAX        (2 * QUERY_VALUES_MAX + ROUTE_PARAMS_MAX + OURS_MAX)

bool query_decode(struct str raw, bool plus_is_blank, struct arena *arena, struct str *out)
{
    char *to = arena_alloc(arena, raw.len + 1);
    size_t n;

    if (!percent_decode(raw, plus_is_blank, to, &n)) return false;
    *out = (struct str){ to, n };
    return utf8_is_valid(to, n);
}

void given_begin(struct wire_given_list *given, struct arena *arena)
{
    *given = (struct wire_given_list){ arena_alloc(arena, GIVEN_MAX * sizeof *given->at), 0 };
}

void given_put(struct wire_given_list *given, const char *name, struct str value)
{
    assert(given->len < GIVEN_MAX);
    given->at[given->len++] = (struct wire_given){ str_of(name), value };
}

void given_forget(struct wire_given_list *given, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < given->len; i++)
        if (!str_is(given->at[i].name, name)) given->at[n++] = given->at[i];
    given->len = n;
}

static bool put_value(struct wire_given_list *to, struct str name, struct str raw, bool plus, struct arena *arena)
{
    struct wire_given *given = &to->at[to->len];

    to->len++;
    return query_decode(name, plus, arena, &given->name) && query_decode(raw, plus, arena, &given->value);
}

static bool put_query(struct wire_given_list *to, struct str query, struct arena *arena)
{
    for (int n = 0; query.len > 0; n++) {
        if (n == QUERY_VALUES_MAX) return false;
        struct str pair = str_cut(&query, '&'), value = pair, name = str_cut(&value, '=');
        if (pair.len > 0 && !put_value(to, name, value, true, arena)) return false;
    }
    return true;
}

static bool put_params(struct wire_given_list *to, const struct route_params *params, struct arena *arena)
{
    for (size_t i = 0; i < params->n; i++)
        if (!put_value(to, params->at[i].name, params->at[i].value, false, arena)) return false;
    return true;
}

enum err query_read(const struct route_params *params, struct str query, struct arena *arena,
    struct wire_given_list *out, struct wire_error *why)
{
    if (put_query(out, query, arena) && put_params(out, params, arena)) return OK;
    return wire_refuse(why, ERR_MALFORMED, NULL, "the path or the query is not well encoded, or has too many values");
}

static bool is_left_empty(const struct wire_shape *shape, const struct wire_given *given)
{
    const struct wire_field *f = wire_find(shape, given->name);

    return given->value.len == 0 && f != NULL && !f->required;
}

enum err form_read(const struct wire_shape *shape, struct str form, struct arena *arena, struct wire_given_list *out,
    struct wire_error *why)
{
    size_t first = out->len, n = first;

    if (!put_query(out, form, arena))
        return wire_refuse(why, ERR_MALFORMED, NULL, "the form is not well encoded, or has too many fields");
    for (size_t i = first; i < out->len; i++) {
        for (size_t k = first; k < i; k++)
            if (str_eq(out->at[k].name, out->at[i].name))
                return wire_refuse(why, ERR_INVALID_ARGUMENT, arena_cstr(arena, out->at[i].name), "is given twice");
    }
    for (size_t i = first; i < out->len; i++)
        if (!is_left_empty(shape, &out->at[i])) out->at[n++] = out->at[i];
    out->len = n;
    return OK;
}

/* rows.c - the rows of proto/public.def, and finding one. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/rows.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct route_row routes[] = {
#define BODY_JSON(bytes) .takes = TAKES_JSON, .body_max = (bytes)
#define BODY_FORM        .takes = TAKES_FORM, .body_max = INT64_C(1) << 40 /* its service has a bound, and says so before it comes */
#define CACHE_REVALIDATE .cache_control = "private, no-cache"
#define CACHE_NO_STORE   .cache_control = "no-store"
#define CACHE_PUBLIC(s)  .cache_control = "public, max-age=" #s
#define ROUTE(http_, path_, service_, noun, verb, who_, nsp_, event_, action_, class_, body_, status_, answer_, cache_, doc) \
    { .http = #http_, .path = path_, .service = SERVICE_##service_, .method = M_##service_##_##noun##_##verb, .who = WHO_##who_, \
      .nsp = nsp_, .event = event_, .action = POLICY_##action_, .class = CLASS_##class_, BODY_##body_, .status = status_, \
      .answer = ANSWER_##answer_, CACHE_##cache_ },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

static const struct event_row events[] = {
#define ON(nsp_, event_, service_, noun, verb, action_, effect_, class_, doc) \
    { .nsp = nsp_, .event = event_, .service = SERVICE_##service_, .method = M_##service_##_##noun##_##verb, \
      .action = POLICY_##action_, .effect = EFFECT_##effect_, .class = CLASS_##class_ },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */

/* The next segment of a path, without its slash. */
static bool next_segment(struct str *path, struct str *out)
{
    size_t end;

    if (path->len == 0 || path->at[0] != '/') return false;
    *path = str_skip(*path, 1);
    if (!str_find(*path, '/', &end)) end = path->len;
    *out = (struct str){ path->at, end };
    *path = str_skip(*path, end);
    return true;
}

bool route_fits(const struct route_row *row, struct str path, struct route_params *params)
{
    struct str pattern = str_of(row->path), want, have;

    params->n = 0;
    while (next_segment(&pattern, &want)) {
        if (!next_segment(&path, &have)) return false;
        if (want.len > 2 && want.at[0] == '{' && have.len > 0 && params->n < ROUTE_PARAMS_MAX) {
            params->at[params->n].name = (struct str){ want.at + 1, want.len - 2 };
            params->at[params->n++].value = have;
        } else if (!str_eq(want, have)) {
            return false;
        }
    }
    return path.len == 0 || str_is(path, "/");
}

static void add_method(char allow[64], const char *http)
{
    size_t len = strlen(allow);

    snprintf(allow + len, 64 - len, "%s%s", len > 0 ? ", " : "", http);
}

const struct route_row *route_find(struct str http, struct str path, struct route_params *params, char allow[64])
{
    allow[0] = '\0';
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (!route_fits(&routes[i], path, params)) continue;
        if (str_is(http, routes[i].http)) return &routes[i];
        add_method(allow, strcmp(routes[i].http, "GET") == 0 ? "GET, HEAD" : routes[i].http);
    }
    return NULL;
}

const char *route_takes(const struct route_row *row)
{
    static const char *const types[] = { [TAKES_JSON] = "application/json", [TAKES_FORM] = "multipart/form-data" };

    return types[row->takes];
}

const char *route_answers(const struct route_row *row)
{
    static const char *const types[] = { [ANSWER_ENVELOPE] = "application/json",
        [ANSWER_BARE] = "application/json",
        [ANSWER_EMPTY] = NULL,
        [ANSWER_REDIRECT] = NULL,
        [ANSWER_STREAM] = NULL };

    return types[row->answer];
}

const struct event_row *event_row_find(struct str nsp, struct str event)
{
    for (size_t i = 0; i < COUNT(events); i++)
        if (str_is(event, events[i].event) && str_is(nsp, events[i].nsp)) return &events[i];
    return NULL;
}

size_t event_row_names(struct str nsp, struct str *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT(events) && n < max; i++)
        if (str_is(nsp, events[i].nsp)) out[n++] = str_of(events[i].event);
    return n;
}

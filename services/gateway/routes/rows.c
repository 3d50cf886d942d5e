/* rows.c - the rows of proto/public.def, and finding one. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/rows.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
enum cookie_index {
#define COOKIE(name, called, path, same_site, seconds, doc) COOKIE_##name,
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

#define SAME_SITE_STRICT "Strict"
#define SAME_SITE_LAX    "Lax"
static const struct cookie_row cookies[] = {
#define COOKIE(name, called, path_, same_site_, seconds, doc) { called, path_, SAME_SITE_##same_site_, seconds },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

static const struct route_row routes[] = {
#define WHO_OF_ANYONE     .who = WHO_ANYONE
#define WHO_OF_BEARER     .who = WHO_BEARER
#define WHO_OF_PENDING    .who = WHO_PENDING
#define WHO_OF_SIGNED     .who = WHO_SIGNED
#define WHO_OF_PROOF(...) .who = WHO_PROOF, .proof = { __VA_ARGS__ }
#define NO_COOKIES
#define READS(cookie_, field_) { USE_READ, &cookies[COOKIE_##cookie_], #field_ },
#define SETS(cookie_, field_)  { USE_SET, &cookies[COOKIE_##cookie_], #field_ },
#define CLEARS(cookie_)        { USE_CLEARED, &cookies[COOKIE_##cookie_], "" },
#define BEARS(cookie_)         { USE_BORNE, &cookies[COOKIE_##cookie_], "" },
#define ANSWER_OF_ENVELOPE .answer = ANSWER_ENVELOPE
#define ANSWER_OF_BARE     .answer = ANSWER_BARE
#define ANSWER_OF_EMPTY    .answer = ANSWER_EMPTY
#define ANSWER_OF_REDIRECT .answer = ANSWER_REDIRECT
#define ANSWER_OF_STREAM   .answer = ANSWER_STREAM
#define ANSWER_OF_LINES    .answer = ANSWER_LINES
#define ANSWER_OF_DRAWING  .answer = ANSWER_DRAWING
#define ANSWER_OF_PAGE     .answer = ANSWER_PAGE
#define ANSWER_OF_WRITTEN  .answer = ANSWER_WRITTEN
#define ANSWER_OF_TUS      .answer = ANSWER_TUS
#define ANSWER_OF_THEN(form_, next_) .answer = ANSWER_THEN, .form = form_, .next = next_
#define BODY_JSON(bytes) .takes = TAKES_JSON, .body_max = (bytes)
#define BODY_FLAT(field, bytes) .takes = TAKES_FLAT, .rest = #field, .body_max = (bytes)
#define BODY_FIELDS(bytes) .takes = TAKES_FIELDS, .body_max = (bytes)
#define BODY_FORM        .takes = TAKES_FORM, .body_max = INT64_C(1) << 40 /* its service has a bound, and says so before it comes */
#define BODY_PART        .takes = TAKES_PART, .body_max = INT64_C(1) << 40
#define BODY_NDJSON      .takes = TAKES_LINES, .body_max = INT64_C(1) << 40 /* its rate bounds it */
#define CACHE_REVALIDATE .cache_control = "private, no-cache"
#define CACHE_NO_STORE   .cache_control = "no-store"
#define CACHE_FOREVER    .cache_control = "public, max-age=31536000, immutable"
#define CACHE_PUBLIC(s)  .cache_control = "public, max-age=" #s
#define ROUTE(http_, path_, service_, noun, verb, who_, nsp_, event_, action_, class_, body_, status_, answer_, cache_, cookies_, doc) \
    { .http = #http_, .path = path_, .service = SERVICE_##service_, .method = M_##service_##_##noun##_##verb, WHO_OF_##who_, \
      .nsp = nsp_, .event = event_, .action = POLICY_##action_, .class = CLASS_##class_, BODY_##body_, .status = status_, \
      ANSWER_OF_##answer_, CACHE_##cache_, .cookies = { cookies_ { .use = USE_NONE } } },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

static const struct event_row events[] = {
#define LITERAL(text) { "" text, sizeof(text) - 1 }
#define ON(nsp_, event_, service_, noun, verb, action_, effect_, class_, doc) \
    { .nsp = LITERAL(nsp_), .event = LITERAL(event_), .service = SERVICE_##service_, .method = M_##service_##_##noun##_##verb, \
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

/* What is well known is not all ours. */
bool route_place(size_t i, char out[ROUTE_PLACE_BYTES])
{
    if (i >= COUNT(routes)) return false;
    struct str path = str_of(routes[i].path), first;
    bool one = !next_segment(&path, &first) || path.len == 0 || str_is(first, ".well-known");
    int len = one ? snprintf(out, ROUTE_PLACE_BYTES, "%s", routes[i].path)
                  : snprintf(out, ROUTE_PLACE_BYTES, "/%.*s/*", STR_ARG(first));
    assert(len < ROUTE_PLACE_BYTES);
    (void)len;
    return true;
}

static void add_method(char allow[ROUTE_METHODS_BYTES], const char *http)
{
    size_t len = strlen(allow);

    snprintf(allow + len, ROUTE_METHODS_BYTES - len, "%s%s", len > 0 ? ", " : "", http);
}

const struct route_row *route_find(
    struct str http, struct str path, struct route_params *params, char allow[ROUTE_METHODS_BYTES])
{
    allow[0] = '\0';
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (!route_fits(&routes[i], path, params)) continue;
        if (str_is(http, routes[i].http)) return &routes[i];
        add_method(allow, strcmp(routes[i].http, "GET") == 0 ? "GET, HEAD" : routes[i].http);
    }
    return NULL;
}

const struct cookie_row *route_language_cookie(void)
{
    return &cookies[COOKIE_language];
}

bool route_is_page(const struct route_row *row)
{
    return row->answer == ANSWER_PAGE || row->answer == ANSWER_THEN;
}

const char *route_takes(const struct route_row *row)
{
    static const char *const types[] = { [TAKES_JSON] = "application/json",
        [TAKES_FLAT] = "application/json",
        [TAKES_FIELDS] = "application/x-www-form-urlencoded",
        [TAKES_FORM] = "multipart/form-data",
        [TAKES_PART] = "application/offset+octet-stream",
        [TAKES_LINES] = LINES_TYPE };

    return types[row->takes];
}

bool route_is_streamed(const struct route_row *row)
{
    return row->takes == TAKES_FORM || row->takes == TAKES_PART || row->takes == TAKES_LINES;
}

const char *route_answers(const struct route_row *row)
{
    static const char *const types[] = { [ANSWER_ENVELOPE] = "application/json",
        [ANSWER_BARE] = "application/json",
        [ANSWER_EMPTY] = NULL,
        [ANSWER_REDIRECT] = NULL,
        [ANSWER_STREAM] = NULL,
        [ANSWER_LINES] = LINES_TYPE,
        [ANSWER_WRITTEN] = NULL,
        [ANSWER_TUS] = NULL,
        [ANSWER_DRAWING] = NULL, /* whoever shows a picture asks for all kinds */
        [ANSWER_PAGE] = "text/html",
        [ANSWER_THEN] = "text/html" };

    return types[row->answer];
}

size_t route_number(const struct route_row *row)
{
    return (size_t)(row - routes);
}

size_t event_number(const struct event_row *row)
{
    return (size_t)(row - events);
}

const struct event_row *event_row_find(struct str nsp, struct str event)
{
    for (size_t i = 0; i < COUNT(events); i++)
        if (str_eq(event, events[i].event) && str_eq(nsp, events[i].nsp)) return &events[i];
    return NULL;
}

size_t event_row_names(struct str nsp, struct str *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT(events) && n < max; i++)
        if (str_eq(nsp, events[i].nsp)) out[n++] = events[i].event;
    return n;
}

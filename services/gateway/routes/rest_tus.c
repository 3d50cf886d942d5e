/* rest_tus.c - tus 1.0 (https://tus.io/protocols/resumable-upload): what a row's record has goes in headers, both ways. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <time.h>

#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rest_private.h"

#define VERSION    "1.0.0"
#define EXTENSIONS "creation,expiration,checksum,termination"
#define ALGORITHMS "sha1,sha256"
#define EXPOSED    "Location, Tus-Resumable, Tus-Version, Upload-Offset, Upload-Length, Upload-Expires"

#define PLACE "/api/v1/uploads"

static const struct http_header_out says[] = {
    { "Tus-Resumable", { VERSION, sizeof VERSION - 1 } },
    { "Tus-Version", { VERSION, sizeof VERSION - 1 } },
    { "Tus-Extension", { EXTENSIONS, sizeof EXTENSIONS - 1 } },
    { "Tus-Checksum-Algorithm", { ALGORITHMS, sizeof ALGORITHMS - 1 } },
};
const struct http_options routes_options = { PLACE, says, COUNT(says) };

static bool is_tus(const struct rest *rest)
{
    return rest->row != NULL && rest->row->answer == ANSWER_TUS;
}

enum err rest_tus_check(struct rest *rest)
{
    bool is_ours = !is_tus(rest) || str_is(http_header(rest->http, "tus-resumable"), VERSION);

    return is_ours ? OK : ERR_PRECONDITION;
}

void rest_tus_give(struct rest *rest, const struct wire_shape *shape, struct wire_given_list *given)
{
    static const struct {
        const char *header, *field;
    } rows[] = { { "upload-length", "size" }, { "upload-metadata", "metadata" }, { "upload-offset", "at" },
        { "upload-checksum", "checksum" } };

    if (!is_tus(rest)) return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str value = http_header(rest->http, rows[i].header);
        if (value.at != NULL && wire_find(shape, str_of(rows[i].field)) != NULL) given_put(given, rows[i].field, value);
    }
}

void rest_tus_headers(const struct rest *rest, struct rest_headers *headers)
{
    if (!is_tus(rest)) return;
    rest_headers_add(headers, "Tus-Resumable", STR(VERSION));
    rest_headers_add(headers, "Tus-Version", STR(VERSION));
    rest_headers_add(headers, "Access-Control-Expose-Headers", STR(EXPOSED));
}

/* As RFC 9110 5.6.7 has it. */
static struct str print_date(struct arena *arena, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[40];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    size_t len = strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return arena_str(arena, (struct str){ text, len });
}

static void add_transfer(struct rest *rest, const struct transfer *transfer, struct rest_headers *headers)
{
    struct arena *arena = http_arena(rest->http);

    rest_headers_add(headers, "Upload-Offset", arena_printf(arena, "%" PRId64, transfer->at));
    rest_headers_add(headers, "Upload-Length", arena_printf(arena, "%" PRId64, transfer->size));
    if (transfer->expires_at > 0) rest_headers_add(headers, "Upload-Expires", print_date(arena, transfer->expires_at));
    if (rest->row->status == 201) rest_headers_add(headers, "Location", transfer->url);
}

void rest_tus_answer(struct rest *rest, struct str body)
{
    const struct wire_shape *shape = methods[rest->row->method].rep();
    struct transfer transfer = { .at = 0 };
    struct rest_headers headers;
    struct wire_error why;

    if (shape == transfer_shape() && wire_decode(shape, body, http_arena(rest->http), &transfer, &why) != OK) {
        rest_fail(rest, ERR_INTERNAL);
        return;
    }
    rest_headers(rest, rest->row->status, &headers);
    if (shape == transfer_shape()) add_transfer(rest, &transfer, &headers);
    rest_finish(rest, rest->row->status, "ok", NULL, STR_NONE, &headers);
}

/* gzip.c - compressing answers for clients that accept it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/gzip.h"

#include <assert.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#define LEAST_BYTES 1024
/* Most of the gain for little of the time: answers are made on the loop. */
#define LEVEL       1
#define GZIP_WINDOW (15 + 16)

bool gzip_is_worth_it(const char *type, size_t len, const struct http_header_out *extra, size_t n_extra)
{
    static const char *const packable[] = { "text/", "application/json", "application/javascript", "image/svg+xml" };
    bool text = false;
    for (size_t i = 0; type != NULL && i < COUNT(packable); i++)
        text = text || strncmp(type, packable[i], strlen(packable[i])) == 0;
    for (size_t i = 0; i < n_extra; i++)
        if (strcasecmp(extra[i].name, "Content-Encoding") == 0) return false;
    return text && len >= LEAST_BYTES;
}

/* q=0, q=0.0... : not at all. */
static bool is_zero(struct str q)
{
    for (size_t i = 2; i < q.len; i++)
        if (q.at[i] != '0' && q.at[i] != '.') return false;
    return q.len > 2 && (q.at[0] | 0x20) == 'q' && q.at[1] == '=';
}

bool gzip_is_accepted(struct str accept)
{
    while (accept.len > 0) {
        struct str item = str_trim(str_cut(&accept, ','));
        struct str name = str_trim(str_cut(&item, ';'));
        bool gzip = name.len == 4 && strncasecmp(name.at, "gzip", 4) == 0;
        if ((gzip || str_is(name, "*")) && !is_zero(str_trim(str_cut(&item, ';')))) return true;
    }
    return false;
}

bool gzip_pack(struct str body, struct buf *out)
{
    z_stream z = { .next_in = (Bytef *)body.at, .avail_in = (uInt)body.len };
    if (body.len > INT32_MAX || !buf_reserve(out, body.len - 1)) return false;
    int begun = deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
    assert(begun == Z_OK);
    z.next_out = (Bytef *)out->at;
    z.avail_out = (uInt)(body.len - 1);
    bool packed = deflate(&z, Z_FINISH) == Z_STREAM_END;
    out->len = z.total_out;
    deflateEnd(&z);
    return packed && begun == Z_OK;
}

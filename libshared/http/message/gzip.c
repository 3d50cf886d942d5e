/* gzip.c - compressing answers for clients that accept it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/gzip.h"

#include <assert.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "libshared/base/weight.h"

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

/* -1: not a word of it. */
static int weight_of(struct str accept, const char *name)
{
    while (accept.len > 0) {
        struct str params = str_cut(&accept, ','), word = str_trim(str_cut(&params, ';'));
        if (word.len == strlen(name) && strncasecmp(word.at, name, word.len) == 0) return weight_read(params);
    }
    return -1;
}

/* `*` is whatever has no word of its own. */
static int weight_of_any(struct str accept, const char *name)
{
    int own = weight_of(accept, name);

    return own >= 0 ? own : weight_of(accept, "*");
}

int coding_weight(struct str accept, const char *coding)
{
    int weight = weight_of_any(accept, coding);

    return weight > 0 && weight >= weight_of_any(accept, "identity") ? weight : 0;
}

static bool deflate_body(struct str body, int level, struct buf *out)
{
    z_stream z = { .next_in = (Bytef *)body.at, .avail_in = (uInt)body.len };
    if (body.len > INT32_MAX || !buf_reserve(out, body.len - 1)) return false;
    int begun = deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
    assert(begun == Z_OK);
    z.next_out = (Bytef *)out->at;
    z.avail_out = (uInt)(body.len - 1);
    bool packed = deflate(&z, Z_FINISH) == Z_STREAM_END;
    out->len = z.total_out;
    deflateEnd(&z);
    return packed && begun == Z_OK;
}

bool gzip_pack(struct str body, struct buf *out)
{
    return deflate_body(body, LEVEL, out);
}

bool gzip_pack_well(struct str body, struct buf *out)
{
    return deflate_body(body, Z_BEST_COMPRESSION, out);
}

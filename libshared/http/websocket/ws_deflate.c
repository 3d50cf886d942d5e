/* ws_deflate.c - permessage-deflate (RFC 7692) without context takeover.  One compressor serves the whole loop. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/websocket/ws_deflate.h"

#include <assert.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#define RAW_WINDOW (-15)
#define LEVEL      3
#define CHUNK      16384

/* A smaller window than ours for the server is the one wish that we do not grant. */
static bool is_granted(struct str parameter)
{
    static const char *const known[] = {
        "server_no_context_takeover",
        "client_no_context_takeover",
        "client_max_window_bits",
        "server_max_window_bits=15",
    };
    struct str name = parameter;
    if (str_starts(parameter, STR("client_max_window_bits="))) name.len = strlen("client_max_window_bits");
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_is(name, known[i])) return true;
    return false;
}

bool ws_deflate_is_offered(struct str extensions)
{
    while (extensions.len > 0) {
        struct str offer = str_trim(str_cut(&extensions, ','));
        bool granted = str_is(str_trim(str_cut(&offer, ';')), "permessage-deflate");
        while (granted && offer.at != NULL) granted = is_granted(str_trim(str_cut(&offer, ';')));
        if (granted) return true;
    }
    return false;
}

static bool inflate_some(z_stream *z, struct str in, struct buf *out)
{
    char chunk[CHUNK];
    int result;
    z->next_in = (Bytef *)in.at;
    z->avail_in = (uInt)in.len;
    do {
        z->next_out = (Bytef *)chunk;
        z->avail_out = CHUNK;
        result = inflate(z, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) return false;
        buf_add(out, chunk, CHUNK - z->avail_out);
    } while (!out->over && z->avail_out == 0 && result == Z_OK);
    return !out->over;
}

bool ws_inflate(struct str in, struct buf *out)
{
    static z_stream z;
    static bool begun;
    int ready = begun ? inflateReset(&z) : inflateInit2(&z, RAW_WINDOW);
    assert(ready == Z_OK);
    begun = ready == Z_OK;
    return inflate_some(&z, in, out) && inflate_some(&z, STR("\x00\x00\xff\xff"), out);
}

void ws_deflate(struct str in, struct buf *out)
{
    static z_stream z;
    static bool begun;
    int ready = begun ? deflateReset(&z) : deflateInit2(&z, LEVEL, Z_DEFLATED, RAW_WINDOW, 8, Z_DEFAULT_STRATEGY);
    assert(ready == Z_OK);
    begun = ready == Z_OK;
    size_t bound = deflateBound(&z, in.len) + 16;
    if (!buf_reserve(out, bound)) return;
    z.next_in = (Bytef *)in.at;
    z.avail_in = (uInt)in.len;
    z.next_out = (Bytef *)out->at + out->len;
    z.avail_out = (uInt)bound;
    deflate(&z, Z_SYNC_FLUSH);
    out->len += bound - z.avail_out - 4; /* without 00 00 ff ff, which the reader adds */
}

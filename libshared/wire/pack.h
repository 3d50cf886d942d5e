/* pack.h - msgpack-c writing into our buffers. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <msgpack.h>

#include "libshared/base/buf.h"
#include "libshared/base/id.h"

static inline int pack_write(void *to, const char *at, size_t len)
{
    buf_add(to, at, len);
    return 0;
}

static inline msgpack_packer pack_into(struct buf *out)
{
    return (msgpack_packer){ .data = out, .callback = pack_write };
}

/* Names, ids and most texts are short: head and body in one go. */
static inline void pack_text(msgpack_packer *pk, struct str s)
{
    if (s.len >= 32) {
        msgpack_pack_str(pk, s.len);
        msgpack_pack_str_body(pk, s.at, s.len);
        return;
    }
    char *to = buf_place(pk->data, 1 + s.len);
    if (to == NULL) return;
    to[0] = (char)(0xa0 | s.len);
    if (s.len > 0) __builtin_memcpy(to + 1, s.at, s.len);
}

static inline void pack_bytes(msgpack_packer *pk, struct str s)
{
    msgpack_pack_bin(pk, s.len);
    msgpack_pack_bin_body(pk, s.at, s.len);
}

static inline void pack_id(msgpack_packer *pk, struct id id)
{
    char *to = buf_place(pk->data, 2 + sizeof id.b);

    if (to == NULL) return;
    to[0] = (char)0xc4;
    to[1] = sizeof id.b;
    __builtin_memcpy(to + 2, id.b, sizeof id.b);
}

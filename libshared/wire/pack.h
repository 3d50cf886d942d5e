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

static inline void pack_text(msgpack_packer *pk, struct str s)
{
    msgpack_pack_str(pk, s.len);
    msgpack_pack_str_body(pk, s.at, s.len);
}

static inline void pack_bytes(msgpack_packer *pk, struct str s)
{
    msgpack_pack_bin(pk, s.len);
    msgpack_pack_bin_body(pk, s.at, s.len);
}

static inline void pack_id(msgpack_packer *pk, struct id id)
{
    pack_bytes(pk, (struct str){ (const char *)id.b, sizeof id.b });
}

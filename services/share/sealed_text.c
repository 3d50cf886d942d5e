/* sealed_text.c - a record that only we can have made and can read, as text that others carry: base64url(sealed(msgpack)). */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/base64.h"
#include "libshared/base/sealed.h"
#include "services/share/share.h"

#define RECORD_BYTES 2048 /* those there are have less */

enum err sealed_text_print(
    struct arena *arena, struct str purpose, const struct wire_shape *shape, const void *record, struct str *out)
{
    struct buf plain = BUF(RECORD_BYTES);
    enum err e = wire_encode(shape, record, &plain);

    if (e == OK) {
        struct str sealed = seal(arena, purpose, buf_str(&plain));
        char *text = arena_alloc(arena, (4 * sealed.len + 2) / 3 + 1);
        base64url_encode((const unsigned char *)sealed.at, sealed.len, text);
        *out = str_of(text);
    }
    buf_free(&plain);
    return e;
}

bool sealed_text_read(
    struct arena *arena, struct str purpose, const struct wire_shape *shape, struct str text, void *record)
{
    unsigned char *sealed = arena_alloc(arena, text.len + 1);
    struct wire_error why;
    struct str plain;

    if (!base64url_is_canonical(text)) return false;
    size_t len = base64url_decode(text, sealed);
    return unseal(arena, purpose, (struct str){ (const char *)sealed, len }, &plain) &&
           wire_decode(shape, plain, arena, record, &why) == OK;
}

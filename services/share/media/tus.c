/* tus.c - pairs of a name and base64, in headers of tus. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/tus.h"

#include <string.h>

#include "libshared/base/base64.h"

bool tus_metadata_find(struct str header, const char *name, struct arena *arena, struct str *out)
{
    bool found = false;

    while (header.len > 0) {
        struct str value = str_trim(str_cut(&header, ',')), word = str_cut(&value, ' ');
        if (!str_is(word, name)) continue;
        unsigned char *bytes = arena_alloc(arena, value.len + 3);
        size_t len = 0;
        if (found || !base64_decode(str_trim(value), bytes, &len)) return false;
        *out = (struct str){ (const char *)bytes, len };
        found = utf8_is_valid(out->at, out->len);
        if (!found) return false;
    }
    return found;
}

static const EVP_MD *algorithm_of(struct str name)
{
    if (str_is(name, "sha1")) return EVP_sha1();
    return str_is(name, "sha256") ? EVP_sha256() : NULL;
}

bool tus_checksum_read(struct str header, struct tus_checksum *out)
{
    struct str value = header, name = str_cut(&value, ' ');

    out->how = algorithm_of(name);
    if (out->how == NULL || value.len > 4 * sizeof out->bytes / 3) return false;
    if (!base64_decode(value, out->bytes, &out->len)) return false;
    return out->len == (size_t)EVP_MD_get_size(out->how);
}

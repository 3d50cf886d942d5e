/* tus.h - what headers of tus 1.0 (https://tus.io/protocols/resumable-upload) say. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>

#include "libshared/base/arena.h"
#include "libshared/base/str.h"

/* Of an Upload-Metadata: "name base64,name base64".  false: it is none, or has no such name.  What is found is UTF-8. */
bool tus_metadata_find(struct str header, const char *name, struct arena *arena, struct str *out);

struct tus_checksum {
    const EVP_MD *how;
    unsigned char bytes[EVP_MAX_MD_SIZE];
    size_t len;
};
/* Of an Upload-Checksum: "sha1 base64" or "sha256 base64". */
bool tus_checksum_read(struct str header, struct tus_checksum *out);

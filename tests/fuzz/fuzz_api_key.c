/* fuzz_api_key.c - whatever comes as an API key: parsed within its bytes, and what is taken has a key's form. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/policy/api_key.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    struct api_key_parts parts;
    unsigned char hash[32];

    memcpy(exact, data, size);
    if (api_key_parse((struct str){ exact, size }, &parts)) {
        PROMISE(size == API_KEY_CHARS && api_key_is_id(parts.id) && parts.secret.len == API_KEY_SECRET_CHARS);
        PROMISE(parts.id.at >= exact && parts.secret.at + parts.secret.len <= exact + size);
        api_key_hash(parts.secret, hash);
    }
    free(exact);
    return 0;
}

/* fuzz_refresh_token.c - whatever comes as a refresh token: what is taken has one spelling, and is not genuine by chance. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/policy/refresh_token.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str secret = { "0123456789abcdef0123456789abcdef", REFRESH_SECRET_BYTES };
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    char again[REFRESH_CHARS + 1];
    struct refresh_token token;

    memcpy(exact, data, size);
    if (refresh_token_parse((struct str){ exact, size }, &token)) {
        PROMISE(size == REFRESH_CHARS && token.counter >= 0 && !id_is_nil(token.session));
        refresh_token_write(token.session, token.counter, secret, again);
        PROMISE(refresh_token_is_genuine(&token, secret) == (memcmp(again, exact, REFRESH_CHARS) == 0));
    }
    free(exact);
    return 0;
}

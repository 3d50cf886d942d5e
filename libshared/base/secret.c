/* secret.c - random bytes, comparison in constant time, and forgetting. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "libshared/base/log.h"

void secret_random(void *out, size_t len)
{
    char *at = out;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            LOG(ERROR, "secret.no_random", F_INT("errno", errno));
            abort();
        }
        at += n;
        len -= (size_t)n;
    }
}

bool secret_eq(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char differ = 0;

    for (size_t i = 0; i < len; i++) differ |= x[i] ^ y[i];
    return differ == 0;
}

void secret_wipe(void *at, size_t len)
{
    explicit_bzero(at, len);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

bool secret_is_text(struct str text, size_t chars)
{
    for (size_t i = 0; i < text.len; i++)
        if (memchr(alphabet, text.at[i], sizeof alphabet - 1) == NULL) return false;
    return text.len == chars;
}

void secret_text(char *out, size_t chars)
{
    secret_random(out, chars);
    for (size_t i = 0; i < chars; i++)
        out[i] = alphabet[out[i] & 63]; /* 64 letters divide 256: no letter is likelier */
    out[chars] = '\0';
}

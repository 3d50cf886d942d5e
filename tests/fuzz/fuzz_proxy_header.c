/* fuzz_proxy_header.c - any bytes as what a proxy says first; read in pieces they mean the same. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/http/address/proxy_header.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct in6_addr whole, part;
    size_t len = 0, part_len = 0;

    if (size > 4096) return 0;
    enum proxy_header got = proxy_header_read((struct str){ (const char *)data, size }, &len, &whole);
    bool has_client = got == PROXY_CLIENT, ends = has_client || got == PROXY_NOBODY;
    PROMISE(!ends || (len > 0 && len <= size && len <= PROXY_HEADER_MAX));
    PROMISE(got != PROXY_MORE || size < PROXY_HEADER_MAX);
    for (size_t n = 0; ends && n < len; n++)
        PROMISE(proxy_header_read((struct str){ (const char *)data, n }, &part_len, &part) == PROXY_MORE);
    if (!ends) return 0;
    PROMISE(proxy_header_read((struct str){ (const char *)data, len }, &part_len, &part) == got && part_len == len);
    PROMISE(!has_client || memcmp(&whole, &part, sizeof whole) == 0);
    return 0;
}

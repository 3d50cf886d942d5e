/* fuzz_tus.c - any bytes as headers of tus: what is found in them is text, and a checksum has its algorithm's length. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "services/share/media/tus.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 8192) return 0;
    /* bound: a header, decoded once for each of its names */
    struct arena *arena = arena_create("fuzz", 1u << 24);
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    memcpy(exact, data, size);
    struct str header = { exact, size }, found;
    struct tus_checksum checksum;

    if (tus_metadata_find(header, "filename", arena, &found)) PROMISE(utf8_is_valid(found.at, found.len));
    if (tus_checksum_read(header, &checksum)) PROMISE(checksum.len == 20 || checksum.len == 32);
    arena_destroy(&arena);
    free(exact);
    return 0;
}

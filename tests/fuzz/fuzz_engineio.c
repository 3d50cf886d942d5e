/* fuzz_engineio.c - any text as the payload of a long poll: cut into its packets, and their base64. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/gateway/engineio/payload.h"
#include "tests/fuzz/fuzz.h"

#define MAX_BYTES 65536

/* What was decoded is written as it came. */
static void comes_back(struct str packet, struct str bytes)
{
    char *again = malloc(base64_length(bytes.len) + 1);
    size_t digits = packet.len;

    base64_encode(again, bytes);
    while (digits > 0 && packet.at[digits - 1] == '=') digits--;
    /* The last digit may have bits that nobody reads. */
    PROMISE(digits == 0 || memcmp(again, packet.at, digits - 1) == 0);
    free(again);
}

static void read_packet(struct str packet)
{
    unsigned char *bytes = malloc(packet.len / 4 * 3 + 4);
    size_t len;

    if (base64_decode(packet, bytes, &len)) comes_back(packet, (struct str){ (char *)bytes, len });
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str packet;
    size_t total = 0, n = 0;

    if (size > MAX_BYTES) return 0;
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    if (size > 0) memcpy(exact, data, size);
    for (struct payload payload = payload_begin((struct str){ exact, size }); payload_next(&payload, &packet); n++) {
        total += packet.len;
        read_packet(packet);
    }
    PROMISE(n > 0 && total + n - 1 == size);
    free(exact);
    return 0;
}

/* frame.c - WebSocket frames as a client reads and writes them. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/frame.h"

#include <string.h>

static uint64_t big_endian(const unsigned char *at, size_t bytes)
{
    uint64_t n = 0;

    for (size_t i = 0; i < bytes; i++) n = n << 8 | at[i];
    return n;
}

/* How many bytes of extended length follow the first two. */
static size_t extra_bytes(unsigned char second)
{
    return second == 126 ? 2 : second == 127 ? 8 : 0;
}

enum frame_found frame_read(char *at, size_t len, struct frame *out)
{
    const unsigned char *head = (const unsigned char *)at;

    if (len < 2) return FRAME_PARTIAL;
    if ((head[0] & 0xf0) != 0x80 || (head[1] & 0x80) != 0) return FRAME_BROKEN;

    size_t extra = extra_bytes(head[1]);
    if (len < 2 + extra) return FRAME_PARTIAL;
    uint64_t data_len = extra == 0 ? head[1] : big_endian(head + 2, extra);
    if (data_len > UINT32_MAX) return FRAME_BROKEN;

    *out = (struct frame){
        .opcode = head[0] & 0x0f, .data = at + 2 + extra, .len = data_len, .whole = 2 + extra + data_len
    };
    return len < out->whole ? FRAME_PARTIAL : FRAME_WHOLE;
}

size_t frame_head(unsigned char head[FRAME_HEAD_BYTES], int opcode, size_t len, uint32_t mask)
{
    size_t extra = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;

    head[0] = (unsigned char)(0x80 | opcode);
    head[1] = (unsigned char)(0x80 | (extra == 0 ? len : extra == 2 ? 126 : 127));
    for (size_t i = 0; i < extra; i++) head[2 + i] = (unsigned char)(len >> 8 * (extra - 1 - i));
    memcpy(head + 2 + extra, &mask, sizeof mask);
    return 2 + extra + sizeof mask;
}

void frame_mask(char *data, size_t len, uint32_t mask)
{
    uint64_t wide = (uint64_t)mask << 32 | mask, eight;
    unsigned char key[sizeof wide];
    size_t i = 0;

    for (; i + sizeof eight <= len; i += sizeof eight) {
        memcpy(&eight, data + i, sizeof eight);
        eight ^= wide;
        memcpy(data + i, &eight, sizeof eight);
    }
    memcpy(key, &wide, sizeof wide);
    for (size_t k = 0; i < len; i++, k++) data[i] = (char)((unsigned char)data[i] ^ key[k]);
}

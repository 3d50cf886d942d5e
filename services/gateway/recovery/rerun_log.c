/* rerun_log.c - an entry of a rerun's log: the number and the packets of one event, as text. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/gateway/recovery/rerun_private.h"

#define NUMBER_CHARS 16
#define LENGTH_CHARS 8

static struct str part(const struct eio_packet *packet, unsigned i)
{
    return i == 0 ? eio_packet_text_payload(packet) : eio_packet_binary_payload(packet);
}

void rerun_write(struct buf *out, int64_t number, struct eio_packet *const *packets, unsigned n)
{
    buf_printf(out, "%0*" PRIx64, NUMBER_CHARS, (uint64_t)number);
    for (unsigned i = 0; i < n; i++) {
        struct str bytes = part(packets[i], i);
        buf_printf(out, "%0*zx", LENGTH_CHARS, bytes.len);
        buf_add_str(out, bytes);
    }
}

static bool read_hex(struct str *s, size_t chars, uint64_t *out)
{
    char text[NUMBER_CHARS + 1] = "";

    if (s->len < chars) return false;
    memcpy(text, s->at, chars);
    *s = str_skip(*s, chars);
    return sscanf(text, "%" SCNx64, out) == 1;
}

bool rerun_read(struct str entry, int64_t *number, struct str parts[RERUN_PARTS_MAX], unsigned *n)
{
    uint64_t value;

    if (!read_hex(&entry, NUMBER_CHARS, &value)) return false;
    *number = (int64_t)value;
    for (*n = 0; entry.len > 0; ++*n) {
        if (*n == RERUN_PARTS_MAX || !read_hex(&entry, LENGTH_CHARS, &value) || value > entry.len) return false;
        parts[*n] = (struct str){ entry.at, (size_t)value };
        entry = str_skip(entry, (size_t)value);
    }
    return *n > 0;
}

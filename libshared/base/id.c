/* id.c - UUIDv7 by RFC 9562, method 3: 48 bits of milliseconds, 12 bits of what is left of the
 * clock's precision, 62 random bits. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/id.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "libshared/base/secret.h"

/* The time in 1/4096 ms, greater than ever before in this process, whatever the clock does. */
static uint64_t next_tick(void)
{
    static _Atomic uint64_t last;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ns = (uint64_t)now.tv_nsec;
    uint64_t tick = ((uint64_t)now.tv_sec * 1000 + ns / 1000000) << 12 | (ns % 1000000 << 12) / 1000000;
    uint64_t before = atomic_load(&last), mine;
    do mine = tick > before ? tick : before + 1;
    while (!atomic_compare_exchange_weak(&last, &before, mine));
    return mine;
}

struct id id_new(void)
{
    struct id id;
    uint64_t tick = next_tick(), ms = tick >> 12;

    for (int i = 0; i < 6; i++) id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    id.b[6] = (uint8_t)(0x70 | ((tick >> 8) & 0x0F));
    id.b[7] = (uint8_t)tick;
    secret_random(id.b + 8, 8);
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3F));
    return id;
}

bool id_is_nil(struct id id)
{
    return id_eq(id, (struct id){ { 0 } });
}

bool id_eq(struct id a, struct id b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static bool has_dash(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool id_parse(struct str text, struct id *out)
{
    struct id id;

    if (text.len != ID_TEXT_BYTES) return false;
    for (size_t i = 0, n = 0; i < ID_TEXT_BYTES; i++) {
        if (has_dash(i)) {
            if (text.at[i] != '-') return false;
            continue;
        }
        int high = hex_digit(text.at[i]), low = hex_digit(text.at[i + 1]);
        if (high < 0 || low < 0) return false;
        id.b[n++] = (uint8_t)(high << 4 | low);
        i++;
    }
    *out = id;
    return true;
}

void id_format(struct id id, char out[ID_TEXT_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < sizeof id.b; i++) {
        if (has_dash(at)) out[at++] = '-';
        out[at++] = digits[id.b[i] >> 4];
        out[at++] = digits[id.b[i] & 15];
    }
    out[at] = '\0';
}

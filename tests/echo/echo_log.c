/* echo_log.c - what an echo socket was sent: an entry for each event, in a list in Redis. */
// SPDX-License-Identifier: Apache-2.0
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/hex.h"
#include "tests/echo/echo_private.h"

#define PREFIX       "madang:echo:"
#define NUMBER_CHARS 16
#define LENGTH_CHARS 8

static struct str part(const struct eio_packet *packet, unsigned i)
{
    return i == 0 ? eio_packet_text_payload(packet) : eio_packet_binary_payload(packet);
}

void echo_log_write(struct buf *out, int64_t number, struct eio_packet *const *packets, unsigned n)
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

bool echo_log_read(struct str entry, int64_t *number, struct str parts[ECHO_PARTS_MAX], unsigned *n)
{
    uint64_t value;

    if (!read_hex(&entry, NUMBER_CHARS, &value)) return false;
    *number = (int64_t)value;
    for (*n = 0; entry.len > 0; ++*n) {
        if (*n == ECHO_PARTS_MAX || !read_hex(&entry, LENGTH_CHARS, &value) || value > entry.len) return false;
        parts[*n] = (struct str){ entry.at, (size_t)value };
        entry = str_skip(entry, (size_t)value);
    }
    return *n > 0;
}

/* --- the list --- */

struct echo_key {
    char text[sizeof PREFIX + 2 * RECORD_HASH_BYTES];
};

static struct echo_key key_of(const unsigned char *hash)
{
    struct echo_key key = { PREFIX };

    hex_format(hash, RECORD_HASH_BYTES, key.text + sizeof PREFIX - 1);
    return key;
}

void echo_log_add(struct redis *redis, const unsigned char *hash, struct str entry, int64_t ttl_ms)
{
    struct echo_key key = key_of(hash);
    char first[24];

    snprintf(first, sizeof first, "%d", -ECHO_LOG_MAX);
    redis_command(redis, NULL, NULL, (struct str[]){ STR("RPUSH"), str_of(key.text), entry }, 3);
    redis_command(redis, NULL, NULL, (struct str[]){ STR("LTRIM"), str_of(key.text), str_of(first), STR("-1") }, 4);
    echo_log_keep(redis, hash, ttl_ms);
}

void echo_log_keep(struct redis *redis, const unsigned char *hash, int64_t ttl_ms)
{
    struct echo_key key = key_of(hash);
    char ttl[24];

    snprintf(ttl, sizeof ttl, "%" PRId64, ttl_ms);
    redis_command(redis, NULL, NULL, (struct str[]){ STR("PEXPIRE"), str_of(key.text), str_of(ttl) }, 3);
}

void echo_log_load(struct redis *redis, const unsigned char *hash, redis_reply_fn *reply, void *arg)
{
    struct echo_key key = key_of(hash);

    redis_command(redis, reply, arg, (struct str[]){ STR("LRANGE"), str_of(key.text), STR("0"), STR("-1") }, 4);
}

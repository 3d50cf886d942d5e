/* offset.c - how far a socket has heard, as text. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rooms/offset.h"

#define FIRST_EPOCH 'a'
#define LAST_EPOCH  'z'

static void add_number(struct buf *out, uint64_t n)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    char text[16];
    size_t at = sizeof text;

    do {
        text[--at] = digits[n % 36];
        n /= 36;
    } while (n > 0);
    buf_add(out, text + at, sizeof text - at);
}

void offset_begin(struct buf *out, char epoch)
{
    buf_clear(out);
    buf_add_char(out, epoch);
}

void offset_add(struct buf *out, uint32_t room_no, int64_t seq)
{
    if (out->len > 1) buf_add_char(out, '-');
    add_number(out, room_no);
    buf_add_char(out, '.');
    add_number(out, (uint64_t)seq);
}

void offset_lose(struct buf *out)
{
    buf_add_char(out, '-');
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : -1;
}

/* Digits at the start of *s, at least one. */
static bool read_number(struct str *s, int64_t max, int64_t *out)
{
    size_t before = s->len;
    int64_t n = 0;

    for (int d; s->len > 0 && (d = digit(s->at[0])) >= 0; *s = str_skip(*s, 1)) {
        if (n > (max - d) / 36) return false;
        n = n * 36 + d;
    }
    *out = n;
    return s->len < before;
}

static bool skip_char(struct str *s, char c)
{
    if (s->len == 0 || s->at[0] != c) return false;
    *s = str_skip(*s, 1);
    return true;
}

static bool read_entry(struct str *s, struct offset *out)
{
    int64_t room_no, seq;

    if (out->n == OFFSET_ROOMS_MAX || (out->n > 0 && !skip_char(s, '-'))) return false;
    if (!read_number(s, UINT32_MAX, &room_no) || !skip_char(s, '.') || !read_number(s, INT64_MAX, &seq)) return false;
    if (out->n > 0 && room_no <= out->at[out->n - 1].room_no) return false;
    out->at[out->n++] = (struct offset_entry){ (uint32_t)room_no, seq };
    return true;
}

static size_t count_entries(struct str text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++) n += text.at[i] == '-';
    return n < OFFSET_ROOMS_MAX ? n : OFFSET_ROOMS_MAX;
}

bool offset_read(struct str text, char epoch, struct arena *arena, struct offset *out)
{
    *out = (struct offset){ 0 };
    if (!skip_char(&text, epoch)) return false;
    if (str_is(text, "-")) {
        out->lost = true;
        return true;
    }
    out->at = arena_alloc(arena, count_entries(text) * sizeof *out->at);
    while (text.len > 0)
        if (!read_entry(&text, out)) return false;
    return true;
}

bool offset_is_epoch(char c)
{
    return c >= FIRST_EPOCH && c <= LAST_EPOCH;
}

char offset_next_epoch(struct str text)
{
    bool has_one = text.len > 0 && text.at[0] >= FIRST_EPOCH && text.at[0] < LAST_EPOCH;

    return has_one ? (char)(text.at[0] + 1) : FIRST_EPOCH;
}

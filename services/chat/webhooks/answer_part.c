/* answer_part.c - see answer_part.h. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/webhooks/answer_part.h"

#include <string.h>

#include "libshared/base/plain_text.h"

#define LOOKED_AT 2048 /* bytes */
#define RUN_LEAST 32
#define LEFT_OUT  "..."

static bool is_of_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '=' || c == '-' || c == '_';
}

/* To the end of a code point. */
static struct str cut_whole(struct str text, size_t max)
{
    if (text.len > max) text.len = max;
    while (text.len > 0 && !utf8_is_valid(text.at, text.len) && max - text.len < 4) text.len--;
    return text;
}

static size_t run_at(struct str text)
{
    size_t n = 0;

    while (n < text.len && is_of_base64(text.at[n])) n++;
    return n;
}

/* Returns bytes of `to`, of which there are as many as the text has. */
static size_t leave_out(struct str text, char *to)
{
    size_t len = 0;

    while (text.len > 0) {
        size_t run = run_at(text), n = run > 0 ? run : 1;
        bool is_left_out = run >= RUN_LEAST;
        if (is_left_out)
            memcpy(to + len, LEFT_OUT, sizeof LEFT_OUT - 1);
        else
            memcpy(to + len, text.at, n);
        len += is_left_out ? sizeof LEFT_OUT - 1 : n;
        text = str_skip(text, n);
    }
    return len;
}

void answer_part(struct str answer, char out[ANSWER_PART_BYTES])
{
    struct str text = cut_whole(answer, LOOKED_AT);
    char left[LOOKED_AT], plain[LOOKED_AT];

    out[0] = '\0';
    if (text.len == 0 || !utf8_is_valid(text.at, text.len)) return;
    size_t len = text_plain_part((struct str){ left, leave_out(text, left) }, ANSWER_PART_CHARS, plain);
    memcpy(out, plain, len);
    out[len] = '\0';
}

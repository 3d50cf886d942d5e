/* hook_text.c - the text of what a program posts, in Slack's form too. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/hooks/hooks.h"

#define TEXT_BYTES (2u << 20) /* more than the bounds of a route's body */

static void put_line(struct buf *out, struct str line)
{
    if (line.len == 0) return;
    if (out->len > 0) buf_add_char(out, '\n');
    buf_add_str(out, line);
}

static void put_pair(struct buf *out, struct str first, const char *between, struct str second)
{
    put_line(out, first.len > 0 ? first : second);
    if (first.len == 0 || second.len == 0) return;
    buf_add_str(out, str_of(between));
    buf_add_str(out, second);
}

static void put_attachment(struct buf *out, const struct hook_attachment *a)
{
    size_t before = out->len;

    put_line(out, a->pretext);
    put_pair(out, a->title, " ", a->title_link);
    put_line(out, a->text);
    for (size_t i = 0; i < a->fields.len; i++) put_pair(out, a->fields.at[i].title, ": ", a->fields.at[i].value);
    if (out->len == before) put_line(out, a->fallback);
}

struct str hook_text(struct arena *arena, const struct hook_post *post)
{
    struct buf out = BUF(TEXT_BYTES);

    put_line(&out, post->text);
    for (size_t i = 0; i < post->attachments.len; i++) put_attachment(&out, &post->attachments.at[i]);
    struct str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

/* talk_file.c - a conversation is written down. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/pages/talk_file.h"

#include <inttypes.h>

#include "libshared/base/plain_text.h"
#include "libshared/wire/json_text.h"
#include "libshared/wire/msgpack_in.h"
#include "services/share/pages/talk_html.h"

#define BYTES_MAX    4194304 /* proto/common.def: written_file.bytes */
#define MESSAGES_MAX 20000   /* what is shorter than that for each of them says nothing */
#define NAME_CHARS   60

struct talk_file {
    struct call *call;
    const struct talk_source *of;
    enum page_language language;
    struct buf text;
};

/* --- lines of JSON --- */

static void put_any(struct buf *out, struct str any)
{
    if (wire_any_to_json(any, out) != OK) out->over = true; /* it was kept within less */
}

static struct str messages_of(const struct talk_file *file, uint32_t *n)
{
    struct str messages = msgpack_member(file->of->data, "messages");
    struct msgpack_in in = { .left = messages };
    struct msgpack_value list;

    *n = 0;
    if (messages.at == NULL || !msgpack_next(&in, &list) || list.kind != MSGPACK_ARRAY) return STR_NONE;
    *n = list.count;
    return in.left;
}

/* All but its messages, if these are a list. */
static void put_other_members(struct talk_file *file, bool has_messages)
{
    struct msgpack_in in = { .left = file->of->data };
    struct msgpack_value map, key;
    struct str raw;
    bool first = true;

    if (!msgpack_next(&in, &map) || map.kind != MSGPACK_MAP) return;
    for (uint32_t i = 0; i < map.count && msgpack_next(&in, &key) && msgpack_skip(&in, &raw); i++) {
        if (key.kind != MSGPACK_TEXT || (has_messages && str_is(key.bytes, "messages"))) continue;
        if (!first) buf_add_char(&file->text, ',');
        json_put_text(&file->text, key.bytes);
        buf_add_char(&file->text, ':');
        put_any(&file->text, raw);
        first = false;
    }
}

static void put_medium(struct buf *out, const struct shared_medium *medium)
{
    buf_add_str(out, STR("{\"medium\":"));
    if (wire_write_json(shared_medium_shape(), medium, out) != OK) out->over = true;
    buf_add_str(out, STR("}\n"));
}

static enum err put_ndjson(struct talk_file *file)
{
    struct buf *out = &file->text;
    uint32_t n;
    struct str messages = messages_of(file, &n), raw;
    struct msgpack_in in = { .left = messages };

    buf_add_str(out, STR("{\"conversation\":{\"format\":\"madang-conversation\",\"version\":1,\"name\":"));
    json_put_text(out, file->of->name);
    if (file->of->theme.len > 0) {
        buf_add_str(out, STR(",\"theme\":"));
        json_put_text(out, file->of->theme);
    }
    buf_printf(out, ",\"changed_at\":%" PRId64 ",\"data\":{", file->of->changed_at);
    put_other_members(file, messages.at != NULL);
    buf_add_str(out, STR("}}}\n"));
    for (size_t i = 0; i < file->of->media.len; i++) put_medium(out, &file->of->media.at[i]);
    for (uint32_t i = 0; i < n && msgpack_skip(&in, &raw); i++) {
        buf_add_str(out, STR("{\"message\":"));
        put_any(out, raw);
        buf_add_str(out, STR("}\n"));
    }
    buf_printf(out, "{\"end\":{\"messages\":%" PRIu32 "}}\n", n);
    return OK;
}

/* --- as it is read --- */

static enum err read_talk(struct talk_file *file, struct talk *out)
{
    *out = talk_read(file->call->arena, file->of->data, 0, MESSAGES_MAX);
    if (out->n == out->all) return OK;
    return call_fail(file->call, ERR_TOO_LARGE, "more than %d messages are taken along as ndjson alone", MESSAGES_MAX);
}

static enum err put_html(struct talk_file *file)
{
    const struct talk_source *of = file->of;
    const struct shared_conversation shared = { .name = of->name, .changed_at = of->changed_at };
    const struct share_files files = { .call = file->call, .saved = true, .list = of->media };
    struct talk talk;
    struct page page;

    TRY(read_talk(file, &talk));
    page_begin_with(&page, share_texts, file->language,
        &(struct page_head){ .title = of->name,
            .style = PAGE_STYLE_TALK,
            .theme = page_theme_find(of->theme),
            .noindex = true,
            .bytes_max = BYTES_MAX });
    talk_html_put(&page, &files, &shared, &talk);
    struct str html = page_end(&page, file->call->arena);
    if (html.at == NULL) file->text.over = true;
    buf_add_str(&file->text, html);
    return OK;
}

static const char *say(const struct talk_file *file, const char *name)
{
    const struct page page = { .texts = share_texts, .language = file->language };

    return page_text(&page, name);
}

/* What follows a line's end is set in, so nobody says there that somebody else has said something; and nothing moves a terminal's cursor. */
static void put_lines(struct buf *out, struct str text, const char *line_end)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i], next = i + 1 < text.len ? (unsigned char)text.at[i + 1] : 0;
        if (c == '\n')
            buf_add_str(out, str_of(line_end));
        else if (c == 0xc2 && next >= 0x80 && next < 0xa0)
            i++; /* a control character of U+0080 and on */
        else if (c == '\t' || (c >= 0x20 && c != 0x7f))
            buf_add_char(out, (char)c);
    }
}

static void put_said(struct buf *out, struct str text)
{
    put_lines(out, text, "\n    ");
}

static void put_word(struct buf *out, struct str word)
{
    put_lines(out, word, " ");
}

static void put_names(struct talk_file *file, struct id_list media)
{
    for (size_t i = 0; i < media.len; i++)
        for (size_t j = 0; j < file->of->media.len; j++) {
            if (!id_eq(file->of->media.at[j].id, media.at[i])) continue;
            buf_add_str(&file->text, STR("    + "));
            put_word(&file->text, file->of->media.at[j].name);
            buf_add_char(&file->text, '\n');
        }
}

static void put_line(struct talk_file *file, const struct talk_line *line)
{
    struct buf *out = &file->text;
    bool is_notice = line->side == TALK_NOTICE;

    if (line->when.len > 0) {
        buf_add_char(out, '[');
        put_word(out, line->when);
        buf_add_str(out, STR("] "));
    }
    if (is_notice) buf_add_str(out, STR("-- "));
    if (!is_notice) {
        put_word(out, line->who.len > 0 ? line->who : str_of(say(file, line->side == TALK_MINE ? "own" : "nameless")));
        buf_add_str(out, STR(": "));
    }
    put_said(out, line->text.at != NULL ? line->text : line->media.len > 0 ? STR("") : str_of(say(file, "unshown")));
    buf_add_char(out, '\n');
    put_names(file, line->media);
}

static enum err put_text(struct talk_file *file)
{
    struct buf *out = &file->text;
    struct talk talk;

    TRY(read_talk(file, &talk));
    put_word(out, file->of->name);
    struct str when = talk_time(file->call->arena, file->of->changed_at);
    buf_printf(out, "\n%s: %zu, %s: %.*s\n\n", say(file, "count"), talk.all, say(file, "as_of"), STR_ARG(when));
    for (size_t i = 0; i < talk.n; i++) put_line(file, &talk.lines[i]);
    return OK;
}

/* --- all of them --- */

static const struct talk_format {
    const char *name, *type, *ending;
    enum err (*put)(struct talk_file *file);
} formats[] = {
#define FORMAT(name_, type_, ending_, doc) { #name_, type_, ending_, put_##name_ },
#include "services/share/pages/formats.def"
#undef FORMAT
};

static const struct talk_format *find_format(struct str name)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        if (name.len == 0 || str_is(name, formats[i].name)) return &formats[i];
    return NULL;
}

/* As the name of a file is safe to show, without what a path is made of. */
static struct str file_name(struct arena *arena, struct str name, const char *ending)
{
    char *to = arena_alloc(arena, name.len + 1);
    struct str plain = { to, text_plain_part(name, NAME_CHARS, to) };

    for (size_t i = 0; i < plain.len; i++)
        if (to[i] == '/' || to[i] == '\\' || to[i] == ':' || (i == 0 && to[i] == '.')) to[i] = '_';
    return arena_printf(arena, "%.*s.%s", STR_ARG(plain), ending);
}

enum err talk_file_make(
    struct call *call, const struct talk_source *of, struct str format, struct str lang, struct written_file *out)
{
    const struct talk_format *found = find_format(format);
    struct talk_file file = { .call = call, .of = of, .text = BUF(BYTES_MAX) };

    if (found == NULL) return call_fail(call, ERR_INVALID_ARGUMENT, "format: is ndjson, html or text");
    if (!page_language_find(lang, &file.language)) file.language = PAGE_EN;
    enum err e = found->put(&file);
    if (e == OK && file.text.over)
        e = call_fail(call, ERR_TOO_LARGE, "as %s it has more than %d bytes", found->name, BYTES_MAX);
    *out = (struct written_file){ .name = file_name(call->arena, of->name, found->ending),
        .type = str_of(found->type),
        .bytes = arena_str(call->arena, buf_str(&file.text)) };
    buf_free(&file.text);
    return e;
}

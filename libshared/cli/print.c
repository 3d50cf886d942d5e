/* print.c - records as lines of a table, as a sentence, as JSON. */
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "libshared/cli/cli.h"

#define JSON_BYTES_MAX (64u << 20)
#define TEXT_BYTES_MAX 65536

const char *text_printf(const char *fmt, ...)
{
    char text[TEXT_BYTES_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return arena_cstr(arena, str_of(text));
}

/* Bytes at `at` that a terminal would obey: 1, of U+0080 to U+009F 2; else 0. */
static size_t control_bytes(const unsigned char *at, size_t left)
{
    if (at[0] < 0x20 || at[0] == 0x7F) return 1;
    return at[0] == 0xC2 && left > 1 && at[1] >= 0x80 && at[1] < 0xA0 ? 2 : 0;
}

/* A name that somebody gave does not move the cursor. */
const char *shown_text(struct str text)
{
    char *to = arena_alloc(arena, text.len + 1);

    if (text.len > 0) memcpy(to, text.at, text.len);
    to[text.len] = '\0';
    for (size_t i = 0; i < text.len; i++) {
        size_t n = control_bytes((const unsigned char *)to + i, text.len - i);
        if (n == 0) continue;
        memset(to + i, '?', n);
        i += n - 1;
    }
    return to;
}

const char *time_text(int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[40];

    if (ms == 0) return "-";
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", gmtime_r(&seconds, &tm));
    return arena_cstr(arena, str_of(text));
}

const char *list_text(struct str_list list)
{
    const char *out = "";

    for (size_t i = 0; i < list.len; i++) out = text_printf("%s%s%s", out, i ? ", " : "", shown_text(list.at[i]));
    return out;
}

/* "" stands for nothing. */
static const char *field_text(const struct wire_field *f, const void *record)
{
    const void *at = (const char *)record + f->at;
    char id[ID_TEXT_BYTES + 1];

    switch (f->kind) {
    case WIRE_INT: return text_printf("%lld", (long long)*(const int64_t *)at);
    case WIRE_BOOL: return *(const bool *)at ? "yes" : "no";
    case WIRE_TIME: return *(const int64_t *)at == 0 ? "" : time_text(*(const int64_t *)at);
    case WIRE_TEXT: return shown_text(*(const struct str *)at);
    case WIRE_TEXTS: return list_text(*(const struct str_list *)at);
    case WIRE_LIST: return text_printf("%zu", wire_list_length(f, record));
    case WIRE_ID:
        id_format(*(const struct id *)at, id);
        return id_is_nil(*(const struct id *)at) ? "" : text_printf("%s", id);
    case WIRE_BYTES:
    case WIRE_ANY:
    case WIRE_IDS:
    case WIRE_ONE: break; /* in no table */
    }
    return "";
}

/* As wide as it looks, but for wide letters: by code points. */
static void print_padded(const char *text, int width, bool last)
{
    int chars = (int)utf8_length(text, strlen(text));

    printf("%s", text);
    if (!last) printf("%*s", (width > chars ? width - chars : 0) + 2, "");
}

void print_cells(const char *const *cells, const int *widths, size_t n)
{
    for (size_t i = 0; i < n; i++) print_padded(cells[i], widths[i], i + 1 == n);
    printf("\n");
}

void print_head(const struct column *columns)
{
    for (const struct column *c = columns; c->head != NULL; c++) print_padded(c->head, c->width, c[1].head == NULL);
    printf("\n");
}

void print_line(const struct column *columns, const struct wire_shape *shape, const void *record)
{
    for (const struct column *c = columns; c->head != NULL; c++) {
        const char *text = c->text != NULL ? c->text(record) : field_text(wire_find(shape, str_of(c->field)), record);
        if (*text == '\0') text = c->none != NULL ? c->none : "-";
        print_padded(text, c->width, c[1].head == NULL);
    }
    printf("\n");
}

void print_says(
    const char *says, const struct wire_shape *in, const void *req, const struct wire_shape *out, const void *rep)
{
    struct str rest = str_of(says);

    while (rest.len > 0) {
        struct str before = str_cut(&rest, '{');
        printf("%.*s", STR_ARG(before));
        if (rest.at == NULL) break;
        struct str name = str_cut(&rest, '}');
        const struct wire_field *f = wire_find(out, name);
        fputs(f != NULL ? field_text(f, rep) : field_text(wire_find(in, name), req), stdout);
    }
    printf("\n");
}

void put_record_json(const struct wire_shape *shape, const void *record)
{
    struct buf json = BUF(JSON_BYTES_MAX);

    if (wire_write_json(shape, record, &json) == OK) printf("%.*s", STR_ARG(buf_str(&json)));
    buf_free(&json);
}

void print_json(const struct wire_shape *shape, const void *record)
{
    put_record_json(shape, record);
    printf("\n");
}

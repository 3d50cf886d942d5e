/* media_type.c - what Content-Type and Accept say. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/media_type.h"

#include <string.h>
#include <strings.h>

#include "libshared/base/weight.h"

static bool is_word(struct str text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

/* Cuts off what is before `end`, which may stand within a quoted text. */
static struct str cut_quoted(struct str *rest, char end)
{
    struct str whole = *rest;
    bool quoted = false;
    size_t i = 0;

    for (; i < whole.len && (quoted || whole.at[i] != end); i++) {
        if (quoted && whole.at[i] == '\\' && i + 1 < whole.len)
            i++;
        else if (whole.at[i] == '"')
            quoted = !quoted;
    }
    *rest = str_skip(whole, i < whole.len ? i + 1 : i);
    return (struct str){ whole.at, i };
}

/* The text that a quoted one stands for; others stand for themselves.  A backslash that escapes nothing is itself: so
 * browsers write the names of files. */
static bool unquote_text(struct str text, struct arena *arena, struct str *out)
{
    *out = text;
    if (text.len == 0 || text.at[0] != '"') return text.len > 0;
    if (text.len < 2 || text.at[text.len - 1] != '"') return false;
    char *to = arena_alloc(arena, text.len);
    size_t n = 0;
    for (size_t i = 1; i + 1 < text.len; i++) {
        if (text.at[i] == '\\' && i + 2 < text.len && (text.at[i + 1] == '"' || text.at[i + 1] == '\\')) i++;
        to[n++] = text.at[i];
    }
    *out = (struct str){ to, n };
    return true;
}

bool media_type_is(struct str header, const char *type)
{
    return is_word(str_trim(cut_quoted(&header, ';')), type);
}

bool media_type_param(struct str header, const char *name, struct arena *arena, struct str *out)
{
    bool found = false;

    (void)cut_quoted(&header, ';');
    while (header.len > 0) {
        struct str value = str_trim(cut_quoted(&header, ';'));
        if (!is_word(str_trim(str_cut(&value, '=')), name)) continue;
        if (found || !unquote_text(str_trim(value), arena, out)) return false;
        found = true;
    }
    return found;
}

/* 3: the type itself, 2: any of its kind, 1: any; 0: another. */
static int closeness(struct str range, const char *type)
{
    const char *slash = strchr(type, '/');
    size_t kind = (size_t)(slash - type) + 1;

    if (is_word(range, type)) return 3;
    if (range.len == kind + 1 && range.at[kind] == '*' && strncasecmp(range.at, type, kind) == 0) return 2;
    return str_is(range, "*/*") ? 1 : 0;
}

static bool is_refused(struct str params)
{
    while (params.len > 0) {
        struct str param = str_trim(cut_quoted(&params, ';')), name = param;
        if (is_word(str_trim(str_cut(&name, '=')), "q")) return weight_read(param) == 0;
    }
    return false;
}

bool media_type_accepted(struct str accept, const char *type)
{
    bool accepted = false;
    int closest = 0;

    if (str_trim(accept).len == 0) return true;
    while (accept.len > 0) {
        struct str params = cut_quoted(&accept, ',');
        int close = closeness(str_trim(cut_quoted(&params, ';')), type);
        if (close == 0 || close < closest) continue;
        closest = close;
        accepted = !is_refused(params);
    }
    return accepted;
}

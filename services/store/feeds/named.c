/* named.c - whom a text may name: what stands behind each @ in it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/feeds/named.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t ticks_at(struct str text, size_t at)
{
    size_t n = 0;

    while (at + n < text.len && text.at[at + n] == '`') n++;
    return n;
}

/* Behind the code that these backticks begin; where nothing ends it they are what they are, and it is behind them. */
static size_t skip_code(struct str text, size_t at)
{
    size_t n = ticks_at(text, at), k;

    for (size_t i = at + n; i<text.len; i += k> 0 ? k : 1)
        if ((k = ticks_at(text, i)) == n) return i + n;
    return at + n;
}

static bool is_of_address(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("._%+-/", c));
}

/* What stands behind an @. */
static struct str name_at(struct str text, size_t at)
{
    struct str name = { text.at + at, 0 };
    size_t n = 0;

    for (; at + name.len < text.len; name.len++) {
        char c = name.at[name.len];
        bool begins = (c & 0xC0) != 0x80; /* a character */
        if (c == '@' || c == '\n' || c == '\r' || (begins && n++ == NAMED_CHARS)) break;
    }
    return str_trim(name);
}

struct name_list {
    struct str at[NAMED_MAX];
    size_t len;
};

static void put_name(struct name_list *names, struct str name)
{
    for (size_t i = 0; i < names->len; i++)
        if (str_eq(names->at[i], name)) return;
    if (names->len < NAMED_MAX) names->at[names->len++] = name;
}

static bool begins_url(struct str text, size_t at)
{
    return text.len - at >= 3 && memcmp(text.at + at, "://", 3) == 0;
}

static void find_names(struct str text, struct name_list *names)
{
    bool is_url = false;

    for (size_t i = 0; i < text.len;) {
        char c = text.at[i];
        if (c == '`') {
            i = skip_code(text, i);
            continue;
        }
        if (is_blank(c)) is_url = false;
        if (begins_url(text, i)) is_url = true;
        i++;
        if (c != '@' || is_url || i == text.len || is_blank(text.at[i]) || text.at[i] == '@') continue;
        if (i < 2 || !is_of_address(text.at[i - 2])) put_name(names, name_at(text, i));
    }
}

struct str named_in(struct arena *arena, struct str text)
{
    struct name_list names = { .len = 0 };
    size_t len = 0;

    find_names(text, &names);
    for (size_t i = 0; i < names.len; i++) len += names.at[i].len + 1;
    char *lines = arena_alloc(arena, len + 1), *to = lines;
    for (size_t i = 0; i < names.len; i++) {
        if (i > 0) *to++ = '\n';
        memcpy(to, names.at[i].at, names.at[i].len);
        to += names.at[i].len;
    }
    return (struct str){ lines, (size_t)(to - lines) };
}

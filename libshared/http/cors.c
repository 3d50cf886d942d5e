/* cors.c - which pages may talk to us. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/conn_private.h"

#include <string.h>

struct origins {
    char *text;
    bool any, exist;
    size_t n;
    struct str at[];
};

static size_t count_words(const char *list)
{
    size_t n = 1;
    for (; *list; list++) n += *list == ',';
    return n;
}

static void add_word(struct origins *o, char *word)
{
    while (*word == ' ') word++;
    size_t len = strlen(word);
    while (len > 0 && (word[len - 1] == ' ' || word[len - 1] == '/')) len--;
    if (len == 1 && *word == '*')
        o->any = true;
    else if (len > 0)
        o->at[o->n++] = (struct str){ word, len };
}

struct origins *origins_create(const char *list)
{
    if (list == NULL) return mem_zero(sizeof(struct origins));
    struct origins *o = mem_zero(sizeof *o + count_words(list) * sizeof *o->at);
    o->exist = true;
    size_t size = strlen(list) + 1;
    o->text = memcpy(mem_alloc(size), list, size);
    char *rest = o->text, *word;
    while ((word = strsep(&rest, ",")) != NULL) add_word(o, word);
    return o;
}

void origins_destroy(struct origins *o)
{
    mem_free(o->text);
    mem_free(o);
}

bool origins_exist(const struct origins *o)
{
    return o->exist;
}

bool origins_any(const struct origins *o)
{
    return o->any;
}

bool origins_allow(const struct origins *o, struct str origin)
{
    if (o->any) return true;
    for (size_t i = 0; i < o->n; i++)
        if (str_eq(o->at[i], origin)) return true;
    return false;
}

bool origin_is_host(struct str origin, struct str host)
{
    struct str schemes[] = { STR("https://"), STR("http://") };
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (str_starts(origin, schemes[i])) return str_eq(str_skip(origin, schemes[i].len), host);
    return false;
}

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

static void add_word(struct origins *o, struct str word)
{
    while (word.len > 0 && word.at[word.len - 1] == '/') word.len--;
    if (str_is(word, "*"))
        o->any = true;
    else if (word.len > 0)
        o->at[o->n++] = word;
}

struct origins *origins_create(const char *list)
{
    if (list == NULL) return mem_zero(sizeof(struct origins));
    struct origins *o = mem_zero(sizeof *o + count_words(list) * sizeof *o->at);
    o->exist = true;
    size_t size = strlen(list) + 1;
    o->text = memcpy(mem_alloc(size), list, size);
    struct str rest = str_of(o->text);
    while (rest.len > 0) add_word(o, str_trim(str_cut(&rest, ',')));
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

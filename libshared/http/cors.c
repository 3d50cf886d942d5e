/* cors.c - which pages may talk to us. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/conn_private.h"

#include <string.h>

#include "libshared/base/url.h"

struct origins {
    char *text;
    struct str own;
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

struct origins *origins_create(const char *list, const char *own)
{
    if (list == NULL) return mem_zero(sizeof(struct origins));
    struct origins *o = mem_zero(sizeof *o + count_words(list) * sizeof *o->at);
    o->exist = true;
    o->own = own != NULL ? str_of(own) : STR_NONE;
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

/* By name: a `*` vouches for no page. */
static bool origins_name(const struct origins *o, struct str origin)
{
    if (o->own.len > 0 && str_eq(o->own, origin)) return true;
    for (size_t i = 0; i < o->n; i++)
        if (str_eq(o->at[i], origin)) return true;
    return false;
}

bool origins_allow(const struct origins *o, struct str origin)
{
    return o->any || origins_name(o, origin);
}

/* Where it was sent from, if the browser says so.  Pages that keep their address to themselves have the origin "null". */
static bool is_from_named(const struct origins *o, const struct sender *sender)
{
    char origin[URL_ORIGIN_MAX];

    if (sender->origin.len > 0 && !str_is(sender->origin, "null")) return origins_name(o, sender->origin);
    if (str_is(sender->site, "same-origin")) return true;
    return sender->referer.len > 0 && url_origin(sender->referer, origin) && origins_name(o, str_of(origin));
}

/* Somebody followed a link, here or elsewhere, or typed the address. */
static bool is_visit(const struct sender *sender)
{
    bool within = sender->site.len == 0 || str_is(sender->site, "same-origin") || str_is(sender->site, "none");

    return within || (str_is(sender->mode, "navigate") && str_is(sender->dest, "document"));
}

bool sender_is_good(const struct origins *o, const struct sender *sender)
{
    if (sender->reads) return is_visit(sender) && (sender->origin.len == 0 || is_from_named(o, sender));
    return !str_is(sender->site, "cross-site") && is_from_named(o, sender);
}

bool origin_is_host(struct str origin, struct str host)
{
    struct str schemes[] = { STR("https://"), STR("http://") };
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (str_starts(origin, schemes[i])) return str_eq(str_skip(origin, schemes[i].len), host);
    return false;
}

/*
 * message_search.c - messages of one's rooms by what they say: where one may look, then what there is.
 *
 *      one room: access_cache, as for its history        all: chat, once, however many --> search_read on a worker --> the page
 */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "services/store/search/search.h"
#include "services/store/store.h"

#define PAGE_US 80000 /* a page that has taken so long ends where it is */

struct searching {
    struct store *store;
    struct rpc_later *later;
    const struct search_query *query;
    struct search_asking asking;
    int64_t indexed_until;
    struct search_page page;
};

/* --- where a page ended --- */

#define PLACE_BYTES (8 + sizeof(struct id) + 8)

static void put_number(unsigned char *at, int64_t n)
{
    for (int i = 0; i < 8; i++) at[i] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
}

static int64_t get_number(const unsigned char *at)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++) n = n << 8 | at[i];
    return (int64_t)n;
}

static struct str print_place(struct arena *arena, const struct search_place *place)
{
    unsigned char bytes[PLACE_BYTES];
    char text[(4 * PLACE_BYTES + 2) / 3 + 1];

    put_number(bytes, place->at);
    memcpy(bytes + 8, place->room.b, sizeof place->room.b);
    put_number(bytes + 8 + sizeof place->room.b, place->seq);
    base64url_encode(bytes, sizeof bytes, text);
    return arena_str(arena, str_of(text));
}

static bool read_place(struct str text, struct search_place *out)
{
    unsigned char bytes[PLACE_BYTES + 3];

    if (text.len != (4 * PLACE_BYTES + 2) / 3 || !base64url_is_canonical(text)) return false;
    if (base64url_decode(text, bytes) != PLACE_BYTES) return false;
    out->at = get_number(bytes);
    memcpy(out->room.b, bytes + 8, sizeof out->room.b);
    out->seq = get_number(bytes + 8 + sizeof out->room.b);
    return out->at >= 0 && out->seq >= 0;
}

/* --- the answer --- */

static struct page_meta *meta_of(
    struct arena *arena, const struct search_query *query, const struct search_answer *answer)
{
    struct page_meta *meta = arena_zero(arena, sizeof *meta);

    *meta = (struct page_meta){ .limit = query->limit, .total = -1 };
    if (!answer->is_done) meta->next = print_place(arena, &answer->next);
    return meta;
}

static struct str_list senders_of(struct arena *arena, const struct search_hit_list *found)
{
    struct str *senders = arena_alloc(arena, found->len * sizeof *senders + 1);

    for (size_t i = 0; i < found->len; i++) senders[i] = found->at[i].message->sender;
    return (struct str_list){ senders, found->len };
}

static enum err read_page(struct pg *pg, struct arena *arena, void *arg)
{
    struct searching *s = arg;
    struct search_answer answer = { .is_done = true };

    s->asking.until_us = clock_mono_us() + PAGE_US;
    if (s->asking.rooms.len > 0) TRY(search_read(pg, arena, &s->asking, &answer));
    s->page = (struct search_page){ .found = answer.found, .indexed_until = s->indexed_until };
    if (!answer.is_done) s->page.searched_until = answer.next.at;
    s->page.meta = meta_of(arena, s->query, &answer);
    return directory_people(pg, arena, senders_of(arena, &answer.found), &s->page.users);
}

static void on_page(void *arg, enum err e)
{
    struct searching *s = arg;

    rpc_later_done(s->later, e, &s->page);
}

/* --- where one may look --- */

static void begin_reading(struct searching *s)
{
    struct call *call = rpc_later_call(s->later);

    s->indexed_until = feeds_search_until(s->store->feeds);
    if (rpc_server_work(s->store->server, call->who->sub, read_page, on_page, s)) return;
    rpc_later_done(s->later, call_fail(call, ERR_OVERLOADED, "too many requests wait for a worker"), NULL);
}

static void on_grant(void *arg, enum err e, struct log_access may)
{
    struct searching *s = arg;
    struct call *call = rpc_later_call(s->later);

    e = access_error(call, e, may);
    if (e != OK) {
        rpc_later_done(s->later, e, NULL);
        return;
    }
    s->asking.rooms = (struct readable_room_list){ arena_alloc(call->arena, sizeof *s->asking.rooms.at), 1 };
    *s->asking.rooms.at = (struct readable_room){ s->query->room, may.reads_after };
    begin_reading(s);
}

static enum err take_rooms(struct call *call, struct str body, struct readable_room_list *out)
{
    struct readable_rooms rooms = { { NULL, 0 } };
    struct wire_error why = { 0 };

    TRY(wire_decode(readable_rooms_shape(), arena_str(call->arena, body), call->arena, &rooms, &why));
    *out = rooms.rooms;
    return OK;
}

/* The call may have ended with its server meanwhile. */
struct rooms_asked {
    const struct store *store;
    struct searching *s;
};

static void on_rooms(void *arg, enum err status, struct str body)
{
    struct rooms_asked asked = *(struct rooms_asked *)arg;

    mem_free(arg);
    if (asked.store->stopping) return;
    struct call *call = rpc_later_call(asked.s->later);
    enum err e = status == OK ? take_rooms(call, body, &asked.s->asking.rooms) : status;
    if (e == OK)
        begin_reading(asked.s);
    else
        rpc_later_done(asked.s->later, call_fail(call, e, "chat did not say which rooms may be read"), NULL);
}

static void ask_for_rooms(struct searching *s, struct str subject)
{
    struct rooms_asked *asked = mem_alloc(sizeof *asked);

    *asked = (struct rooms_asked){ s->store, s };
    chat_link_readable(s->store->parts[0].link, &(struct readable_query){ subject }, on_rooms, asked);
}

/* --- the question --- */

static const struct {
    const char *name;
    unsigned kinds;
} kind_names[] = { { "reply", SEARCH_reply }, { "media", SEARCH_media }, { "link", SEARCH_link } };

static bool read_kind(struct str name, unsigned *out)
{
    *out = 0;
    for (size_t i = 0; i < COUNT(kind_names); i++)
        if (str_is(name, kind_names[i].name)) *out = kind_names[i].kinds;
    return name.len == 0 || *out != 0;
}

static enum err read_query(struct call *call, const struct search_query *query, struct search_asking *out)
{
    struct search_text text = search_fold(call->arena, query->q);

    *out = (struct search_asking){ .sender = query->sender,
        .from = query->from,
        .behind = { .at = query->to > 0 ? query->to : INT64_MAX },
        .limit = query->limit,
        .reader = call->who->sub };
    if (!search_cut_words(&text, &out->words))
        return call_fail(call, ERR_INVALID_ARGUMENT, "q: has no word, or more than %d", SEARCH_WORDS_MAX);
    if (!read_kind(query->kind, &out->kinds))
        return call_fail(call, ERR_INVALID_ARGUMENT, "kind: is none of reply, media and link");
    if (query->after.len > 0 && !read_place(query->after, &out->behind))
        return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
    return OK;
}

void message_search(struct call *call, const struct search_query *query, struct rpc_later *later)
{
    struct searching *s = arena_zero(call->arena, sizeof *s);
    enum err e = call->who->sub.len > 0 ? read_query(call, query, &s->asking) : ERR_UNAUTHENTICATED;

    s->store = call->context;
    s->later = later;
    s->query = query;
    if (e == OK && strcmp(s->store->settings->search, "on") != 0)
        e = call_fail(call, ERR_UNAVAILABLE, "search is turned off here");
    if (e != OK)
        rpc_later_done(later, e, NULL);
    else if (!id_is_nil(query->room))
        access_cache_ask(store_chat(s->store, query->room)->access, query->room, call->who->sub, on_grant, s);
    else
        ask_for_rooms(s, call->who->sub);
}

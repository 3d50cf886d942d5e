/* message_list.c - reading a room's messages as they are now, for its members: a slice of them, of a thread, of those pinned, or one. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/store/store.h"

struct history_reading {
    struct store *store;
    struct rpc_later *later;
    struct history_slice slice;
    int64_t from; /* the slice begins at this time; 0: it says where itself */
    int64_t reads_after;
    bool one; /* the message `seq` of the slice is the answer, and no page */
    struct history_page page;
};

/* Messages and head are of one moment, so that a reader who adds what comes behind `head` adds each entry once.  Names stand beside the
 * messages, each once: docs/why/0057-names-beside-messages.md. */
static enum err read_page(struct pg *pg, struct arena *arena, void *arg)
{
    struct history_reading *r = arg;
    struct history_page *page = &r->page;
    struct log_ends ends;

    TRY(pg_one_snapshot(pg, arena));
    TRY(history_floor(pg, arena, r->slice.room, r->reads_after, &r->slice.floor));
    if (r->from > 0) TRY(history_place(pg, arena, r->slice.room, r->from, &r->slice.seq));
    TRY(history_read(pg, arena, &r->slice, rpc_later_call(r->later)->who->sub, &page->messages));
    TRY(log_ends_read(pg, arena, r->slice.room, &ends));
    page->head = ends.head;
    page->first = log_first_told(&ends);
    return directory_people(pg, arena, TEXTS_OF(arena, page->messages, sender), &page->users);
}

static void on_page(void *arg, enum err e)
{
    struct history_reading *r = arg;
    const struct message_view_list *messages = &r->page.messages;

    if (!r->one || e != OK) {
        rpc_later_done(r->later, e, &r->page);
        return;
    }
    if (messages->len == 0 || messages->at[0].seq != r->slice.seq)
        e = call_fail(rpc_later_call(r->later), ERR_NOT_FOUND, "there is no such message");
    rpc_later_done(r->later, e, &messages->at[0]);
}

static void on_grant(void *arg, enum err e, struct log_access may)
{
    struct history_reading *r = arg;
    struct call *call = rpc_later_call(r->later);

    r->reads_after = may.reads_after;
    e = access_error(call, e, may);
    if (e == OK && !rpc_server_work(r->store->server, call->who->sub, read_page, on_page, r))
        e = call_fail(call, ERR_OVERLOADED, "too many requests wait for a worker");
    if (e != OK) rpc_later_done(r->later, e, NULL);
}

static void begin_reading(struct call *call, const struct history_reading *reading, struct rpc_later *later)
{
    struct history_reading *r;

    if (call->who->sub.len == 0) {
        rpc_later_done(
            later, call_fail(call, ERR_UNAUTHENTICATED, "messages are read by somebody: there is no subject"), NULL);
        return;
    }
    r = arena_alloc(call->arena, sizeof *r);
    *r = *reading;
    r->store = call->context;
    r->later = later;
    access_cache_ask(store_chat(r->store, r->slice.room)->access, r->slice.room, call->who->sub, on_grant, r);
}

static enum err check_query(struct call *call, const struct message_query *req)
{
    int places = (req->after >= 0) + (req->before > 0) + (req->around > 0) + (req->from > 0);

    if (places > 1)
        return call_fail(call, ERR_INVALID_ARGUMENT, "before: of after, before, around and from there can be one");
    if (req->thread > 0 && (req->around > 0 || req->from > 0))
        return call_fail(call, ERR_INVALID_ARGUMENT, "thread: not together with around and from");
    return OK;
}

/* None of both: the newest. */
static void place_slice(struct history_slice *slice, int64_t after, int64_t before)
{
    slice->way = after >= 0 ? HISTORY_AFTER : HISTORY_BEFORE;
    slice->seq = after >= 0 ? after : before > 0 ? before : INT64_MAX;
}

void message_list(struct call *call, const struct message_query *req, struct rpc_later *later)
{
    struct history_reading reading = { .slice = { .room = req->room, .limit = req->limit, .thread = req->thread },
        .from = req->from };
    enum err e = check_query(call, req);

    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    place_slice(&reading.slice, req->from > 0 ? 0 : req->after, req->before);
    if (req->thread > 0) reading.slice.of = HISTORY_THREAD;
    if (req->around > 0) {
        reading.slice.way = HISTORY_AROUND;
        reading.slice.seq = req->around;
    }
    begin_reading(call, &reading, later);
}

void pin_list(struct call *call, const struct pin_query *req, struct rpc_later *later)
{
    struct history_reading reading = { .slice = { .room = req->room, .of = HISTORY_PINS, .limit = req->limit } };

    if (req->before > 0 && req->after >= 0) {
        rpc_later_done(later, call_fail(call, ERR_INVALID_ARGUMENT, "before: not together with `after`"), NULL);
        return;
    }
    place_slice(&reading.slice, req->after, req->before);
    begin_reading(call, &reading, later);
}

void message_get(struct call *call, const struct message_ref *req, struct rpc_later *later)
{
    const struct history_reading reading = {
        .slice = { .room = req->room, .way = HISTORY_AROUND, .seq = req->seq, .limit = 1 }, .one = true
    };

    begin_reading(call, &reading, later);
}

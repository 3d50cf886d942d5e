/*
 * attachment_access.c - for share: which media somebody may read, as a room that they are in shows them.
 *
 *      media --worker: the rooms where their owners showed them--> pairs --one after the other--> access_cache: a member? --> yes or no
 *                          ^                                          |
 *                          '------------ a full page: go on behind it-'
 *
 * One question is under way at a time, so a request costs chat no more than its place in the line, whatever it asks about; and a yes is
 * remembered, and forgotten with the membership, as that of who sends or reads.
 */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/store/store.h"

#define PAIRS_AT_ONCE 500

/* A medium, the how-many-th of those asked about, a room that shows it, and when the newest message was stored that does: of those that are read, if some are. */
struct shown_in {
    int64_t nth;
    struct id room;
    int64_t at;
    bool withheld; /* all that do are withheld */
};
struct shown_in_list {
    struct shown_in *at;
    size_t len;
};
static const struct wire_field shown_in_fields[] = { ROW_FIELD(struct shown_in, nth, INT),
    ROW_FIELD(struct shown_in, room, ID), ROW_FIELD(struct shown_in, at, TIME),
    ROW_FIELD(struct shown_in, withheld, BOOL), ROW_END };
static const struct wire_shape shown_in_shape = { "shown_in", "", sizeof(struct shown_in), shown_in_fields };

/* Each room of a medium once, by one step down the index for each: a room may show a medium a thousand times.  Newer rooms, whose ids are
 * greater, first. */
#define NEWEST(which)                                                                                                  \
    "SELECT a.seq, a.withheld FROM attachment a WHERE a.media = q.media AND a.room_id = step.room AND"                 \
    " a.sender = q.owner AND " which " AND a.seq >= (SELECT first FROM room_head h WHERE h.room_id = step.room)"       \
    " ORDER BY a.seq DESC LIMIT 1"
static const char ROOMS[] =
    "SELECT q.nth, r.room, r.at, r.withheld FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS q (media, owner, "
    "nth),"
    " LATERAL (WITH RECURSIVE step (room) AS ("
    "  (SELECT room_id FROM attachment WHERE media = q.media AND (q.nth > $3 OR room_id < $4) ORDER BY room_id DESC"
    "   LIMIT 1) UNION ALL SELECT (SELECT a.room_id FROM attachment a WHERE a.media = q.media AND a.room_id < step.room"
    "   ORDER BY a.room_id DESC LIMIT 1) FROM step WHERE step.room IS NOT NULL)"
    "  SELECT room, (SELECT m.at FROM message m WHERE m.room_id = step.room AND m.seq = newest.seq) AS at, "
    "newest.withheld"
    "   FROM step, LATERAL ((" NEWEST("NOT a.withheld") ") UNION ALL (" NEWEST(
        "a.withheld") ") LIMIT 1) newest"
                      "  WHERE room IS NOT NULL LIMIT $5) r"
                      " WHERE q.nth >= $3 ORDER BY q.nth, r.room DESC LIMIT $5";

struct attachment_asking {
    struct store *store;
    struct rpc_later *later;
    const struct attachment_query *query;
    struct shown_in_list pairs;
    size_t next; /* of the pairs */
    struct shown_in last;
    bool *may_read; /* of each medium */
};

static enum err read_rooms(struct pg *pg, struct arena *arena, void *arg)
{
    struct attachment_asking *asking = arg;
    const struct medium_of_list *media = &asking->query->media;

    return pg_all(pg, rpc_later_call(asking->later)->arena, &shown_in_shape, &asking->pairs, PAIRS_AT_ONCE, ROOMS,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, *media, media)), pg_texts(arena, TEXTS_OF(arena, *media, owner)),
            pg_int(asking->last.nth), pg_id(asking->last.room), pg_int(PAIRS_AT_ONCE)));
}

static void answer_asking(struct attachment_asking *asking, enum err e)
{
    struct call *call = rpc_later_call(asking->later);
    size_t n = asking->query->media.len;
    struct media_ids rep = { { arena_alloc(call->arena, (n + 1) * sizeof *rep.media.at), 0 } };

    for (size_t i = 0; i < n; i++)
        if (asking->may_read[i]) rep.media.at[rep.media.len++] = asking->query->media.at[i].media;
    rpc_later_done(asking->later, e, &rep);
}

static void ask_next(struct attachment_asking *asking);

static void on_access(void *arg, enum err e, struct log_access may)
{
    struct attachment_asking *asking = arg;

    if (e != OK && e != ERR_NOT_FOUND) {
        answer_asking(asking, access_error(rpc_later_call(asking->later), e, may));
        return;
    }
    if (may.role != ROLE_none && history_reads(may.reads_after, asking->last.at) &&
        (!asking->last.withheld || room_role_may(may.role, MAY_moderate)))
        asking->may_read[asking->last.nth - 1] = true;
    ask_next(asking);
}

static void on_rooms(void *arg, enum err e)
{
    struct attachment_asking *asking = arg;

    asking->next = 0;
    if (e == OK)
        ask_next(asking);
    else
        answer_asking(asking, e);
}

static enum err read_more(struct attachment_asking *asking)
{
    struct call *call = rpc_later_call(asking->later);

    if (clock_mono_us() > call->deadline_us) return ERR_DEADLINE;
    if (rpc_server_work(asking->store->server, asking->query->subject, read_rooms, on_rooms, asking)) return OK;
    return call_fail(call, ERR_OVERLOADED, "too many requests wait for a worker");
}

static void ask_next(struct attachment_asking *asking)
{
    struct shown_in_list pairs = asking->pairs;
    enum err e = OK;

    while (asking->next < pairs.len && asking->may_read[pairs.at[asking->next].nth - 1])
        asking->last = pairs.at[asking->next++];
    if (asking->next < pairs.len) {
        asking->last = pairs.at[asking->next++];
        access_cache_ask(store_chat(asking->store, asking->last.room)->access, asking->last.room,
            asking->query->subject, on_access, asking);
        return;
    }
    if (pairs.len == PAIRS_AT_ONCE) e = read_more(asking);
    if (e != OK || pairs.len < PAIRS_AT_ONCE) answer_asking(asking, e);
}

void attachment_access(struct call *call, const struct attachment_query *query, struct rpc_later *later)
{
    struct attachment_asking *asking = arena_zero(call->arena, sizeof *asking);
    enum err e;

    asking->store = call->context;
    asking->later = later;
    asking->query = query;
    asking->last = (struct shown_in){ .nth = 1, .room = { { 0 } } };
    asking->may_read = arena_zero(call->arena, (query->media.len + 1) * sizeof *asking->may_read);
    memset(&asking->last.room, 0xff, sizeof asking->last.room); /* before the newest */
    e = read_more(asking);
    if (e != OK) answer_asking(asking, e);
}

/* withheld_list.c - what withheld messages said, for who moderates the room. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/store/moderation/moderation.h"

#define PAGE_MAX 100 /* proto/store.def: withheld_page.messages */

/* The text of the last edit, and what else is the message's own.  History_page.c says why the lookups are as they are. */
static const char WITHHELD[] =
    "SELECT n.seq, m.sender, m.at, l.body, o.meta, m.thread, l.attachments, n.withheld_at, n.withheld_by, c.body AS "
    "reason"
    " FROM (SELECT * FROM message_now WHERE room_id = $1 AND withheld_at IS NOT NULL AND seq < $2 AND seq > $3"
    "  AND ($4 = 0 OR seq = $4) ORDER BY seq DESC LIMIT $5) n CROSS JOIN LATERAL (SELECT sender, at, thread FROM "
    "message"
    "  WHERE room_id = $1 AND seq = n.seq OFFSET 0) m CROSS JOIN LATERAL (SELECT body, attachments FROM withheld WHERE"
    "  room_id = $1 AND seq = COALESCE(n.edit_seq, n.seq) OFFSET 0) l CROSS JOIN LATERAL (SELECT meta FROM withheld "
    "WHERE"
    "  room_id = $1 AND seq = n.seq OFFSET 0) o LEFT JOIN LATERAL (SELECT body FROM change WHERE room_id = $1 AND"
    "  seq = n.withhold_seq OFFSET 0) c ON true ORDER BY n.seq DESC";

static enum err read_withheld(struct pg *pg, struct arena *arena, void *arg)
{
    struct moderation *m = arg;
    const struct withheld_query *query = m->req;
    struct withheld_page *page = m->rep;
    struct arena *kept = m->call->arena;
    int64_t floor;

    TRY(history_floor(pg, arena, query->room, m->may.reads_after, &floor));
    TRY(pg_all(pg, kept, withheld_message_shape(), &page->messages, PAGE_MAX, WITHHELD,
        PG_ARGS(pg_id(query->room), pg_int(query->before > 0 ? query->before : INT64_MAX), pg_int(floor),
            pg_int(query->seq), pg_int(query->limit))));
    return directory_people(pg, kept, TEXTS_OF(kept, page->messages, sender), &page->users);
}

void withheld_list(struct call *call, const struct withheld_query *req, struct rpc_later *later)
{
    moderation_begin(call,
        &(struct moderation){ .room = req->room,
            .right = MAY_moderate,
            .req = req,
            .work = read_withheld,
            .rep = arena_zero(call->arena, sizeof(struct withheld_page)) },
        later);
}

/*
 * own_sync.c - what has become another of somebody's rooms since they looked last, in pages of one cost.
 *
 *      which rooms, and as what --one walk of one's memberships--> as many as the page holds
 *      those that became another themselves --> as in the list of rooms        of the others what was said and read --> a line each
 *
 * A page says how each of its rooms is now, so what becomes another between two pages is on the later one, or is told the next time: the
 * time of that is the first page's.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/chat/own/own.h"

#define MARGIN_MS  60000 /* for clocks, and for what was begun before and committed later */
#define ROOM_COSTS 10    /* proto/chat.def: sync_query.limit */

/* Of a room that is new to one, or of which more than a head says is another: room; else head. */
#define OF_MEMBER                                                                                                      \
    "SELECT m.room_id AS room, CASE WHEN greatest(m.joined_at, m.stated_at, r.stated_at) > $2 OR $2 IS NULL THEN"      \
    " 'room' ELSE 'head' END AS what FROM member m JOIN room r ON r.id = m.room_id LEFT JOIN activity a"               \
    " ON a.room_id = m.room_id LEFT JOIN direct d ON d.room_id = m.room_id WHERE m.subject = $1"                       \
    " AND ($2 IS NULL OR greatest(m.joined_at, m.changed_at, m.stated_at, r.changed_at, r.stated_at, a.changed_at)"    \
    " > $2) AND (d.room_id IS NULL OR NOT blocks($1, CASE WHEN d.low = $1 THEN d.high ELSE d.low END))"
/* Whom one has blocked meanwhile, their room of two is not shown either. */
#define OF_FORMER                                                                                                      \
    "SELECT f.room_id, 'removed' FROM former_member f WHERE f.subject = $1 AND f.ended_at > $2"                        \
    " AND NOT EXISTS (SELECT FROM member m WHERE m.room_id = f.room_id AND m.subject = $1) AND NOT (f.asked AND"       \
    " EXISTS (SELECT FROM knock k WHERE k.room_id = f.room_id AND k.subject = $1))"                                    \
    " UNION ALL SELECT d.room_id, 'removed' FROM relation b JOIN direct d ON (d.low, d.high) = (b.low, b.high)"        \
    " WHERE b.low = $1 AND b.low_blocks > $2"                                                                          \
    " UNION ALL SELECT d.room_id, 'removed' FROM relation b JOIN direct d ON (d.low, d.high) = (b.low, b.high)"        \
    " WHERE b.high = $1 AND b.high_blocks > $2"

static const char PLACES[] = "SELECT DISTINCT room, what FROM (" OF_MEMBER " UNION ALL " OF_FORMER
                             ") places WHERE room > COALESCE($3, '00000000-0000-0000-0000-000000000000'::uuid)"
                             " ORDER BY room LIMIT $4";

static const char HEADS[] =
    "SELECT m.room_id AS room, r.members, greatest(m.joined_at, a.message_at) AS active_at, coalesce(a.seq, 0) AS head,"
    " m.read_seq AS read, (SELECT n FROM counted_after(m.room_id, m.read_seq) AS n) AS unread,"
    " (SELECT n FROM mentions_after(m.room_id, $1, m.read_seq) AS n) AS mentions, nullif(m.muted, 'no') AS muted,"
    " m.marked_at FROM member m JOIN room r ON r.id = m.room_id LEFT JOIN activity a ON a.room_id = m.room_id"
    " WHERE m.subject = $1 AND m.room_id = ANY ($2) ORDER BY m.room_id";

/* How many have gone, as far as that matters. */
static const char GONE[] = "SELECT count(*) AS n, (extract(epoch FROM now()) * 1000)::bigint AS now FROM (SELECT FROM"
                           " former_member WHERE subject = $1 AND ended_at > $2 LIMIT $3) f";

struct gone {
    int64_t n, now;
};
static const struct wire_field gone_fields[] = {
    ROW_FIELD(struct gone, n, INT),
    ROW_FIELD(struct gone, now, INT),
    ROW_END,
};
static const struct wire_shape gone_shape = { "gone", "", sizeof(struct gone), gone_fields };

/* --- from which page to which --- */

struct sync_place {
    int64_t until;  /* the time of the first page; 0: this is it */
    struct id room; /* behind which the page begins */
};

static enum err read_place(struct call *call, struct str after, struct sync_place *out)
{
    *out = (struct sync_place){ .until = 0 };
    if (after.len == 0) return OK;
    if (str_to_int(str_cut(&after, '.'), &out->until) && out->until > 0 && id_parse(after, &out->room)) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct str print_place(struct arena *arena, const struct sync_place *place)
{
    char id[ID_TEXT_BYTES + 1];
    struct buf text = BUF(64);

    id_format(place->room, id);
    buf_printf(&text, "%lld.%s", (long long)place->until, id);
    struct str out = arena_str(arena, buf_str(&text));
    buf_free(&text);
    return out;
}

/* --- what of it is on the page --- */

struct cut {
    struct id_list rooms, heads, removed;
    struct id last;
    bool is_all;
};

static struct id_list empty_list(struct arena *arena, size_t n)
{
    return (struct id_list){ arena_alloc(arena, n * sizeof(struct id) + 1), 0 };
}

static void cut_page(struct arena *arena, const struct missed_room_list *places, int64_t limit, struct cut *out)
{
    int64_t cost = 0;

    *out = (struct cut){ .rooms = empty_list(arena, places->len),
        .heads = empty_list(arena, places->len),
        .removed = empty_list(arena, places->len),
        .is_all = true };
    for (size_t i = 0; i < places->len && out->is_all; i++) {
        const struct missed_room *place = &places->at[i];
        bool is_room = str_is(place->what, "room");
        struct id_list *list = is_room ? &out->rooms : str_is(place->what, "head") ? &out->heads : &out->removed;
        cost += is_room ? ROOM_COSTS : 1;
        out->is_all = cost <= limit;
        if (!out->is_all) continue;
        list->at[list->len++] = place->room;
        out->last = place->room;
    }
}

/* --- the answer --- */

static struct pg_arg since_of(const struct sync_query *req)
{
    return pg_time(req->since > MARGIN_MS ? req->since - MARGIN_MS : req->since);
}

static enum err require_recent(struct call *call, const struct sync_query *req, struct gone *gone)
{
    TRY(pg_one(call->pg, call->arena, &gone_shape, gone, GONE,
        PG_ARGS(pg_text(call->who->sub), since_of(req), pg_int(OWN_FORMER_MAX))));
    if (req->since == 0) return OK;
    if (req->since > gone->now - OWN_SYNC_MS && req->since <= gone->now + MARGIN_MS && gone->n < OWN_FORMER_MAX)
        return OK;
    return call_fail(call, ERR_RESYNC, "since: is too long ago, or more has gone since than is kept: begin without it");
}

enum err own_sync(struct call *call, const struct sync_query *req, struct sync_page *rep)
{
    struct sync_place place;
    struct gone gone;
    struct missed_room_list places;
    struct cut cut;

    TRY(require_subject(call));
    TRY(read_place(call, req->after, &place));
    TRY(pg_one_snapshot(call->pg, call->arena));
    TRY(require_recent(call, req, &gone));
    if (place.until == 0) place.until = gone.now;
    TRY(pg_all(call->pg, call->arena, missed_room_shape(), &places, (size_t)req->limit + 1, PLACES,
        PG_ARGS(pg_text(call->who->sub), since_of(req), pg_id(place.room), pg_int(req->limit + 1))));
    cut_page(call->arena, &places, req->limit, &cut);
    TRY(own_rooms_of(call, cut.rooms, &rep->rooms));
    if (cut.heads.len > 0)
        TRY(pg_all(call->pg, call->arena, room_head_shape(), &rep->heads, cut.heads.len, HEADS,
            PG_ARGS(pg_text(call->who->sub), pg_ids(call->arena, cut.heads))));
    rep->removed = cut.removed;
    place.room = cut.last;
    if (cut.is_all)
        rep->until = place.until;
    else
        rep->next = print_place(call->arena, &place);
    return OK;
}

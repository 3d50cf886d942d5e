/* room_list.c - the rooms one is a member of, with what there is to be read in them: one statement, however many there are.  And for
 * gateways some of them. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/own/own.h"

/* Of all of one's rooms no more is looked at than their order takes; the rest is looked up for those of the page. */
#define OWN                                                                                                            \
    "SELECT m.room_id, greatest(m.joined_at, a.message_at) AS active_at, CASE WHEN d.low = $1 THEN d.high ELSE d.low"  \
    " END AS peer FROM member m LEFT JOIN activity a ON a.room_id = m.room_id"                                         \
    " LEFT JOIN direct d ON d.room_id = m.room_id WHERE m.subject = $1"

/* The room that one shares with somebody whom one blocks is not shown meanwhile. */
#define SEEN " AND (d.room_id IS NULL OR NOT blocks($1, CASE WHEN d.low = $1 THEN d.high ELSE d.low END))"

#define PAGE_OF(own, order)                                                                                            \
    "SELECT " ROOM_COLUMNS ", o.peer, o.active_at, m.muted, m.marked_at, m.read_seq AS read,"                          \
    " (SELECT count(*) FROM (SELECT FROM knock k WHERE k.room_id = r.id AND knock_is_seen(k, $1, now()) LIMIT 100) k)" \
    " AS knocking,"                                                                                                    \
    " coalesce(a.seq, 0) AS head, (SELECT n FROM counted_after(r.id, m.read_seq) AS n) AS unread, (SELECT n FROM"      \
    " mentions_after(r.id, $1, m.read_seq) AS n) AS mentions, CASE WHEN a.message_at >"                                \
    " coalesce(reads_after(r.history, m.joined_at), '-infinity') AND a.message_by IS NOT NULL"                         \
    " AND a.message_seq >= a.first THEN "                                                                              \
    "json_build_object('seq', a.message_seq, 'at', (extract(epoch FROM a.message_at) * 1000)::bigint, 'sender',"       \
    " a.message_by) END AS last FROM (" own ") o JOIN member m ON m.room_id = o.room_id AND m.subject = $1"            \
    " JOIN room r ON r.id = o.room_id LEFT JOIN activity a ON a.room_id = o.room_id ORDER BY " order

/* COALESCE rather than OR: one plan for the first page and the others. */
static const char BY_ACTIVITY[] =
    PAGE_OF(OWN SEEN " AND (greatest(m.joined_at, a.message_at), m.room_id)"
                     " < (COALESCE($2, 'infinity'::timestamptz), COALESCE($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))"
                     " ORDER BY 2 DESC, 1 DESC LIMIT $4",
        "o.active_at DESC, o.room_id DESC");
static const char BY_AGE[] =
    PAGE_OF(OWN SEEN " AND m.room_id < COALESCE($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) AND $2::timestamptz"
                     " IS NULL ORDER BY m.room_id DESC LIMIT $4",
        "o.room_id DESC");

static const char SOME[] = PAGE_OF(OWN SEEN " AND m.room_id = ANY ($2)", "o.room_id");

/* Behind which room a page begins. */
struct page_place {
    int64_t active_at; /* by activity */
    struct id room;    /* nil: the first page */
};

static enum err read_place(struct call *call, const struct room_query *req, bool by_age, struct page_place *out)
{
    struct str after = req->after;

    *out = (struct page_place){ .active_at = 0 };
    if (after.len == 0) return OK;
    if ((by_age || str_to_int(str_cut(&after, '.'), &out->active_at)) && id_parse(after, &out->room)) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct page_meta *place_page(
    struct call *call, const struct room_query *req, bool by_age, const struct room_list *rooms)
{
    struct page_meta *meta = arena_zero(call->arena, sizeof *meta);
    char id[ID_TEXT_BYTES + 1];
    struct buf next = BUF(64);

    *meta = (struct page_meta){ .limit = req->limit, .total = -1 };
    if ((int64_t)rooms->len < req->limit) return meta;
    const struct room *last = &rooms->at[rooms->len - 1];
    id_format(last->id, id);
    if (!by_age) buf_printf(&next, "%lld.", (long long)last->active_at);
    buf_add_str(&next, str_of(id));
    meta->next = arena_str(call->arena, buf_str(&next));
    buf_free(&next);
    return meta;
}

static void fill_rights(struct call *call, const struct room_list *rooms)
{
    for (size_t i = 0; i < rooms->len; i++) {
        room_fill_can(call, &rooms->at[i]);
        if (!room_lets(&rooms->at[i], MAY_invite)) rooms->at[i].knocking = -1;
    }
}

enum err room_list(struct call *call, const struct room_query *req, struct room_page *rep)
{
    bool by_age = str_is(req->by, "age");
    struct page_place place;

    TRY(require_subject(call));
    if (req->by.len > 0 && !by_age && !str_is(req->by, "activity"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "by: is activity or age");
    TRY(read_place(call, req, by_age, &place));
    TRY(pg_all(call->pg, call->arena, room_shape(), &rep->rooms, (size_t)req->limit, by_age ? BY_AGE : BY_ACTIVITY,
        PG_ARGS(pg_text(call->who->sub), pg_time(place.active_at), pg_id(place.room), pg_int(req->limit))));
    fill_rights(call, &rep->rooms);
    rep->meta = place_page(call, req, by_age, &rep->rooms);
    return OK;
}

#define SOME_MAX 200 /* proto/chat.def: own_rooms_query.rooms, sync_page.rooms */

enum err own_rooms_of(struct call *call, struct id_list rooms, struct room_list *out)
{
    *out = (struct room_list){ NULL, 0 };
    if (rooms.len == 0) return OK;
    TRY(pg_all(call->pg, call->arena, room_shape(), out, SOME_MAX, SOME,
        PG_ARGS(pg_text(call->who->sub), pg_ids(call->arena, rooms))));
    fill_rights(call, out);
    return OK;
}

/* What has ended and was begun anew before it could be told has not ended. */
static const char ASKED[] =
    "SELECT f.room_id AS room, f.subject FROM former_member f WHERE f.subject = $1 AND f.room_id = ANY ($2) AND"
    " f.asked AND EXISTS (SELECT FROM knock k WHERE k.room_id = f.room_id AND k.subject = $1)";

enum err own_rooms(struct call *call, const struct own_rooms_query *req, struct own_rooms *rep)
{
    struct access_change_list asked;

    TRY(require_subject(call));
    TRY(own_rooms_of(call, req->rooms, &rep->rooms));
    if (rep->rooms.len == req->rooms.len) return OK;
    TRY(pg_all(call->pg, call->arena, access_change_shape(), &asked, SOME_MAX, ASKED,
        PG_ARGS(pg_text(call->who->sub), pg_ids(call->arena, req->rooms))));
    rep->asked = IDS_OF(call->arena, asked, room);
    return OK;
}

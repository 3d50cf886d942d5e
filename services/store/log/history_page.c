/*
 * history_page.c - a slice of a room's messages as they are now.
 *
 * Each way of reading a room walks one index, from one place of it on, and no further than its limit: the primary key of `message`, in which
 * nothing else is, that of `reply` for a thread, and that of pins.  What was done to the messages of a page is looked up for those.  So a
 * page costs the same wherever it is, whatever lies between its messages: test_history.c counts what is read.  OFFSET 0 keeps a plan that
 * was made while the log was short from joining a page with all of a long one; the ORDER BY of one message, from walking the index of the
 * room's senders to it, which costs as little while there are few.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/store/log/page.h"
#include "services/store/store.h"

#define REACTIONS_MAX 64 /* of one message: the record's own bound */

/* The walk is innermost; what is around it counts its bytes from the nearest on, cuts, and adds what is shown. */
/* clang-format off */
#define HISTORY(walk, nearest, order)                                                                                       \
    "SELECT p.room, p.seq, p.id, p.sender, p.body, p.meta, p.at, p.kind, p.thread, p.attachments, p.edited_at,"     \
    " p.deleted_at,"                                                                                                   \
    " p.deleted_by, p.withheld_at, p.withheld_by, p.pinned, p.replies, p.last_reply, CASE WHEN p.deleted_at IS NULL THEN"                            \
    " (SELECT json_agg(json_build_object('emoji', c.emoji, 'count', c.n, 'mine', EXISTS (SELECT FROM reaction r"       \
    "  WHERE r.room_id = p.room AND r.seq = p.seq AND r.emoji = c.emoji AND r.subject = $5 AND r.present)))"           \
    "  FROM (SELECT * FROM reaction_count t WHERE t.room_id = p.room AND t.seq = p.seq AND t.n > 0"                    \
    "        ORDER BY t.first, t.emoji LIMIT $6) c) END AS reactions,"                                        \
    " (SELECT h.at FROM hidden h WHERE h.subject = $5 AND h.room_id = p.room AND h.seq = p.seq) AS hidden_at FROM ("                                           \
    " SELECT w.*, COALESCE(w.meta_as_sent, w.old_meta::json) AS meta,"                                                 \
    " row_number() OVER walk AS n, sum(" TEXT_BYTES("w") ") OVER walk AS bytes FROM ("                                 \
    "  SELECT s.room_id AS room, s.seq, s.id, s.sender, COALESCE(n.body, s.body) AS body, s.meta_as_sent,"             \
    "  s.meta AS old_meta, s.at, s.kind, s.thread, CASE WHEN n.edit_seq IS NULL THEN s.attachments ELSE n.attachments END AS attachments, n.edited_at, n.deleted_at, n.deleted_by, n.withheld_at, n.withheld_by,"                           \
    "  COALESCE(n.pinned, false) AS pinned, COALESCE(n.replies, 0) AS replies, n.last_reply"                           \
    "  FROM (" walk ") s LEFT JOIN LATERAL (SELECT * FROM message_now n WHERE n.room_id = s.room_id AND n.seq = s.seq" \
    "  OFFSET 0) n ON true) w"                                                                                         \
    " WINDOW walk AS (ORDER BY " nearest " ROWS UNBOUNDED PRECEDING)) p"                                               \
    " WHERE n = 1 OR bytes <= $4 ORDER BY " order

#define OF_ALL(condition, direction, limit)                                                                            \
    "SELECT * FROM message WHERE room_id = $1 AND seq " condition " $2 AND seq > $7 ORDER BY seq " direction        \
    " LIMIT " limit
#define OF_KEYS(keys, condition, direction)                                                                            \
    "SELECT m.* FROM (" keys " AND seq " condition " $2 AND seq > $7 ORDER BY seq " direction      \
    " LIMIT $3) k"                        \
    " CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.room_id = $1 AND m.seq BETWEEN k.seq AND k.seq"               \
    " ORDER BY m.seq LIMIT 1) m"
#define REPLIES "SELECT seq FROM reply WHERE room_id = $1 AND thread = $8"
#define PINS    "SELECT seq FROM message_now WHERE room_id = $1 AND pinned"

static const char *const statements[][3] = {
    [HISTORY_ALL] = {
        [HISTORY_AFTER] = HISTORY(OF_ALL(">", "ASC", "$3"), "w.seq", "seq"),
        [HISTORY_BEFORE] = HISTORY(OF_ALL("<", "DESC", "$3"), "w.seq DESC", "seq"),
        [HISTORY_AROUND] = HISTORY(
            "(" OF_ALL("<=", "DESC", "$3") ") UNION ALL (" OF_ALL(">", "ASC", "$8") ")", "abs(w.seq - $2)", "seq"),
    },
    [HISTORY_THREAD] = {
        [HISTORY_AFTER] = HISTORY(OF_KEYS(REPLIES, ">", "ASC"), "w.seq", "seq"),
        [HISTORY_BEFORE] = HISTORY(OF_KEYS(REPLIES, "<", "DESC"), "w.seq DESC", "seq"),
    },
    [HISTORY_PINS] = {
        [HISTORY_AFTER] = HISTORY(OF_KEYS(PINS, ">", "ASC"), "w.seq", "seq"),
        [HISTORY_BEFORE] = HISTORY(OF_KEYS(PINS, "<", "DESC"), "w.seq DESC", "seq"),
    },
};
/* clang-format on */

/* What its reader hid from themselves keeps its place. */
static void blank_hidden(struct message_view_list messages)
{
    for (size_t i = 0; i < messages.len; i++) {
        struct message_view *view = &messages.at[i];
        if (view->hidden_at == 0) continue;
        view->body = STR("");
        view->meta = STR_NONE;
        view->attachments = (struct id_list){ NULL, 0 };
        view->reactions = (struct reaction_sum_list){ NULL, 0 };
    }
}

enum err history_read(struct pg *pg, struct arena *arena, const struct history_slice *slice, struct str reader,
    struct message_view_list *out)
{
    int64_t behind = slice->way == HISTORY_AROUND ? (slice->limit - 1) / 2 : 0; /* the message is of the other half */
    struct pg_args args = *PG_ARGS(pg_id(slice->room), pg_int(slice->seq), pg_int(slice->limit - behind),
        pg_int(PAGE_BYTES), pg_text(reader), pg_int(REACTIONS_MAX), pg_int(slice->floor),
        pg_int(slice->of == HISTORY_THREAD ? slice->thread : behind));

    if (slice->of != HISTORY_THREAD && slice->way != HISTORY_AROUND) args.n--;
    TRY(pg_all(pg, arena, message_view_shape(), out, (size_t)slice->limit, statements[slice->of][slice->way], &args));
    blank_hidden(*out);
    return OK;
}

/* clang-format off */
static const char THESE[] = HISTORY(
    "SELECT m.* FROM unnest($1::uuid[], $2::bigint[]) AS t (room, seq) CROSS JOIN LATERAL (SELECT * FROM message m"
    " WHERE m.room_id = t.room AND m.seq BETWEEN t.seq AND t.seq ORDER BY m.seq LIMIT 1) m LIMIT $3",
    "w.at DESC, w.room DESC, w.seq DESC", "at DESC, room DESC, seq DESC");
/* clang-format on */

enum err history_these(struct pg *pg, struct arena *arena, struct id_list rooms, const int64_t *seqs, struct str reader,
    struct message_view_list *out)
{
    return pg_all(pg, arena, message_view_shape(), out, rooms.len, THESE,
        PG_ARGS(pg_ids(arena, rooms), pg_ints(arena, seqs, rooms.len), pg_int((int64_t)rooms.len), pg_int(PAGE_BYTES),
            pg_text(reader), pg_int(REACTIONS_MAX)));
}

/* Times rise with seq, so the place of a time is found by halving: each step is one down the primary key. */
static const char PLACE[] =
    "WITH RECURSIVE search (low, high) AS ("
    " SELECT 0::bigint, COALESCE((SELECT seq FROM room_head WHERE room_id = $1), 0) + 1 UNION ALL"
    " SELECT CASE WHEN found.at < $2 THEN found.seq ELSE low END,"
    " CASE WHEN found.at < $2 THEN high ELSE middle END FROM search,"
    " LATERAL (SELECT (low + high) / 2 AS middle) half LEFT JOIN LATERAL (SELECT m.seq, m.at FROM message m"
    "  WHERE m.room_id = $1 AND m.seq >= middle ORDER BY m.seq LIMIT 1) found ON true WHERE high - low > 1)"
    " SELECT $1 AS room, low AS seq FROM search ORDER BY high - low LIMIT 1";

enum err history_place(struct pg *pg, struct arena *arena, struct id room, int64_t from, int64_t *seq)
{
    struct log_head place = { .seq = 0 };

    TRY(pg_one(pg, arena, log_head_shape(), &place, PLACE, PG_ARGS(pg_id(room), pg_time(from))));
    *seq = place.seq;
    return OK;
}

enum err history_floor(struct pg *pg, struct arena *arena, struct id room, int64_t reads_after, int64_t *seq)
{
    struct log_ends ends;

    TRY(log_ends_read(pg, arena, room, &ends));
    *seq = 0;
    if (reads_after > 0) TRY(history_place(pg, arena, room, reads_after + 1, seq));
    if (*seq < ends.first - 1) *seq = ends.first - 1;
    return OK;
}

/* --- what somebody has said, and reacted to, in all rooms --- */

/* There is no index of senders alone, which every message that is stored would cost: rooms are walked through by their key, and in each of
 * them its index of senders' ids.  A page goes on behind the message $2 of the room $1, or behind that room, and not beyond the room $7. */
/* clang-format off */
#define FROM_ROOM "coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)"
#define OWN_ROOMS(end)                                                                                                  \
    "(SELECT room_id, first FROM room_head WHERE room_id >= " FROM_ROOM " AND room_id <= " end                                \
    " AND ($2::bigint > 0 OR room_id IS DISTINCT FROM $1) ORDER BY room_id OFFSET 0) r"
static const char OWN[] = HISTORY(
    "SELECT m.* FROM " OWN_ROOMS("$7")
    " CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.room_id = r.room_id AND m.sender = $5 AND m.seq >= r.first"
    " AND m.id >"
    "  CASE WHEN r.room_id = $1 THEN (SELECT id FROM message WHERE room_id = $1 AND seq BETWEEN $2 AND $2"
    "  ORDER BY seq LIMIT 1) ELSE '' END"
    "  ORDER BY m.id LIMIT $3) m ORDER BY r.room_id, m.id LIMIT $3",
    "w.room, w.id", "n");
/* clang-format on */
static const char ROOMS_BEHIND[] =
    "SELECT room_id AS room, row_number() OVER (ORDER BY room_id) AS n FROM (SELECT room_id FROM room_head"
    " WHERE room_id > " FROM_ROOM " ORDER BY room_id LIMIT $2) r ORDER BY n DESC LIMIT 1";

struct rooms_end {
    struct id room;
    int64_t n;
};
static const struct wire_field rooms_end_fields[] = { ROW_FIELD(struct rooms_end, room, ID),
    ROW_FIELD(struct rooms_end, n, INT), ROW_END };
static const struct wire_shape rooms_end_shape = { "rooms_end", "", sizeof(struct rooms_end), rooms_end_fields };

static enum err find_rooms_end(struct pg *pg, struct arena *arena, const struct own_place *from, struct rooms_end *end)
{
    *end = (struct rooms_end){ from->room, 0 };
    enum err e =
        pg_one(pg, arena, &rooms_end_shape, end, ROOMS_BEHIND, PG_ARGS(pg_id(from->room), pg_int(OWN_ROOMS_AT_ONCE)));
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Behind the last row of the page, if it has some, there may be more; else behind the rooms that were looked through. */
static struct own_place place_next(const struct own_place *last, const struct rooms_end *end)
{
    if (last != NULL) return *last;
    return (struct own_place){ end->n == OWN_ROOMS_AT_ONCE ? end->room : (struct id){ { 0 } }, 0 };
}

/* What others did to it is theirs, and there may be what the sender could not read any more. */
static void keep_own(struct message_view *own)
{
    own->reactions = (struct reaction_sum_list){ NULL, 0 };
    own->replies = own->last_reply = 0;
    own->pinned = false;
    own->deleted_by = own->withheld_by = STR_NONE;
}

enum err history_own(struct pg *pg, struct arena *arena, const struct own_place *from, int64_t limit, struct str sender,
    struct message_view_list *out, struct own_place *next)
{
    struct rooms_end end;
    struct own_place last;

    TRY(find_rooms_end(pg, arena, from, &end));
    TRY(pg_all(pg, arena, message_view_shape(), out, (size_t)limit, OWN,
        PG_ARGS(pg_id(from->room), pg_int(from->seq), pg_int(limit), pg_int(PAGE_BYTES), pg_text(sender),
            pg_int(REACTIONS_MAX), pg_id(end.room))));
    for (size_t i = 0; i < out->len; i++) keep_own(&out->at[i]);
    blank_hidden(*out);
    if (out->len > 0) last = (struct own_place){ out->at[out->len - 1].room, out->at[out->len - 1].seq };
    *next = place_next(out->len > 0 ? &last : NULL, &end);
    return OK;
}

/* Of the entries that somebody made those that are why they are seen to react. */
/* clang-format off */
static const char OWN_REACTIONS[] =
    "SELECT c.room_id AS room, c.target AS seq, c.body AS emoji, c.at, c.seq AS entry FROM " OWN_ROOMS("$5")
    " CROSS JOIN LATERAL (SELECT * FROM change c WHERE c.room_id = r.room_id AND c.sender = $4 AND c.kind = 'reaction:add'"
    "  AND c.target >= r.first"
    "  AND EXISTS (SELECT FROM reaction x WHERE x.room_id = c.room_id AND x.seq = c.target AND x.emoji = c.body"
    "   AND x.subject = $4 AND x.present AND x.entry = c.seq)"
    "  AND c.id > CASE WHEN r.room_id = $1 THEN (SELECT id FROM change WHERE room_id = $1 AND seq BETWEEN $2 AND $2"
    "  ORDER BY seq LIMIT 1) ELSE '' END"
    "  ORDER BY c.id LIMIT $3) c ORDER BY r.room_id, c.id LIMIT $3";
/* clang-format on */

enum err history_own_reactions(struct pg *pg, struct arena *arena, const struct own_place *from, int64_t limit,
    struct str sender, struct own_reaction_list *out, struct own_place *next)
{
    struct rooms_end end;
    struct own_place last;

    TRY(find_rooms_end(pg, arena, from, &end));
    TRY(pg_all(pg, arena, own_reaction_shape(), out, (size_t)limit, OWN_REACTIONS,
        PG_ARGS(pg_id(from->room), pg_int(from->seq), pg_int(limit), pg_text(sender), pg_id(end.room))));
    if (out->len > 0) last = (struct own_place){ out->at[out->len - 1].room, out->at[out->len - 1].entry };
    *next = place_next(out->len > 0 ? &last : NULL, &end);
    return OK;
}

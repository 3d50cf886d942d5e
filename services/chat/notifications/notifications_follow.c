/* notifications_follow.c - who is told of messages follows from entries: see activity.h and notifications.h.
 *
 * Whom one message mentions by name, who is the other in a room of two, and whose message is replied to, is told in the transaction that reads them.  Of one that
 * mentions everybody many are, and no more of one that is edited or deleted: a job does that, some hundred at a time. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/activity/activity.h"
#include "services/chat/notifications/notifications.h"

#define ITEMS_MAX 4000 /* ten names in each of 200 entries, 200 replies, 1,000 voices */
#define SLICE     500  /* of a job */

/* A row of `struct notification_news_item`, with the name of its kind. */
struct item_row {
    struct str subject, kind, by;
    struct id room;
    int64_t seq, thread, at;
};
struct item_row_list {
    struct item_row *at;
    size_t len;
};
static const struct wire_field item_fields[] = {
    ROW_FIELD(struct item_row, subject, TEXT),
    ROW_FIELD(struct item_row, kind, TEXT),
    ROW_FIELD(struct item_row, by, TEXT),
    ROW_FIELD(struct item_row, room, ID),
    ROW_FIELD(struct item_row, seq, INT),
    ROW_FIELD(struct item_row, thread, INT),
    ROW_FIELD(struct item_row, at, TIME),
    ROW_END,
};
static const struct wire_shape item_shape = { "item_row", "", sizeof(struct item_row), item_fields };

static struct notification_items items_of(struct arena *arena, struct item_row_list rows)
{
    struct notification_items items = { arena_alloc(arena, rows.len * sizeof *items.at + 1), 0 };

    for (size_t i = 0; i < rows.len; i++) {
        const struct item_row *row = &rows.at[i];
        enum notification_kind kind;
        if (!notification_kind_of(row->kind, &kind)) continue;
        items.at[items.len++] =
            (struct notification_news_item){ row->subject, kind, row->room, row->seq, row->thread, row->by, row->at };
    }
    return items;
}

/* Of messages that were said, edited or deleted: which. */
struct said_place {
    struct id room;
    int64_t seq;
};
struct said_place_list {
    struct said_place *at;
    size_t len;
};
static const struct wire_field said_place_fields[] = {
    ROW_FIELD(struct said_place, room, ID),
    ROW_FIELD(struct said_place, seq, INT),
    ROW_END,
};
static const struct wire_shape said_place_shape = { "said_place", "", sizeof(struct said_place), said_place_fields };

/* What its message says is another from then on, or nothing. */
static bool changes_words(const struct message *entry)
{
    static const char *const kinds[] = { "message:edit", "message:delete", "message:withhold", "message:release" };

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_is(entry->kind, kinds[i])) return true;
    return false;
}

static struct said_place_list find_places(struct call *call, const struct activity_news *news)
{
    struct said_place_list list = { NULL, 0 };
    size_t n = 0;

    for (size_t i = 0; i < news->n; i++) n += news->rooms[i].n;
    list.at = arena_alloc(call->arena, n * sizeof *list.at + 1);
    for (size_t i = 0; i < news->n; i++)
        for (size_t k = 0; k < news->rooms[i].n; k++) {
            const struct message *entry = &news->rooms[i].entries[k];
            bool is_done_to_one = changes_words(entry);
            if (entry->kind.len > 0 && !is_done_to_one) continue;
            list.at[list.len++] = (struct said_place){ entry->room, is_done_to_one ? entry->target : entry->seq };
        }
    return list;
}

/* Of plans only those that look rows up, as these are prepared while the tables are short. */
static const char LOOK_UP[] =
    "SELECT set_config('enable_seqscan', 'off', true),"
    " set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)";

#define NO_DIRECT(room) "NOT EXISTS (SELECT FROM direct WHERE room_id = " room ")"
static const char FIND_ITEMS[] =
    "SELECT subject, kind, room, seq, thread, by, at FROM ("
    " SELECT CASE WHEN d.low = v.sender THEN d.high ELSE d.low END AS subject, 'direct' AS kind, v.room_id AS room,"
    "  v.seq, 0::bigint AS thread, v.sender AS by, now() AS at FROM unnest($1::uuid[], $2::text[], $3::bigint[])"
    "  AS v (room_id, sender, seq) JOIN direct d ON d.room_id = v.room_id"
    " UNION ALL SELECT o.subject, 'mention', o.room_id, o.seq, 0, o.sender, o.at FROM (SELECT DISTINCT * FROM"
    "  unnest($4::uuid[], $5::bigint[]) AS t (room_id, seq)) t JOIN mention o ON o.room_id = t.room_id"
    "  AND o.seq = t.seq WHERE o.subject <> '' AND " NO_DIRECT(
        "o.room_id") " UNION ALL SELECT p.author, 'reply', p.room_id, p.seq, p.thread, p.sender, p.at FROM "
                     "unnest($6::uuid[],"
                     "  $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::timestamptz[])"
                     "  AS p (room_id, seq, thread, sender, author, at) WHERE " NO_DIRECT(
                         "p.room_id") " AND NOT EXISTS (SELECT FROM"
                                      "  mention WHERE room_id = p.room_id AND seq = p.seq AND subject = p.author)) "
                                      "items ORDER BY room, seq";

static enum err find_items(
    struct call *call, const struct activity_news *news, struct said_place_list places, struct notification_items *out)
{
    const struct feed_voice_list *voices = news->voices;
    const struct feed_reply_list *replies = news->replies;
    struct arena *arena = call->arena;
    struct item_row_list rows;

    TRY(pg_all(call->pg, arena, &item_shape, &rows, ITEMS_MAX, FIND_ITEMS,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, *voices, room)), pg_texts(arena, TEXTS_OF(arena, *voices, sender)),
            pg_ints(arena, INTS_OF(arena, *voices, seq)), pg_ids(arena, IDS_OF(arena, places, room)),
            pg_ints(arena, INTS_OF(arena, places, seq)), pg_ids(arena, IDS_OF(arena, *replies, room)),
            pg_ints(arena, INTS_OF(arena, *replies, seq)), pg_ints(arena, INTS_OF(arena, *replies, thread)),
            pg_texts(arena, TEXTS_OF(arena, *replies, sender)), pg_texts(arena, TEXTS_OF(arena, *replies, to)),
            pg_times(arena, INTS_OF(arena, *replies, at)))));
    *out = items_of(arena, rows);
    return OK;
}

/* --- whoever says something has read what is there --- */

#define VOICES "unnest($1::uuid[], $2::text[], $3::bigint[]) AS v (room_id, sender, seq)"
#define IS_READ                                                                                                        \
    "n.subject = v.sender AND n.room_id = v.room_id AND n.read_at IS NULL AND (n.seq IS NULL OR n.seq <= v.seq)"

static const char FIND_READERS[] = "SELECT DISTINCT v.sender AS subject, 1::bigint AS version FROM " VOICES
                                   " WHERE EXISTS (SELECT FROM notification n WHERE " IS_READ ")";
static const char READ[] = NOTIFICATION_TOUCH(
    "n.subject = ANY ($2) AND EXISTS (SELECT FROM " VOICES " WHERE " IS_READ ")", ", read_at = now()");

static enum err voices_call(
    struct call *call, const struct activity_news *news, const char *sql, struct notification_mark_list *out)
{
    const struct feed_voice_list *voices = news->voices;
    struct arena *arena = call->arena;

    return pg_all(call->pg, arena, notification_mark_shape(), out, ITEMS_MAX * 10, sql,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, *voices, room)), pg_texts(arena, TEXTS_OF(arena, *voices, sender)),
            pg_ints(arena, INTS_OF(arena, *voices, seq))));
}

static struct str_list subjects_of(
    struct call *call, struct notification_items items, struct notification_mark_list readers)
{
    struct str_list all = { arena_alloc(call->arena, (items.len + readers.len) * sizeof *all.at + 1), 0 };

    for (size_t i = 0; i < items.len; i++) all.at[all.len++] = items.at[i].subject;
    for (size_t i = 0; i < readers.len; i++) all.at[all.len++] = readers.at[i].subject;
    return all;
}

/* --- what a job does --- */

/* Which of these mention everybody, or are told of and may be no more. */
static const char FIND_MANY[] =
    "SELECT t.room_id AS room, t.seq FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::bigint[]) AS t (room_id, seq))"
    " t WHERE EXISTS (SELECT FROM mention o WHERE o.room_id = t.room_id AND o.seq = t.seq AND o.subject = ''"
    "  AND NOT o.here)"
    " OR EXISTS (SELECT FROM notification n WHERE n.room_id = t.room_id AND n.seq = t.seq AND n.kind = 'mention' AND"
    "  n.ended_at IS NULL AND NOT EXISTS (SELECT FROM mention o WHERE o.room_id = n.room_id AND o.seq = n.seq AND"
    "   o.subject = n.subject))"
    " OR EXISTS (SELECT FROM activity_deleted x JOIN notification n ON n.room_id = x.room_id WHERE x.room_id = "
    "t.room_id"
    "  AND x.seq = t.seq AND n.ended_at IS NULL AND (n.seq = x.seq OR n.kind = 'direct'))"
    " ORDER BY 1, 2";

enum err notification_put_spread(struct call *call, const struct notification_spread *spread)
{
    char room[ID_TEXT_BYTES + 1];

    id_format(spread->room, room);
    return job_put(call, &notification_spread_job,
        arena_printf(call->arena, "%s.%020lld", room, (long long)spread->seq), spread, 0);
}

static enum err put_jobs(struct call *call, struct said_place_list places)
{
    struct said_place_list many;

    if (places.len == 0) return OK;
    TRY(pg_all(call->pg, call->arena, &said_place_shape, &many, places.len, FIND_MANY,
        PG_ARGS(pg_ids(call->arena, IDS_OF(call->arena, places, room)),
            pg_ints(call->arena, INTS_OF(call->arena, places, seq)))));
    for (size_t i = 0; i < many.len; i++)
        TRY(notification_put_spread(call, &(struct notification_spread){ many.at[i].room, many.at[i].seq, STR_NONE }));
    return OK;
}

enum err notifications_follow(struct call *call, const struct activity_news *news)
{
    struct said_place_list places = find_places(call, news);
    struct notification_mark_list readers = { NULL, 0 }, told = { NULL, 0 };
    struct notification_items items;

    if (news->voices->len == 0 && places.len == 0) return OK;
    TRY(pg_run(call->pg, call->arena, LOOK_UP, PG_NO_ARGS, NULL));
    TRY(find_items(call, news, places, &items));
    TRY(voices_call(call, news, FIND_READERS, &readers));
    struct str_list subjects = subjects_of(call, items, readers);
    if (subjects.len > 0) TRY(notifications_lock(call, subjects));
    if (readers.len > 0) {
        TRY(voices_call(call, news, READ, &told));
        notifications_tell(call, told);
    }
    if (items.len > 0) {
        TRY(notifications_put(call, items, &told));
        notifications_tell(call, told);
    }
    return put_jobs(call, places);
}

/* The members behind a subject, of what mentions everybody. */
static const char FIND_MEMBERS[] =
    "SELECT m.subject, 'mention' AS kind, o.sender AS by, o.room_id AS room, o.seq, 0::bigint AS thread, o.at"
    " FROM mention o JOIN member m ON m.room_id = o.room_id WHERE o.room_id = $1 AND o.seq = $2 AND o.subject = ''"
    " AND NOT o.here AND m.subject > coalesce($3, '') AND NOT EXISTS (SELECT FROM direct WHERE room_id = $1)"
    " ORDER BY m.subject LIMIT $4";

/* What is told of this message, or of a room of two that it is in, and is to be told no more. */
static const char FIND_OVER[] =
    "SELECT n.subject, n.id FROM notification n" NOTIFICATION_JOINS " WHERE n.room_id = $1 AND n.ended_at IS NULL AND"
    " (n.seq = $2 OR n.kind = 'direct') AND NOT " NOTIFICATION_HOLDS
    " AND NOT " NOTIFICATION_BLOCKS("n.subject", "n.by") " ORDER BY n.subject, n.id LIMIT $3";
static const char END_OVER[] = NOTIFICATION_TOUCH("n.subject = ANY ($1) AND n.id = ANY ($2)", ", ended_at = now()");

struct over {
    struct str subject;
    struct id id;
};
struct over_list {
    struct over *at;
    size_t len;
};
static const struct wire_field over_fields[] = {
    ROW_FIELD(struct over, subject, TEXT),
    ROW_FIELD(struct over, id, ID),
    ROW_END,
};
static const struct wire_shape over_shape = { "over", "", sizeof(struct over), over_fields };

static enum err find_over(struct call *call, const struct notification_spread *spread, struct over_list *out)
{
    return pg_all(call->pg, call->arena, &over_shape, out, SLICE, FIND_OVER,
        PG_ARGS(pg_id(spread->room), pg_int(spread->seq), pg_int(SLICE)));
}

/* Looked at once more under the lock: what was made anew meanwhile is not over. */
static enum err end_some(struct call *call, const struct notification_spread *spread, size_t *n)
{
    struct notification_mark_list told;
    struct over_list over, still;

    TRY(find_over(call, spread, &over));
    *n = over.len;
    if (over.len == 0) return OK;
    struct str_list subjects = TEXTS_OF(call->arena, over, subject);
    TRY(notifications_lock(call, subjects));
    TRY(find_over(call, spread, &still));
    TRY(pg_all(call->pg, call->arena, notification_mark_shape(), &told, SLICE, END_OVER,
        PG_ARGS(pg_texts(call->arena, subjects), pg_ids(call->arena, IDS_OF(call->arena, still, id)))));
    return notifications_notify(call, told);
}

/* In one transaction either some are told, or some no more. */
enum err notification_spread(struct call *call, const struct job *job, const struct notification_spread *payload)
{
    struct notification_spread next = *payload;
    struct notification_mark_list told;
    struct item_row_list members;
    size_t n;

    (void)job;
    TRY(end_some(call, payload, &n));
    if (n > 0) return notification_put_spread(call, &next);
    TRY(pg_all(call->pg, call->arena, &item_shape, &members, SLICE, FIND_MEMBERS,
        PG_ARGS(pg_id(payload->room), pg_int(payload->seq), pg_text(payload->after), pg_int(SLICE))));
    call_note(call, F_INT("members", (int64_t)members.len));
    if (members.len == 0) return OK;
    struct notification_items items = items_of(call->arena, members);
    TRY(notifications_lock(call, TEXTS_OF(call->arena, items, subject)));
    TRY(notifications_put(call, items, &told));
    TRY(notifications_notify(call, told));
    next.after = members.at[members.len - 1].subject;
    return members.len == SLICE ? notification_put_spread(call, &next) : OK;
}

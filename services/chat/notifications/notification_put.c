/* notification_put.c - rows of what somebody is told of are made, and become others; and gateways hear of it.  See notifications.h. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/activity/activity.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/push/push.h"

#define MARKS_MAX 1000    /* proto/chat.def: notification_news.marks */
#define TOLD_MAX  1000000 /* as many as a room can have members */
#define PREFIX    "notification "

static const struct kind_row {
    const char *name, *one, *told;
} kinds[] = {
/* clang-format off */
#define NOTIFICATION(kind, one, told, doc) { #kind, #one, #told },
#include "proto/begin.def"
#include "proto/notifications.def"
#include "proto/end.def"
    /* clang-format on */
};

struct str notification_kind_name(enum notification_kind kind)
{
    return str_of(kinds[kind].name);
}

bool notification_kind_of(struct str name, enum notification_kind *out)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_is(name, kinds[i].name)) {
            *out = (enum notification_kind)i;
            return true;
        }
    return false;
}

struct str_list notification_kinds_told(struct arena *arena, const char *told)
{
    struct str_list list = { arena_alloc(arena, COUNT(kinds) * sizeof *list.at), 0 };

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].told, told) == 0) list.at[list.len++] = str_of(kinds[i].name);
    return list;
}

/* --- telling gateways --- */

static void tell_gateways(struct rpc_server *server, void *context, void *arg)
{
    const struct notification_news *news = arg;
    struct rpc_event *event =
        rpc_event_create((struct id){ { 0 } }, 0, "notification.changed", notification_news_shape(), news);

    (void)context;
    rpc_event_send_all(server, "gateway", event);
    rpc_event_destroy(&event);
}

void notifications_tell(struct call *call, struct notification_mark_list told)
{
    for (size_t from = 0; from < told.len; from += MARKS_MAX) {
        size_t n = told.len - from < MARKS_MAX ? told.len - from : MARKS_MAX;
        const struct notification_news news = { { told.at + from, n } };
        call_after(call, tell_gateways, arena_copy(call->arena, &news, sizeof news));
    }
}

static const char NOTIFY[] = "SELECT pg_notify('" CHAT_CHANGED "', '" PREFIX "' || version || ' ' || subject)"
                             " FROM unnest($1::text[], $2::bigint[]) AS t (subject, version)";

enum err notifications_notify(struct call *call, struct notification_mark_list told)
{
    if (told.len == 0) return OK;
    return pg_run(call->pg, call->arena, NOTIFY,
        PG_ARGS(pg_texts(call->arena, TEXTS_OF(call->arena, told, subject)),
            pg_ints(call->arena, INTS_OF(call->arena, told, version))),
        NULL);
}

/* Every process of chat hears it, and every gateway is connected to each. */
bool notifications_hear(const struct chat *chat, struct str line)
{
    struct notification_mark mark = { .version = 0 };
    const struct notification_news news = { { &mark, 1 } };

    if (!str_starts(line, STR(PREFIX))) return false;
    line = str_skip(line, sizeof PREFIX - 1);
    if (!str_to_int(str_cut(&line, ' '), &mark.version) || mark.version <= 0 || chat->part != 0) return true;
    mark.subject = line;
    tell_gateways(chat->server, NULL, (void *)(uintptr_t)&news);
    return true;
}

/* --- making them --- */

/* In the order of subjects, so that no two who write those of several wait for each other in a circle; the next statement's snapshot is younger. */
static const char LOCK[] = "INSERT INTO notification_head AS h (subject) SELECT DISTINCT s FROM unnest($1::text[]) s"
                           " ORDER BY s ON CONFLICT (subject) DO UPDATE SET version = h.version";

enum err notifications_lock(struct call *call, struct str_list subjects)
{
    return pg_run(call->pg, call->arena, LOCK, PG_ARGS(pg_texts(call->arena, subjects)), NULL);
}

/* What is there already is made anew by a newer message, or if it had ended.  What was read before it was made is made as read. */
static const char PUT[] =
    "WITH given AS MATERIALIZED (SELECT *, CASE one WHEN 'MESSAGE' THEN kind || ':' || room_id || ':' || seq"
    "  WHEN 'ROOM' THEN kind || ':' || room_id ELSE kind || ':' || md5(by) END AS collapse FROM (SELECT subject, kind,"
    "  one, told, nullif(room_id, '00000000-0000-0000-0000-000000000000') AS room_id, nullif(seq, 0) AS seq,"
    "  nullif(thread, 0) AS thread, by, at, i FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[],"
    "  $6::bigint[], $7::bigint[], $8::text[], $9::timestamptz[]) WITH ORDINALITY"
    "  AS g (subject, kind, one, told, room_id, seq, thread, by, at, i)) g),"
    " wanted AS MATERIALIZED (SELECT DISTINCT ON (g.subject, g.collapse) g.*, m.read_seq FROM given g"
    "  LEFT JOIN member m ON m.room_id = g.room_id AND m.subject = g.subject"
    "  WHERE g.subject <> g.by AND NOT " NOTIFICATION_BLOCKS("g.subject",
        "g.by") " AND (g.room_id IS NULL"
                "  OR (m.subject IS NOT NULL AND (g.told = 'ALWAYS' OR m.muted = 'no'"
                "  OR (g.told = 'MENTIONS' AND m.muted = 'but_mentions')))) ORDER BY g.subject, g.collapse, g.seq "
                "DESC),"
                " fresh AS MATERIALIZED (SELECT w.*, row_number() OVER (PARTITION BY w.subject ORDER BY w.i) AS nth,"
                "  count(*) OVER (PARTITION BY w.subject) AS of_all FROM wanted w LEFT JOIN notification o"
                "  ON o.subject = w.subject AND o.collapse = w.collapse WHERE o.id IS NULL OR w.seq > o.seq"
                "  OR o.ended_at IS NOT NULL OR (w.one = 'PERSON' AND o.read_at IS NOT NULL AND w.at > o.at)),"
                " heads AS (UPDATE notification_head h SET version = h.version + f.n FROM (SELECT subject, count(*) AS "
                "n FROM fresh"
                "  GROUP BY subject) f WHERE h.subject = f.subject"
                "  RETURNING h.subject, h.version, is_quiet(h.quiet_until, h.zone, h.times, now()) AS quiet)"
                " INSERT INTO notification AS n (subject, collapse, kind, room_id, seq, first, thread, by, at, made, "
                "version,"
                "  read_at, quiet) SELECT f.subject, f.collapse, f.kind, f.room_id, f.seq, CASE WHEN f.one = 'ROOM'"
                "  THEN least(f.read_seq + 1, f.seq) ELSE f.seq END, f.thread, f.by, f.at, h.version - f.of_all + "
                "f.nth,"
                "  h.version - f.of_all + f.nth, CASE WHEN f.seq <= f.read_seq THEN now() END, h.quiet"
                "  FROM fresh f JOIN heads h ON h.subject = f.subject"
                " ON CONFLICT (subject, collapse) DO UPDATE SET seq = excluded.seq, first = CASE WHEN n.read_at IS "
                "NULL AND"
                "  n.ended_at IS NULL THEN n.first ELSE greatest(n.seq + 1, excluded.first) END, thread = "
                "excluded.thread,"
                "  by = excluded.by, at = excluded.at, made = excluded.made, made_at = now(), version = "
                "excluded.version,"
                "  read_at = excluded.read_at, ended_at = NULL, quiet = excluded.quiet"
                " RETURNING n.subject, n.version";

struct put_columns {
    struct str_list kinds, ones, told;
};

static struct put_columns columns_of(struct arena *arena, struct notification_items items)
{
    struct str *texts = arena_alloc(arena, 3 * items.len * sizeof *texts + 1);
    struct put_columns columns = { { texts, items.len }, { texts + items.len, items.len },
        { texts + 2 * items.len, items.len } };

    for (size_t i = 0; i < items.len; i++) {
        const struct kind_row *row = &kinds[items.at[i].kind];
        columns.kinds.at[i] = str_of(row->name);
        columns.ones.at[i] = str_of(row->one);
        columns.told.at[i] = str_of(row->told);
    }
    return columns;
}

/* The newest are kept.  Of many that are made one in 61 looks, and a job looks once an hour. */
static const char TRIM[] =
    "WITH gone AS (DELETE FROM notification n USING (SELECT s.subject, o.made FROM unnest($1::text[], $2::bigint[])"
    " AS s (subject, version) CROSS JOIN LATERAL (SELECT made FROM notification WHERE subject = s.subject"
    " ORDER BY made DESC OFFSET $3 LIMIT 1) o WHERE s.version % 61 = 0) t WHERE n.subject = t.subject"
    " AND n.made <= t.made RETURNING n.subject, n.version)"
    " UPDATE notification_head h SET forgotten = greatest(h.forgotten, g.version) FROM (SELECT subject,"
    " max(version) AS version FROM gone GROUP BY subject) g WHERE h.subject = g.subject";

enum err notifications_put(struct call *call, struct notification_items items, struct notification_mark_list *told)
{
    struct arena *arena = call->arena;
    struct put_columns columns = columns_of(arena, items);

    TRY(pg_all(call->pg, arena, notification_mark_shape(), told, items.len, PUT,
        PG_ARGS(pg_texts(arena, TEXTS_OF(arena, items, subject)), pg_texts(arena, columns.kinds),
            pg_texts(arena, columns.ones), pg_texts(arena, columns.told), pg_ids(arena, IDS_OF(arena, items, room)),
            pg_ints(arena, INTS_OF(arena, items, seq)), pg_ints(arena, INTS_OF(arena, items, thread)),
            pg_texts(arena, TEXTS_OF(arena, items, by)), pg_times(arena, INTS_OF(arena, items, at)))));
    if (told->len == 0) return OK;
    TRY(pg_run(call->pg, arena, TRIM,
        PG_ARGS(pg_texts(arena, TEXTS_OF(arena, *told, subject)), pg_ints(arena, INTS_OF(arena, *told, version)),
            pg_int(chat_settings(call)->notifications_max)),
        NULL));
    return push_put(call, *told);
}

enum err notifications_make(struct call *call, struct notification_items items)
{
    struct notification_mark_list told;

    if (items.len == 0) return OK;
    TRY(notifications_lock(call, TEXTS_OF(call->arena, items, subject)));
    TRY(notifications_put(call, items, &told));
    notifications_tell(call, told);
    return OK;
}

/* --- what they become --- */

#define ENDED ", ended_at = now()"

static enum err touch(struct call *call, struct str_list subjects, const char *sql, const struct pg_args *args)
{
    struct notification_mark_list told;

    TRY(notifications_lock(call, subjects));
    TRY(pg_all(call->pg, call->arena, notification_mark_shape(), &told, TOLD_MAX, sql, args));
    notifications_tell(call, told);
    return OK;
}

static const char OF_ROOM[] =
    "SELECT DISTINCT subject, 1::bigint AS version FROM notification WHERE room_id = $1 AND ended_at IS NULL";
static const char END_ALL_IN[] =
    NOTIFICATION_TOUCH("n.room_id = $1 AND n.ended_at IS NULL AND n.subject = ANY ($2)", ENDED);

enum err notifications_end_in(struct call *call, struct id room, struct str_list subjects)
{
    struct notification_mark_list all;

    if (subjects.len == 0) {
        TRY(pg_all(call->pg, call->arena, notification_mark_shape(), &all, TOLD_MAX, OF_ROOM, PG_ARGS(pg_id(room))));
        if (all.len == 0) return OK;
        subjects = TEXTS_OF(call->arena, all, subject);
    }
    return touch(call, subjects, END_ALL_IN, PG_ARGS(pg_id(room), pg_texts(call->arena, subjects)));
}

static const char END_OF[] =
    NOTIFICATION_TOUCH("n.subject = $1 AND n.collapse = $2 || ':' || md5($3) AND n.ended_at IS NULL", ENDED);

enum err notifications_end_of(struct call *call, struct str subject, enum notification_kind kind, struct str by)
{
    return touch(call, (struct str_list){ &subject, 1 }, END_OF,
        PG_ARGS(pg_text(subject), pg_text(notification_kind_name(kind)), pg_text(by)));
}

static const char TOUCH_BY[] = NOTIFICATION_TOUCH("n.subject = $1 AND n.by = $2 AND n.ended_at IS NULL", "");

enum err notifications_touch_by(struct call *call, struct str subject, struct str by)
{
    return touch(call, (struct str_list){ &subject, 1 }, TOUCH_BY, PG_ARGS(pg_text(subject), pg_text(by)));
}

static const char READ_IN[] = "SELECT $2::text AS subject, v AS version FROM read_notifications($1, $2, $3) v"
                              " WHERE v IS NOT NULL";

enum err notifications_read_in(struct call *call, struct id room, int64_t seq)
{
    struct notification_mark_list told;

    TRY(pg_all(call->pg, call->arena, notification_mark_shape(), &told, 1, READ_IN,
        PG_ARGS(pg_id(room), pg_text(call->who->sub), pg_int(seq))));
    notifications_tell(call, told);
    return OK;
}

/* --- who is in a room --- */

static struct notification_items invitations(struct call *call, struct id room, struct str_list subjects)
{
    struct notification_items items = { arena_alloc(call->arena, subjects.len * sizeof *items.at + 1), subjects.len };

    for (size_t i = 0; i < subjects.len; i++)
        items.at[i] = (struct notification_news_item){ .subject = subjects.at[i],
            .kind = NOTIFICATION_invitation,
            .room = room,
            .by = call->who->sub,
            .at = call->now };
    return items;
}

static const char FIRST_MEMBERS[] =
    "SELECT subject, 1::bigint AS version FROM member WHERE room_id = $1 AND subject <> $2";

enum err notifications_of_first_members(struct call *call, struct id room)
{
    struct notification_mark_list members;

    TRY(pg_all(call->pg, call->arena, notification_mark_shape(), &members, TOLD_MAX, FIRST_MEMBERS,
        PG_ARGS(pg_id(room), pg_text(call->who->sub))));
    return notifications_make(call, invitations(call, room, TEXTS_OF(call->arena, members, subject)));
}

/* Who is named behind one that went was a member before.  Who came by themselves is not told. */
enum err notifications_follow_members(struct call *call, const struct member_change *change)
{
    struct str_list subjects = TEXTS_OF(call->arena, change->who, subject);

    if (change->of != OF_MEMBERS || subjects.len == 0) return OK;
    if (change->who.at[0].role.len == 0)
        return notifications_end_in(call, change->room, (struct str_list){ subjects.at, 1 });
    if (subjects.len == 1 && str_eq(subjects.at[0], call->who->sub)) return OK;
    return notifications_make(call, invitations(call, change->room, subjects));
}

/*
 * notifications.h - what somebody is told of: rows that outlive their being away.
 *
 *      a deed, or entries of a log --> notifications_put --> row, under the next version of its subject --notification.changed--> gateways
 *      it is read, or there is nothing to be told any more --> the row has another version
 *      gateway, or whoever comes back --the version that it has--> all rows with a greater one
 *
 * A row says what there is to be told, and no word of it.  Whether it is to be told still is looked up when it is asked for, by what may be read then; that somebody
 * left, or a message was deleted, is written besides, so that it has a version and is heard.  A subject's rows are written by who holds its head
 * (notifications_lock), always in the order of subjects and once in a transaction.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/chat/chat.h"

/* clang-format off */
enum notification_kind {
#define NOTIFICATION(kind, one, told, doc) NOTIFICATION_##kind,
#include "proto/begin.def"
#include "proto/notifications.def"
#include "proto/end.def"
    NOTIFICATION_KINDS
};
/* clang-format on */

/* What somebody may have to be told. */
struct notification_news_item {
    struct str subject;
    enum notification_kind kind;
    struct id room;      /* nil: none */
    int64_t seq, thread; /* 0: none */
    struct str by;
    int64_t at;
};
struct notification_items {
    struct notification_news_item *at;
    size_t len;
};

struct str notification_kind_name(enum notification_kind kind);
bool notification_kind_of(struct str name, enum notification_kind *out);
/* Kinds that are told as this column of proto/notifications.def says. */
struct str_list notification_kinds_told(struct arena *arena, const char *told);

/* Of all whose rows this transaction writes, before it does. */
enum err notifications_lock(struct call *call, struct str_list subjects) MUST_CHECK;
/* Those of them that are told: not of oneself, nor by whom one blocks, nor in a room that one is not in or that is too quiet for them. */
enum err notifications_put(
    struct call *call, struct notification_items items, struct notification_mark_list *told) MUST_CHECK;
/* Gateways hear of it after the commit; of a job, which has no call_after(), through CHAT_CHANGED. */
void notifications_tell(struct call *call, struct notification_mark_list told);
enum err notifications_notify(struct call *call, struct notification_mark_list told) MUST_CHECK;
bool notifications_hear(const struct chat *chat, struct str line); /* false: the line says something else */

/* notifications_follow.c: a job that tells the members of a message which mentions everybody, and those who were told of one that does no more. */
enum err notification_put_spread(struct call *call, const struct notification_spread *spread) MUST_CHECK;

/* All three at once, in a transaction that does nothing else of this. */
enum err notifications_make(struct call *call, struct notification_items items) MUST_CHECK;
/* There is nothing to be told any more: of who is not in the room any more (none: nobody is), or of what somebody asked. */
enum err notifications_end_in(struct call *call, struct id room, struct str_list subjects) MUST_CHECK;
enum err notifications_end_of(
    struct call *call, struct str subject, enum notification_kind kind, struct str by) MUST_CHECK;
/* Whether they are to be told of what this one did is another now. */
enum err notifications_touch_by(struct call *call, struct str subject, struct str by) MUST_CHECK;
/* The caller has read a room up to there, and so what one is told of it. */
enum err notifications_read_in(struct call *call, struct id room, int64_t seq) MUST_CHECK;
/* All members but the caller were made such by them. */
enum err notifications_of_first_members(struct call *call, struct id room) MUST_CHECK;
/* In a step of member_erase.c: what a user who is erased was told, and what others were told of them. */
enum err notifications_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n) MUST_CHECK;

/* Of a statement. */
#define NOTIFICATION_BLOCKS(who, whom)                                                                                 \
    "(EXISTS (SELECT FROM relation WHERE low = " who " AND high = " whom " AND low_blocks IS NOT NULL) OR EXISTS"      \
    " (SELECT FROM relation WHERE low = " whom " AND high = " who " AND high_blocks IS NOT NULL))"
/* Of a statement: is there still something to be told? of `notification n`, with what NOTIFICATION_JOINS adds. */
#define NOTIFICATION_JOINS                                                                                             \
    " LEFT JOIN member m ON m.room_id = n.room_id AND m.subject = n.subject LEFT JOIN room r ON r.id = m.room_id"      \
    " LEFT JOIN activity a ON a.room_id = m.room_id"
#define NOTIFICATION_HOLDS                                                                                             \
    "(n.ended_at IS NULL AND NOT " NOTIFICATION_BLOCKS("n.subject",                                                    \
        "n.by") " AND (n.room_id IS NULL OR (m.subject IS"                                                             \
                " NOT NULL AND CASE WHEN n.seq IS NULL THEN true WHEN n.kind = 'direct' THEN (SELECT f > l FROM"       \
                " counted_after(n.room_id, n.first - 1) f, counted_after(n.room_id, n.seq) l) ELSE n.seq >= "          \
                "coalesce(a.first, 1)"                                                                                 \
                " AND n.at > coalesce(reads_after(r.history, m.joined_at), '-infinity') AND NOT EXISTS (SELECT FROM"   \
                " activity_deleted d WHERE d.room_id = n.room_id AND d.seq = n.seq) AND (n.kind <> 'mention' OR "      \
                "EXISTS (SELECT"                                                                                       \
                " FROM mention o WHERE o.room_id = n.room_id AND o.seq = n.seq AND o.subject IN (n.subject, ''))) "    \
                "END)))"
/* So many messages a row of kind `direct` stands for that is not read, of its columns and `read_seq` of the member. */
#define NOTIFICATION_COUNT                                                                                             \
    "(SELECT least(greatest(c, 1), 100) FROM counted_after(room_id, greatest(first - 1, read_seq)) c)"
/* How many rows of this subject are to be read, 100 at most. */
#define NOTIFICATION_UNREAD(who)                                                                                       \
    "(SELECT count(*) FROM (SELECT FROM notification n" NOTIFICATION_JOINS " WHERE n.subject = " who                   \
    " AND n.read_at IS NULL AND " NOTIFICATION_HOLDS " LIMIT 100) u)"
/* A statement: another version for each of these rows, whose heads are locked; `set` says what else. */
#define NOTIFICATION_TOUCH(where, set)                                                                                 \
    "WITH few AS MATERIALIZED (SELECT n.subject, n.id, row_number() OVER (PARTITION BY n.subject ORDER BY n.made) AS"  \
    " nth, count(*) OVER (PARTITION BY n.subject) AS of_all FROM notification n WHERE " where "),"                     \
    " heads AS (UPDATE notification_head h SET version = h.version + f.of_all FROM (SELECT DISTINCT subject, of_all"   \
    " FROM few) f WHERE h.subject = f.subject RETURNING h.subject, h.version)"                                         \
    " UPDATE notification n SET version = h.version - f.of_all + f.nth" set " FROM few f JOIN heads h"                 \
    " ON h.subject = f.subject WHERE n.subject = f.subject AND n.id = f.id RETURNING n.subject, n.version"

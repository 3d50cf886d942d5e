/*
 * mention_spread.c - whom `@here` mentions: some hundred members at a time, those who are there when they are looked at; a job.
 *
 *      mentions_follow.c: the message has an `@here`, or has it no more --> the job
 *      it has --> of the next members those who are there: a row for each, and a notification --> the next members
 *      it has not --> some of these rows go --> ... --> notification.spread, for what was told of them
 *
 * There is as others see it: who wants to be invisible is not, so that nobody finds out by it.  That one of two blocks the other makes no difference here,
 * so that this is nothing to find out by either; whom one blocks mentions one nowhere anyway.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/mentions/mentions.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/own/own.h"
#include "services/chat/presence/presence.h"

#define SLICE 500

enum err mention_put_spread(struct call *call, struct id room, int64_t seq, struct str after)
{
    const struct notification_spread spread = { room, seq, after };
    char text[ID_TEXT_BYTES + 1];

    id_format(room, text);
    return job_put(
        call, &mention_spread_job, arena_printf(call->arena, "%s.%020lld", text, (long long)seq), &spread, 0);
}

/* The message, as it mentions those who are there. */
struct here {
    struct str sender;
    int64_t at;
};

static const char READ_HERE[] =
    "SELECT sender, at FROM mention WHERE room_id = $1 AND subject = '' AND seq = $2 AND here FOR SHARE";

static enum err read_here(struct call *call, const struct notification_spread *spread, struct here *out)
{
    static const struct wire_field fields[] = { ROW_FIELD(struct here, sender, TEXT), ROW_FIELD(struct here, at, TIME),
        ROW_END };
    static const struct wire_shape shape = { "here", "", sizeof(struct here), fields };

    return pg_one(call->pg, call->arena, &shape, out, READ_HERE, PG_ARGS(pg_id(spread->room), pg_int(spread->seq)));
}

struct reached {
    struct str subject;
};
struct reached_list {
    struct reached *at;
    size_t len;
};
static const struct wire_field reached_fields[] = { ROW_FIELD(struct reached, subject, TEXT), ROW_END };
static const struct wire_shape reached_shape = { "reached", "", sizeof(struct reached), reached_fields };

static const char NEXT_MEMBERS[] =
    "SELECT subject FROM member WHERE room_id = $1 AND subject > coalesce($2, '') ORDER BY subject LIMIT $3";
static const char MENTION[] =
    "INSERT INTO mention (room_id, seq, at, sender, subject, here) SELECT $1, $2, $3, $4, s, true FROM "
    "unnest($5::text[])"
    " AS s WHERE s <> $4 ORDER BY s ON CONFLICT (room_id, subject, seq) DO NOTHING RETURNING subject";

/* Of these those who are there, all at one moment. */
static struct str_list those_there(struct call *call, struct str_list subjects)
{
    struct presence_item *items = arena_alloc(call->arena, (subjects.len + 1) * sizeof *items);
    struct str_list there = { arena_alloc(call->arena, subjects.len * sizeof *there.at + 1), 0 };

    (void)presence_look(call->context, call->arena, subjects, items);
    for (size_t i = 0; i < subjects.len; i++)
        if (!str_is(items[i].state, "offline")) there.at[there.len++] = subjects.at[i];
    return there;
}

static enum err tell_reached(
    struct call *call, const struct notification_spread *spread, const struct here *here, struct str_list subjects)
{
    struct notification_items items = { arena_alloc(call->arena, subjects.len * sizeof *items.at + 1), subjects.len };
    struct notification_mark_list told;

    if (subjects.len == 0) return OK;
    for (size_t i = 0; i < subjects.len; i++)
        items.at[i] = (struct notification_news_item){ .subject = subjects.at[i],
            .kind = NOTIFICATION_mention,
            .room = spread->room,
            .seq = spread->seq,
            .by = here->sender,
            .at = here->at };
    TRY(own_notify(call, spread->room, subjects));
    TRY(notifications_lock(call, subjects));
    TRY(notifications_put(call, items, &told));
    return notifications_notify(call, told);
}

static enum err reach_some(struct call *call, const struct notification_spread *spread, const struct here *here)
{
    struct reached_list members, reached;

    if (!presence_is_known(call->context))
        return call_fail(call, ERR_UNAVAILABLE, "gateways have not said yet who is there");
    TRY(pg_all(call->pg, call->arena, &reached_shape, &members, SLICE, NEXT_MEMBERS,
        PG_ARGS(pg_id(spread->room), pg_text(spread->after), pg_int(SLICE))));
    struct str_list there = those_there(call, TEXTS_OF(call->arena, members, subject));
    TRY(pg_all(call->pg, call->arena, &reached_shape, &reached, SLICE, MENTION,
        PG_ARGS(pg_id(spread->room), pg_int(spread->seq), pg_time(here->at), pg_text(here->sender),
            pg_texts(call->arena, there))));
    call_note(call, F_INT("reached", (int64_t)reached.len));
    TRY(tell_reached(call, spread, here, TEXTS_OF(call->arena, reached, subject)));
    if (members.len < SLICE) return OK;
    return mention_put_spread(call, spread->room, spread->seq, members.at[members.len - 1].subject);
}

static const char MENTION_NO_MORE[] =
    "DELETE FROM mention WHERE ctid = ANY (ARRAY(SELECT ctid FROM mention WHERE room_id = $1 AND seq = $2"
    " AND subject <> '' AND here LIMIT $3)) RETURNING subject";

static enum err leave_some(struct call *call, const struct notification_spread *spread)
{
    struct reached_list left;

    TRY(pg_all(call->pg, call->arena, &reached_shape, &left, SLICE, MENTION_NO_MORE,
        PG_ARGS(pg_id(spread->room), pg_int(spread->seq), pg_int(SLICE))));
    TRY(own_notify(call, spread->room, TEXTS_OF(call->arena, left, subject)));
    if (left.len == SLICE) return mention_put_spread(call, spread->room, spread->seq, STR_NONE);
    return notification_put_spread(call, &(struct notification_spread){ spread->room, spread->seq, STR_NONE });
}

enum err mention_spread(struct call *call, const struct job *job, const struct notification_spread *payload)
{
    struct here here;
    enum err e = read_here(call, payload, &here);

    (void)job;
    if (e == ERR_NOT_FOUND) return leave_some(call, payload);
    return e == OK ? reach_some(call, payload, &here) : e;
}

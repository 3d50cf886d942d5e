/* own_tell.c - gateways are told for whom a room is another; see own.h. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/parts.h"
#include "libshared/wire/columns.h"
#include "services/chat/activity/activity.h"
#include "services/chat/own/own.h"

#define SUBJECTS_MAX 1000    /* proto/chat.def: own_news.subjects */
#define MEMBERS_MAX  1000000 /* what MADANG_CHAT_MEMBERS_MAX can be */

static struct str name_of(enum own_what what)
{
    static const char *const names[] = { [OWN_ADDED] = "added",
        [OWN_CHANGED] = "changed",
        [OWN_SAID] = "said",
        [OWN_READ] = "read",
        [OWN_REMOVED] = "removed",
        [OWN_UNASKED] = "unasked" };

    return str_of(names[what]);
}

static void tell_gateways(struct rpc_server *server, void *context, void *arg)
{
    const struct own_news *news = arg;
    struct rpc_event *event = rpc_event_create(news->room, 0, "own.changed", own_news_shape(), news);

    (void)context;
    rpc_event_send_all(server, "gateway", event);
    rpc_event_destroy(&event);
}

struct str_list own_self(struct call *call)
{
    return (struct str_list){ arena_copy(call->arena, &call->who->sub, sizeof(struct str)), 1 };
}

void own_tell(struct call *call, struct id room, enum own_what what, struct str_list subjects)
{
    for (size_t from = 0; from < subjects.len; from += SUBJECTS_MAX) {
        size_t n = subjects.len - from < SUBJECTS_MAX ? subjects.len - from : SUBJECTS_MAX;
        const struct own_news news = { room, name_of(what), { subjects.at + from, n }, call->now };
        call_after(call, tell_gateways, arena_copy(call->arena, &news, sizeof news));
    }
}

void own_tell_now(struct chat *chat, struct id room, enum own_what what, struct str_list subjects)
{
    struct own_news news = { room, name_of(what), subjects, clock_ms() };

    tell_gateways(chat->server, chat, &news);
}

/* --- from a job --- */

#define PREFIX "own "

static const char NOTIFY[] = "SELECT pg_notify('" CHAT_CHANGED "', '" PREFIX
                             "' || $1::uuid || ' ' || subject) FROM unnest($2::text[]) AS subject";

enum err own_notify(struct call *call, struct id room, struct str_list subjects)
{
    return pg_run(call->pg, call->arena, NOTIFY, PG_ARGS(pg_id(room), pg_texts(call->arena, subjects)), NULL);
}

bool own_hear(struct chat *chat, struct str line)
{
    struct id room;

    if (!str_starts(line, STR(PREFIX))) return false;
    line = str_skip(line, sizeof PREFIX - 1);
    if (id_parse(str_cut(&line, ' '), &room) && part_of(room, chat->n_parts) == chat->part)
        own_tell_now(chat, room, OWN_CHANGED, (struct str_list){ &line, 1 });
    return true;
}

/* --- all members --- */

struct member_name {
    struct id room;
    struct str subject;
};
struct member_name_list {
    struct member_name *at;
    size_t len;
};
static const struct wire_field member_name_fields[] = {
    ROW_FIELD(struct member_name, room, ID),
    ROW_FIELD(struct member_name, subject, TEXT),
    ROW_END,
};
static const struct wire_shape member_name_shape = { "member_name", "", sizeof(struct member_name),
    member_name_fields };

static const char MEMBERS[] = "SELECT room_id AS room, subject FROM member WHERE room_id = $1 AND"
                              " (SELECT members FROM room WHERE id = $1) <= $2";

enum err own_tell_all(struct call *call, struct id room, enum own_what what)
{
    struct member_name_list members;
    bool is_bounded = what == OWN_CHANGED;

    TRY(pg_all(call->pg, call->arena, &member_name_shape, &members, MEMBERS_MAX, MEMBERS,
        PG_ARGS(pg_id(room), pg_int(is_bounded ? SUBJECTS_MAX : INT64_MAX))));
    own_tell(call, room, what, TEXTS_OF(call->arena, members, subject));
    return OK;
}

/* --- who came, went, or may do something else --- */

/* Who is named behind one that went was a member before, and owns the room now. */
static enum own_what what_of(const struct member_change *change, size_t i)
{
    if (change->who.at[i].role.len == 0) return OWN_REMOVED;
    return change->of == OF_MEMBERS && change->who.at[0].role.len > 0 ? OWN_ADDED : OWN_CHANGED;
}

enum err own_tell_change(struct call *call, const struct member_change *change)
{
    struct str_list subjects = TEXTS_OF(call->arena, change->who, subject);

    if (subjects.len == 0) return own_tell_all(call, change->room, OWN_CHANGED);
    for (size_t i = 0, n; i < subjects.len; i += n) {
        for (n = 1; i + n < subjects.len && what_of(change, i + n) == what_of(change, i);) n++;
        own_tell(call, change->room, what_of(change, i), (struct str_list){ subjects.at + i, n });
    }
    return OK;
}

/* --- what was said --- */

/* What is said in a large room costs no more than in a small one: who wants to hear of it joins it. */
static const char OF_ACTIVE[] = "SELECT m.room_id AS room, m.subject FROM room r JOIN member m ON m.room_id = r.id"
                                " WHERE r.id = ANY ($1) AND r.members <= $2 ORDER BY m.room_id";

enum err own_tell_activity(struct call *call, const struct activity_news *news)
{
    const struct {
        const struct activity_room *at;
        size_t len;
    } rooms = { news->rooms, news->n };
    struct member_name_list members;

    TRY(pg_all(call->pg, call->arena, &member_name_shape, &members, news->n * SUBJECTS_MAX * 2, OF_ACTIVE,
        PG_ARGS(pg_ids(call->arena, IDS_OF(call->arena, rooms, room)), pg_int(SUBJECTS_MAX))));
    struct str_list subjects = TEXTS_OF(call->arena, members, subject);
    for (size_t i = 0, n; i < members.len; i += n) {
        for (n = 1; i + n < members.len && id_eq(members.at[i + n].room, members.at[i].room);) n++;
        own_tell(call, members.at[i].room, OWN_SAID, (struct str_list){ subjects.at + i, n });
    }
    return OK;
}

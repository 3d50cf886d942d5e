/* member_erase.c - a user who was erased leaves all rooms, those that they owned get another owner, and their name goes from those
 * that they made. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/parts.h"
#include "services/chat/friends/relation.h"
#include "services/chat/hooks/hooks.h"
#include "services/chat/invites/invites.h"
#include "services/chat/knocks/knocks.h"
#include "services/chat/mentions/mentions.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/own/own.h"
#include "services/chat/push/push.h"
#include "services/chat/webhooks/webhooks.h"

#define ROOMS_AT_ONCE    100
#define BANS_AT_ONCE     500
#define INVITES_AT_ONCE  500
#define MENTIONS_AT_ONCE 500
#define TOLD_AT_ONCE     500
#define TELLING_AT_ONCE  100 /* webhooks, with a thousand deliveries and more each */
#define MADE_AT_ONCE     20  /* rooms, of some thousand members each */

/* A room that they left. */
struct left_room {
    struct id room;
    int64_t version;
    bool owned;          /* it was theirs */
    struct str added_by; /* whose quota they counted in */
};
struct left_room_list {
    struct left_room *at;
    size_t len;
};
static const struct wire_field left_room_fields[] = {
    ROW_FIELD(struct left_room, room, ID),
    ROW_FIELD(struct left_room, version, INT),
    ROW_FIELD(struct left_room, owned, BOOL),
    ROW_FIELD(struct left_room, added_by, TEXT),
    ROW_END,
};
static const struct wire_shape left_room_shape = { "left_room", "", sizeof(struct left_room), left_room_fields };

struct left_rooms {
    struct left_room_list rooms;
    struct access_change_list heirs; /* who owns some of them now */
};

/* The rooms' rows are locked in one order, and the quotas, afterwards, in another.  What is done then is another statement, whose
 * snapshot is younger than the locks: it sees what former holders did. */
static const char LOCK[] =
    "SELECT r.id AS room FROM room r WHERE r.id IN (SELECT room_id FROM member WHERE subject = $1"
    " ORDER BY room_id LIMIT $2) ORDER BY r.id FOR NO KEY UPDATE";
static const char LEAVE[] =
    "WITH gone AS (DELETE FROM member m WHERE m.room_id = ANY ($2) AND m.subject = $1 RETURNING m.room_id, m.role,"
    " m.added_by)"
    " UPDATE room r SET version = r.version + 1, members = r.members - 1 FROM gone WHERE r.id = gone.room_id"
    " RETURNING r.id AS room, r.version, gone.role = 'owner' AS owned, coalesce(gone.added_by, r.created_by) AS"
    " added_by";

static int compare_rooms(const void *a, const void *b)
{
    const struct left_room *left = a, *right = b;

    return str_cmp(left->added_by, right->added_by);
}

static enum err lock_rooms(struct call *call, struct str subject, struct id_list *rooms)
{
    struct room_ref_list locked;

    TRY(pg_all(call->pg, call->arena, room_ref_shape(), &locked, ROOMS_AT_ONCE, LOCK,
        PG_ARGS(pg_text(subject), pg_int(ROOMS_AT_ONCE))));
    *rooms = (struct id_list){ arena_alloc(call->arena, (locked.len + 1) * sizeof *rooms->at), locked.len };
    for (size_t i = 0; i < locked.len; i++) rooms->at[i] = locked.at[i].room;
    return OK;
}

/* What they owned goes to who has been there longest. */
static enum err pass_on_rooms(struct call *call, struct left_rooms *left, struct erasure *erasure)
{
    struct id_list owned = { arena_alloc(call->arena, (left->rooms.len + 1) * sizeof *owned.at), 0 };
    int64_t closed;

    for (size_t i = 0; i < left->rooms.len; i++)
        if (left->rooms.at[i].owned) owned.at[owned.len++] = left->rooms.at[i].room;
    TRY(rooms_pass_on(call, owned, &left->heirs, &closed));
    erasure_add(call, erasure, "rooms_passed_on", (int64_t)left->heirs.len);
    erasure_add(call, erasure, "rooms_closed", closed);
    return OK;
}

/* The processes of all parts hear of it, this one too. */
static const char TELL[] =
    "SELECT pg_notify('" CHAT_CHANGED "', concat_ws(' ', $1::uuid, $2::bigint, $3::text, $4::text, $5::text))";

static struct access_change find_heir(const struct left_rooms *left, struct id room)
{
    for (size_t i = 0; i < left->heirs.len; i++)
        if (id_eq(left->heirs.at[i].room, room)) return left->heirs.at[i];
    return (struct access_change){ .subject = STR_NONE, .role = STR_NONE };
}

static enum err tell_parts(struct call *call, struct str subject, const struct left_rooms *left)
{
    for (size_t i = 0; i < left->rooms.len; i++) {
        const struct left_room *room = &left->rooms.at[i];
        struct access_change who[] = { { room->room, subject, STR(""), 0 }, find_heir(left, room->room) };
        const struct member_change change = { .room = room->room, .who = { who, who[1].subject.len > 0 ? 2 : 1 } };
        TRY(lines_put(call, &change, subject));
        TRY(pg_run(call->pg, call->arena, TELL,
            PG_ARGS(pg_id(room->room), pg_int(room->version), pg_text(subject), pg_text(who[1].role),
                pg_text(who[1].subject)),
            NULL));
    }
    return OK;
}

static enum err leave_rooms(struct call *call, struct str subject, struct erasure *erasure, size_t *n)
{
    struct left_rooms left = { .rooms = { NULL, 0 } };
    struct id_list rooms;

    TRY(lock_rooms(call, subject, &rooms));
    TRY(pg_all(call->pg, call->arena, &left_room_shape, &left.rooms, ROOMS_AT_ONCE, LEAVE,
        PG_ARGS(pg_text(subject), pg_ids(call->arena, rooms))));
    TRY(pass_on_rooms(call, &left, erasure));
    TRY(tell_parts(call, subject, &left));
    *n = left.rooms.len;
    if (*n > 1) qsort(left.rooms.at, *n, sizeof *left.rooms.at, compare_rooms);
    for (size_t i = 0; i < *n; i++) TRY(quota_give(call, QUOTA_members, left.rooms.at[i].added_by, 1));
    erasure_add(call, erasure, "memberships", (int64_t)*n);
    return OK;
}

/* Nobody can be called so: services/auth/tokens/subject.c. */
#define NOBODY "server:erased"

static const char UNNAME[] =
    "WITH few AS (SELECT id FROM room WHERE created_by = $1 ORDER BY id LIMIT $2),"
    " added AS (UPDATE member SET added_by = '" NOBODY "' WHERE added_by = $1 AND room_id IN (SELECT id FROM few))"
    " UPDATE room SET created_by = '" NOBODY "', client_key = NULL WHERE id IN (SELECT id FROM few)";
static const char FORGET_USAGE[] = "DELETE FROM usage WHERE subject = $1";
static const char FORGET_FORMER[] = "DELETE FROM former_member WHERE subject = $1";

static const char FORGET_BANS[] =
    "WITH few AS (SELECT room_id, subject FROM ban WHERE subject = $1 LIMIT $2) DELETE FROM ban b USING few"
    " WHERE b.room_id = few.room_id AND b.subject = few.subject";
static const char UNNAME_BANS[] =
    "WITH few AS (SELECT room_id, subject FROM ban WHERE banned_by = $1 LIMIT $2) UPDATE ban b SET banned_by = '" NOBODY
    "' FROM few WHERE b.room_id = few.room_id AND b.subject = few.subject";

/* Those that they made hold on. */
static enum err forget_bans(struct call *call, struct str subject, struct erasure *erasure, int64_t *left)
{
    int64_t named;

    TRY(pg_run(call->pg, call->arena, FORGET_BANS, PG_ARGS(pg_text(subject), pg_int(BANS_AT_ONCE)), left));
    TRY(pg_run(call->pg, call->arena, UNNAME_BANS, PG_ARGS(pg_text(subject), pg_int(BANS_AT_ONCE)), &named));
    *left += named;
    erasure_add(call, erasure, "bans", *left);
    return OK;
}

static enum err unname_rooms(struct call *call, struct str subject, struct erasure *erasure)
{
    int64_t rows;

    TRY(forget_bans(call, subject, erasure, &rows));
    if (rows > 0) return OK; /* there may be more */
    TRY(invites_erase_some(call, subject, INVITES_AT_ONCE, &rows));
    erasure_add(call, erasure, "invites", rows);
    if (rows > 0) return OK;
    TRY(mentions_erase_some(call, subject, MENTIONS_AT_ONCE, &rows));
    erasure_add(call, erasure, "mentions", rows);
    if (rows > 0) return OK;
    TRY(notifications_erase_some(call, subject, TOLD_AT_ONCE, &rows));
    erasure_add(call, erasure, "notifications", rows);
    if (rows > 0) return OK;
    TRY(webhooks_erase_some(call, subject, TELLING_AT_ONCE, &rows));
    erasure_add(call, erasure, "webhooks", rows);
    if (rows > 0) return OK;
    TRY(hooks_erase_some(call, subject, MADE_AT_ONCE, &rows));
    erasure_add(call, erasure, "hooks_made", rows);
    if (rows == MADE_AT_ONCE) return OK;
    TRY(push_erase(call, subject, &rows));
    erasure_add(call, erasure, "browsers", rows);
    TRY(presence_erase(call, subject, &rows));
    erasure_add(call, erasure, "presence", rows);
    TRY(receipts_erase(call, subject, &rows));
    erasure_add(call, erasure, "receipt_choices", rows);
    TRY(pg_run(call->pg, call->arena, UNNAME, PG_ARGS(pg_text(subject), pg_int(MADE_AT_ONCE)), &rows));
    erasure_add(call, erasure, "rooms_made", rows);
    if (rows == MADE_AT_ONCE) return OK;
    TRY(pg_run(call->pg, call->arena, FORGET_FORMER, PG_ARGS(pg_text(subject)), NULL));
    TRY(pg_run(call->pg, call->arena, FORGET_USAGE, PG_ARGS(pg_text(subject)), &rows));
    erasure_add(call, erasure, "quotas", rows);
    erasure->erased_at = call->now;
    return OK;
}

enum err members_erase_some(struct call *call, struct erasure *erasure, void **left)
{
    char text[ID_TEXT_BYTES + 1];
    int64_t rows;
    size_t n;

    (void)left;
    id_format(erasure->user, text);
    struct str subject = arena_str(call->arena, str_of(text));
    TRY(relations_erase_some(call, subject, erasure, &rows));
    if (rows > 0)
        return OK; /* quotas of rooms are given back in another transaction: they have an order of their own */
    TRY(knocks_erase(call, subject, &rows));
    erasure_add(call, erasure, "knocks", rows);
    if (rows > 0) return OK; /* so have they; and whom somebody lets in meanwhile is a member whom the next one finds */
    TRY(leave_rooms(call, subject, erasure, &n));
    return n < ROOMS_AT_ONCE ? unname_rooms(call, subject, erasure) : OK;
}

/* room, version, who left, and of who owns it now, if that is another, what they may do there and who it is: that may have blanks.
 * Room and version alone: what all may do. */
static bool read_news(struct str line, struct member_change *change, struct access_change who[2])
{
    struct str room = str_cut(&line, ' '), version = str_cut(&line, ' '), subject = str_cut(&line, ' ');
    struct str role = str_cut(&line, ' ');

    if (!id_parse(room, &change->room) || !str_to_int(version, &change->version)) return false;
    who[0] = (struct access_change){ change->room, subject, STR(""), 0 };
    who[1] = (struct access_change){ change->room, line, role, 0 };
    change->who = (struct access_change_list){ who, subject.len == 0 ? 0 : line.len > 0 ? 2 : 1 };
    return true;
}

/* What the heir may read is not said here: the room is read again. */
static void hear_change(struct chat *chat, const struct member_change *change)
{
    member_cache_change(chat->member_cache, change->room, change->version, (struct access_change_list){ NULL, 0 });
    member_change_apply(chat, change);
}

static void take_news(struct chat *chat, struct str line)
{
    struct member_change change = { .of = OF_MEMBERS };
    struct access_change who[2];

    if (own_hear(chat, line) || notifications_hear(chat, line) || presence_hear(chat, line)) return;
    watchers_tell_lines(chat->watchers, chat->server);
    if (!read_news(line, &change, who))
        LOG(ERROR, "chat.bad_notification", F_STR("payload", line));
    else if (part_of(change.room, chat->n_parts) == chat->part) {
        hear_change(chat, &change);
        if (change.who.len > 1) own_tell_now(chat, change.room, OWN_CHANGED, (struct str_list){ &who[1].subject, 1 });
    }
}

void members_hear_erased(void *context, const char *payload)
{
    struct chat *chat = context;

    if (payload != NULL) {
        take_news(chat, str_of(payload));
    } else {
        member_cache_forget_all(chat->member_cache);
        watchers_resync(chat->watchers, chat->server);
        presence_doubt(chat);
    }
}

void member_erase(struct call *call, const struct job *job, const struct erasure *payload, struct job_run *run)
{
    directory_erase(((struct chat *)call->context)->directory, call, job, payload, run);
}

/*
 * chat.h - the chat service: rooms, their members, and what is carried between them.
 *
 *      on workers (PostgreSQL):  room_create room_list room_enter room_invite room_remove room_roles member_roles
 *                                room_direct friend_acts.c friend_list.c
 *      on the loop thread:       member_cache.c   who is in which room, as remembered    room.access, room.relay
 *                                feeds.c        which gateway hears which room         room.subscribe, room.publish
 *                                watchers.c     stores that hear of changes of membership  access.watch
 *                                gateways.c     which gateways there are               gateway.announce
 *      from auth's stream:       libshared/directory  users, and who was erased      member_erase.c
 *
 *      of several processes each has the rooms of its part, in the lines above but the last: that, the directory, is the first's.
 *      What workers only read or make anew, as a list of rooms or a new one, any of them does.
 *
 * Everything behind struct chat, but for the settings, belongs to the loop thread.  Workers hand it what they changed by call_after().
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/directory/directory.h"
#include "libshared/jobs/job_rows.h"
#include "libshared/rpc/quota.h"
#include "libshared/rpc/room_rights.h"
#include "libshared/rpc/rpc_rows.h"
#include "libshared/service/settings.h"

#include "rows/keeps.def"

struct chat {
    const struct settings_chat *settings;
    size_t part, n_parts; /* which of chat's processes this is: libshared/rpc/parts.h; the first keeps the directory */
    bool goes_plain;      /* webhooks may be http */
    const char *public_url;
    struct ev_loop *loop;
    struct rpc_server *server;
#define KEEP(name, created, forget_peer) struct name *name;
#include "services/chat/keeps.def"
#undef KEEP
    struct directory *directory; /* of users */
    struct pg_listen *listen;    /* for what another process changed in rooms of this part */
};

static inline const struct settings_chat *chat_settings(const struct call *call)
{
    return ((const struct chat *)call->context)->settings;
}

/* clang-format off */
#define METHOD RPC_PROTOTYPE
#define JOB    JOB_PROTOTYPE
#include "proto/begin.def"
#include "proto/chat.def"
#include "proto/end.def"
/* clang-format on */

/* room_row.c: what handlers ask of the database again and again. */

/* A room's row, as much of it as a change of its membership needs. */
struct room_row {
    struct room room; /* `role` is the caller's; empty: not a member.  Without `can` */
    int64_t version;
};

/* The columns of a room as a member sees it: of `room r`, and of `member m`, which is theirs. */
#define ROOM_COLUMNS                                                                                                   \
    "r.id, r.name, r.open, r.created_by, r.created_at, r.lines, r.topic, r.writes, r.invites, r.history, "             \
    "r.archived_at, r.knocks, r.listed, r.receipts_since IS NOT NULL AS receipts, r.slow_s,"                           \
    " coalesce(r.kept_days, 0) AS kept_days, coalesce(r.kept_messages, 0) AS kept_messages, r.members, m.role, "       \
    "m.muted_until, reads_after(r.history, m.joined_at) "                                                              \
    "AS reads_after"

struct str id_text(struct arena *arena, struct id id);
enum err require_subject(struct call *call) MUST_CHECK;
enum err require_names(struct call *call, struct str_list members) MUST_CHECK;
/* The room and the caller's role in it.  not_found if there is none such. */
enum err room_row_get(struct call *call, struct id room, struct room_row *out) MUST_CHECK;
/* The same, and nobody else changes its membership until this call's transaction ends. */
enum err room_row_lock(struct call *call, struct id room, struct room_row *out) MUST_CHECK;
/* Add those who are not members yet and announce them after the commit.  The room must be locked. */
enum err room_row_add(struct call *call, const struct room_row *room, struct str_list subjects) MUST_CHECK;
/* The caller has this right there, as the row says; else forbidden. */
enum err require_right(struct call *call, const struct room *room, enum room_right right) MUST_CHECK;
/* The same of what is done to a member: who is one, below the caller.  not_found: there is none. */
enum err require_member_below(
    struct call *call, const struct room *room, struct str subject, struct room_member *out) MUST_CHECK;
/* May who sees the room so do this there? */
bool room_lets(const struct room *room, enum room_right right);
/* `can`, of a room with the caller's role. */
void room_fill_can(struct call *call, struct room *room);
/* As who is not in it sees it, and what they may do there. */
struct room_front room_front_of(struct call *call, const struct room *room);

/* code_hash.c: of any text; `kind` says what it opens, so that a code of another kind opens nothing. */
#define CODE_HASH_BYTES 32
struct str code_hash(struct arena *arena, const char *kind, struct str code);

/* names.c: an id that is no user's, and whom the caller blocks, they name by mistake. */
enum err require_somebody(struct call *call, struct str subject) MUST_CHECK;
enum err require_unblocked(struct call *call, struct str_list subjects) MUST_CHECK;

/* room_update.c: roles that these settings can name, and a row of HISTORY; without a text it is not said. */
enum err require_settings(struct call *call, struct str writes, struct str invites, struct str history) MUST_CHECK;

/* member_ban.c: nobody of these is banned; else `code`. */
enum err require_unbanned(struct call *call, struct id room, struct str_list subjects, enum err code) MUST_CHECK;

/* room_remove.c: after who.at[0] has gone: the count, the quota, who owns the room then, and all that follows. */
enum err room_row_lose(struct call *call, const struct room_row *row, struct str subject) MUST_CHECK;

/* room_delete.c, room_update.c: what is done to a locked room by whoever may. */
enum err room_row_end(struct call *call, const struct room_row *row) MUST_CHECK;
enum err room_row_archive(struct call *call, const struct room_row *row, bool archived) MUST_CHECK;

/* room_heir.c: those of these rooms, which are locked, that have no owner any more get one, who has been a member longest; those
 * where nobody is any more are closed.  What becomes of `version` and who is told is the caller's. */
enum err rooms_pass_on(
    struct call *call, struct id_list rooms, struct access_change_list *heirs, int64_t *closed) MUST_CHECK;

/* A change of one room's membership, on its way from a worker to the loop; of nobody in particular: of what all may do. */
struct member_change {
    struct id room;
    int64_t version; /* the room's, after this change */
    struct access_change_list who;
    enum member_change_of {
        OF_MEMBERS,
        OF_ROLES,
        OF_MUTES
    } of; /* who is a member, or what those are who were it before */
};
/* On the loop: remember it, and tell it to all who listen. */
void member_change_apply(struct chat *chat, const struct member_change *change);
/* In the transaction of the change: all that follows it. */
enum err follow_change(struct call *call, const struct member_change *change) MUST_CHECK;
#define FOLLOWS(function) enum err function(struct call *call, const struct member_change *change) MUST_CHECK;
#include "services/chat/members/follows.def"
#undef FOLLOWS
/* The room's next version is of this; of nobody: of what all may do there.  And all that follows it. */
enum err room_row_changed(
    struct call *call, const struct room_row *row, struct access_change_list who, enum member_change_of of) MUST_CHECK;

/* lines.c: in a room with lines its log will say of each what became of them by `sender`'s deed.  The room is locked; who calls tells
 * stores after the commit that lines wait. */
enum err lines_put(struct call *call, const struct member_change *change, struct str sender) MUST_CHECK;

void lines_tell_stores(struct rpc_server *server, void *chat, void *unused); /* for call_after() */

/* dead_lines.c: these were tried once more, and their logs refused them. */
enum err lines_refuse(struct call *call, struct line_refusal_list refused) MUST_CHECK;

/* member_erase.c: a step of directory.h's, of rooms of all parts; and on the loop what a step of some process did, after its commit. */
#define CHAT_CHANGED "chat_changed" /* the channel */
enum err members_erase_some(struct call *call, struct erasure *erasure, void **left) MUST_CHECK;
void members_hear_erased(void *chat, const char *payload); /* pg_listen.h: NULL, some may have been missed */

/* person_news.c: hooks of directory.h's. */
enum err person_news_look(struct pg *pg, struct arena *arena, struct user_state_list changed, void **found) MUST_CHECK;
void person_news_tell(void *chat, const void *found);

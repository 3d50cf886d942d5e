/*
 * own.h - what becomes another of somebody's rooms reaches their sockets, whether these joined the room or not.
 *
 *      a worker: the change, one transaction --own.changed {room, what, subjects}--> every gateway: which of them has sockets here?
 *      gateway --own.rooms, some time later, for one subject and all of its rooms that changed--> as they are then
 *      gateway, of what it may have missed --own.since--> which rooms
 *      a client that was away --own.sync (`sync`)--> its rooms that became another meanwhile
 *
 * An event says that there is something, to whom, and no more; so it may come twice, and what a gateway tells is what the database says
 * when it asks.  What may be lost with a process is in the tables: changed_at of room, member and activity, stated_at, and former_member.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/chat/chat.h"

/* Whoever was away for so long, or of whom so many memberships ended, begins anew. */
#define OWN_SYNC_MS    INT64_C(2592000000)
#define OWN_FORMER_MAX 5000

/* UNASKED: they ask no more to be let in; told as an end unless they ask anew by then. */
enum own_what { OWN_ADDED, OWN_CHANGED, OWN_SAID, OWN_READ, OWN_REMOVED, OWN_UNASKED };

struct str_list own_self(struct call *call); /* the caller */
/* After the commit, and before what is told after it by later calls of call_after(). */
void own_tell(struct call *call, struct id room, enum own_what what, struct str_list subjects);
/* On the loop: at once, of 1,000 at most. */
void own_tell_now(struct chat *chat, struct id room, enum own_what what, struct str_list subjects);
/* OWN_CHANGED from a job, which has no call_after(): through CHAT_CHANGED, to the process that has the room. */
enum err own_notify(struct call *call, struct id room, struct str_list subjects) MUST_CHECK;
bool own_hear(struct chat *chat, struct str line); /* false: the line says something else */
/* Of these those that the caller sees, as in the list of rooms. */
enum err own_rooms_of(struct call *call, struct id_list rooms, struct room_list *out) MUST_CHECK;
/* The members that it has in this transaction; of OWN_CHANGED only in a room of 1,000 at most. */
enum err own_tell_all(struct call *call, struct id room, enum own_what what) MUST_CHECK;

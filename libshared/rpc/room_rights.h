/* room_rights.h - what somebody is in a room and may do there: the rows of proto/rooms.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/wire.h"

/* clang-format off */
enum role {
    ROLE_none, /* not a member */
#define ROLE(name, doc) ROLE_##name,
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
    ROLES_END
};

enum room_right {
#define MAY(name, from, archived, doc) MAY_##name,
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
    MAY_COUNT
};
/* clang-format on */

/* Empty: none.  A name that is not known, which a newer process gave, is read_only. */
enum role room_role_of(struct str name);
/* The same of a name that a client says; false: there is no such role. */
bool room_role_find(struct str name, enum role *out);
struct str room_role_name(enum role role);
const char *room_right_name(enum room_right right);

/* Somebody in a room. */
struct room_standing {
    enum role role;
    enum role writes, invites; /* the room's settings: from which role on; ROLE_none: as the rows say */
    bool is_archived, is_muted;
    bool is_asked; /* whoever is no member may knock */
};
bool room_may(const struct room_standing *standing, enum room_right right);
/* The names of all that they may. */
struct str_list room_can(struct arena *arena, const struct room_standing *standing);

/* Is it a setting `history` of a row? */
bool room_history_is(struct str name);

/* May somebody read what was stored at this time, of whom chat says reads_after?  Of what is done to a message the time is the message's. */
static inline bool history_reads(int64_t reads_after, int64_t at)
{
    return reads_after == 0 || at > reads_after;
}

/* Of a role that is told for a room's log, in which settings, archive and mute have their part already. */
bool room_role_may(enum role role, enum room_right right);

/* room_rights.c - what somebody is in a room and may do there. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/room_rights.h"

enum when_archived { ENDS, STAYS };

struct right_row {
    const char *name;
    enum role from;
    enum when_archived archived;
};

/* clang-format off */
static const char *const role_names[] = {
    "",
#define ROLE(name, doc) #name,
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
};

static const struct right_row rights[] = {
#define MAY(name, from, archived, doc) { #name, ROLE_##from, archived },
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
};
/* clang-format on */

bool room_role_find(struct str name, enum role *out)
{
    for (size_t i = ROLE_none + 1; i < ROLES_END; i++)
        if (str_is(name, role_names[i])) {
            *out = (enum role)i;
            return true;
        }
    return false;
}

enum role room_role_of(struct str name)
{
    enum role role = ROLE_read_only;

    if (name.len == 0) return ROLE_none;
    return room_role_find(name, &role) ? role : ROLE_read_only;
}

struct str room_role_name(enum role role)
{
    return str_of(role_names[role]);
}

const char *room_right_name(enum room_right right)
{
    return rights[right].name;
}

/* The rows name the least that a setting can ask for, but for `invites`, which is the setting's alone. */
static enum role needed_role(const struct room_standing *standing, enum room_right right)
{
    if (right == MAY_write && standing->writes > rights[right].from) return standing->writes;
    if (right == MAY_invite && standing->invites != ROLE_none) return standing->invites;
    return rights[right].from;
}

bool room_may(const struct room_standing *standing, enum room_right right)
{
    bool is_silent = standing->is_muted && standing->role > ROLE_read_only;
    enum role role = is_silent ? ROLE_read_only : standing->role;

    if (standing->is_archived && rights[right].archived == ENDS) return false;
    if (right == MAY_knock) return standing->role == ROLE_none && standing->is_asked;
    return role >= needed_role(standing, right);
}

struct str_list room_can(struct arena *arena, const struct room_standing *standing)
{
    struct str_list can = { arena_alloc(arena, MAY_COUNT * sizeof *can.at), 0 };

    for (size_t i = 0; i < MAY_COUNT; i++)
        if (room_may(standing, (enum room_right)i)) can.at[can.len++] = str_of(rights[i].name);
    return can;
}

/* clang-format off */
bool room_history_is(struct str name)
{
    static const char *const names[] = {
#define HISTORY(name, first, late, back, gone, doc) #name,
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (str_is(name, names[i])) return true;
    return false;
}
/* clang-format on */

bool room_role_may(enum role role, enum room_right right)
{
    return room_may(&(struct room_standing){ .role = role }, right);
}

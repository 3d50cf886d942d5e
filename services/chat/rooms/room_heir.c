/* room_heir.c - rooms that their owner has left: another member owns them, or nobody comes in any more. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

/* A room of two has no owner.  The highest role comes first, as it was given by somebody; of those that have it a user who can sign in
 * comes before names that back ends gave, and those before who is disabled or about to be erased; then who has been there longest. */
static const char HEIRS[] =
    "WITH heir AS (SELECT DISTINCT ON (m.room_id) m.room_id, m.subject FROM member m LEFT JOIN directory d"
    " ON d.subject = m.subject WHERE m.room_id = ANY ($1) AND NOT EXISTS (SELECT FROM member o WHERE o.room_id ="
    " m.room_id AND o.role = 'owner') AND NOT EXISTS (SELECT FROM direct WHERE room_id = m.room_id) ORDER BY "
    "m.room_id, array_position($2, m.role), CASE WHEN d.state = 'active' THEN 0 WHEN d.state IS NULL THEN"
    " 1 ELSE 2 END, m.joined_at, m.subject)"
    " UPDATE member m SET role = 'owner', muted_until = NULL FROM heir JOIN room r ON r.id = heir.room_id"
    " WHERE m.room_id = heir.room_id AND m.subject = heir.subject"
    " RETURNING m.room_id AS room, m.subject, role_now(m.role, NULL, r.writes, r.archived_at) AS role,"
    " reads_after(r.history, m.joined_at) AS reads_after";

static struct str_list roles_from_the_top(struct arena *arena)
{
    struct str_list roles = { arena_alloc(arena, ROLES_END * sizeof *roles.at), 0 };

    for (size_t i = ROLES_END; --i > ROLE_none;) roles.at[roles.len++] = room_role_name((enum role)i);
    return roles;
}

/* Who came in now would be a member of a room that nobody looks after. */
static const char CLOSE_EMPTY[] =
    "UPDATE room SET open = false, knocks = false, listed = false WHERE id = ANY ($1) AND members = 0"
    " AND (open OR knocks OR listed)";

enum err rooms_pass_on(struct call *call, struct id_list rooms, struct access_change_list *heirs, int64_t *closed)
{
    *heirs = (struct access_change_list){ NULL, 0 };
    *closed = 0;
    if (rooms.len == 0) return OK;
    TRY(pg_all(call->pg, call->arena, access_change_shape(), heirs, rooms.len, HEIRS,
        PG_ARGS(pg_ids(call->arena, rooms), pg_texts(call->arena, roles_from_the_top(call->arena)))));
    return pg_run(call->pg, call->arena, CLOSE_EMPTY, PG_ARGS(pg_ids(call->arena, rooms)), closed);
}

/* member_roles.c - what many subjects are, each in a room, in one question: for gateways, which begin to listen there. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

static const char ROLES[] =
    "SELECT a.room, COALESCE(m.role, '') AS role, reads_after(o.history, m.joined_at) AS reads_after"
    " FROM unnest($1, $2) WITH ORDINALITY AS a (room, subject, n)"
    " LEFT JOIN member m ON m.room_id = a.room AND m.subject = a.subject"
    " LEFT JOIN room o ON o.id = m.room_id ORDER BY a.n";

enum err member_roles(struct call *call, const struct access_queries *req, struct room_roles *rep)
{
    size_t n = req->asked.len;
    struct id_list rooms = { arena_alloc(call->arena, (n + 1) * sizeof *rooms.at), n };
    struct str_list subjects = { arena_alloc(call->arena, (n + 1) * sizeof *subjects.at), n };

    for (size_t i = 0; i < n; i++) {
        rooms.at[i] = req->asked.at[i].room;
        subjects.at[i] = req->asked.at[i].subject;
    }
    return pg_all(call->pg, call->arena, room_role_shape(), &rep->roles, n, ROLES,
        PG_ARGS(pg_ids(call->arena, rooms), pg_texts(call->arena, subjects)));
}

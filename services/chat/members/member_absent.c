/* member_absent.c - for the store: who is in their room no more, or in one where nobody writes any more, so that what they kept for it goes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/chat.h"

static const char ABSENT[] =
    "SELECT a.room, a.subject FROM unnest($1::uuid[], $2::text[]) AS a (room, subject) WHERE NOT EXISTS (SELECT"
    " FROM member m JOIN room r ON r.id = m.room_id WHERE m.room_id = a.room AND m.subject = a.subject"
    " AND r.archived_at IS NULL)";

enum err member_absent(struct call *call, const struct access_queries *req, struct access_queries *rep)
{
    return pg_all(call->pg, call->arena, access_query_shape(), &rep->asked, req->asked.len, ABSENT,
        PG_ARGS(pg_ids(call->arena, IDS_OF(call->arena, req->asked, room)),
            pg_texts(call->arena, TEXTS_OF(call->arena, req->asked, subject))));
}

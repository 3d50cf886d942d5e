/* mention_list.c - the messages that mention somebody, of all rooms that they read; and those that name who is erased. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/mentions/mentions.h"

#define BEFORE                                                                                                         \
    " AND (n.at, n.room_id, n.seq) < (coalesce($2, 'infinity'::timestamptz), coalesce($3,"                             \
    " 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), $4::bigint)"
#define NEWEST "ORDER BY n.at DESC, n.room_id DESC, n.seq DESC LIMIT $5"

/* Of everybody's what was said while one was there; and what names one, too, once. */
static const char PAGE[] =
    "SELECT room_id AS room, seq, sender, at, is_all AS all FROM ("
    " (SELECT n.room_id, n.seq, n.sender, n.at, false AS is_all FROM mention n"
    "  JOIN member m ON m.room_id = n.room_id AND m.subject = $1 JOIN room r ON r.id = n.room_id"
    "  WHERE n.subject = $1 AND n.subject <> ''" BEFORE
    "  AND n.at > coalesce(reads_after(r.history, m.joined_at), '-infinity') AND NOT blocks($1, n.sender) " NEWEST
    " ) UNION ALL (SELECT n.* FROM member m"
    "  CROSS JOIN LATERAL (SELECT n.room_id, n.seq, n.sender, n.at, true FROM mention n"
    "   WHERE n.room_id = m.room_id AND n.subject = '' AND NOT n.here AND n.at > m.joined_at AND n.sender <> $1" BEFORE
    "   AND NOT EXISTS (SELECT FROM mention o WHERE o.room_id = n.room_id AND o.subject = $1 AND o.seq = n.seq)"
    "   AND NOT blocks($1, n.sender) " NEWEST ") n WHERE m.subject = $1)) n " NEWEST;

/* Behind which message a page begins. */
struct mention_place {
    int64_t at, seq;
    struct id room; /* nil: the first page */
};

static enum err read_place(struct call *call, struct str after, struct mention_place *out)
{
    *out = (struct mention_place){ .seq = 0 };
    if (after.len == 0) return OK;
    if (str_to_int(str_cut(&after, '.'), &out->at) && out->at > 0 && id_parse(str_cut(&after, '.'), &out->room) &&
        str_to_int(after, &out->seq))
        return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct str print_place(struct arena *arena, const struct mention *last)
{
    char room[ID_TEXT_BYTES + 1];

    id_format(last->room, room);
    return arena_printf(arena, "%lld.%s.%lld", (long long)last->at, room, (long long)last->seq);
}

enum err mention_list(struct call *call, const struct mention_query *req, struct mention_page *rep)
{
    struct mention_place place;

    TRY(require_subject(call));
    TRY(read_place(call, req->after, &place));
    TRY(pg_all(call->pg, call->arena, mention_shape(), &rep->mentions, (size_t)req->limit, PAGE,
        PG_ARGS(pg_text(call->who->sub), pg_time(place.at), pg_id(place.room), pg_int(place.seq), pg_int(req->limit))));
    if ((int64_t)rep->mentions.len == req->limit)
        rep->next = print_place(call->arena, &rep->mentions.at[rep->mentions.len - 1]);
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->mentions, sender), &rep->users);
}

static const char ERASE[] =
    "DELETE FROM mention WHERE ctid = ANY (ARRAY(SELECT ctid FROM mention WHERE subject = $1 AND subject <> ''"
    " UNION SELECT ctid FROM mention WHERE sender = $1 LIMIT $2))";

enum err mentions_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n)
{
    return pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_text(subject), pg_int(most)), n);
}

/* friend_list.c - one's friends, requests and blocks, a page of one kind. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/chat.h"

/* Each half walks its index from the right place. */
static const char SEEN[] =
    "SELECT subject, state, since FROM ((SELECT high AS subject, low_sees AS state, coalesce(low_blocks, since) AS "
    "since"
    " FROM relation WHERE low = $1 AND low_sees = $2 AND high > $3 ORDER BY high LIMIT $4) UNION ALL"
    " (SELECT low, high_sees, coalesce(high_blocks, since) FROM relation WHERE high = $1 AND high_sees = $2 AND low > "
    "$3"
    " ORDER BY low LIMIT $4)) seen ORDER BY subject LIMIT $4";

static bool is_kind(struct str state)
{
    return str_is(state, "friends") || str_is(state, "requested") || str_is(state, "asked") || str_is(state, "blocked");
}

enum err friend_list(struct call *call, const struct friend_query *req, struct friend_page *rep)
{
    struct str state = req->state.len > 0 ? req->state : STR("friends");
    struct str after = req->after.len > 0 ? req->after : STR("");

    TRY(require_subject(call));
    if (!is_kind(state)) return call_fail(call, ERR_INVALID_ARGUMENT, "state: is friends, requested, asked or blocked");
    TRY(pg_all(call->pg, call->arena, friend_shape(), &rep->friends, (size_t)req->limit, SEEN,
        PG_ARGS(pg_text(call->who->sub), pg_text(state), pg_text(after), pg_int(req->limit))));
    if ((int64_t)rep->friends.len == req->limit) rep->next = rep->friends.at[rep->friends.len - 1].subject;
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->friends, subject), &rep->users);
}

/* knock_answer.c - who may invite to a room sees who asks to be let in, and answers. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/knocks/knocks.h"
#include "services/chat/own/own.h"

#define PAGE_MAX 100 /* proto/chat.def: knock_page.knocks */

static const char LIST[] =
    "SELECT " KNOCK_COLUMNS " FROM knock k WHERE k.room_id = $1 AND knock_is_seen(k, $2, $3) AND (k.asked_at,"
    " k.subject) > (coalesce($4, '-infinity'::timestamptz), $5) ORDER BY k.asked_at, k.subject LIMIT $6";

/* The last one of the page before. */
static enum err read_place(struct call *call, struct str after, int64_t *asked_at, struct str *subject)
{
    *asked_at = 0;
    *subject = STR("");
    if (after.len == 0) return OK;
    struct str at = str_cut(&after, '.');
    *subject = after;
    if (str_to_int(at, asked_at) && *asked_at > 0 && after.len > 0) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct str place_of(struct arena *arena, const struct knock *last)
{
    return arena_printf(arena, "%lld.%.*s", (long long)last->asked_at, STR_ARG(last->subject));
}

enum err knock_list(struct call *call, const struct knock_query *req, struct knock_page *rep)
{
    struct room_row row;
    struct str subject;
    int64_t asked_at;

    TRY(room_row_get(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_invite));
    TRY(read_place(call, req->after, &asked_at, &subject));
    TRY(pg_all(call->pg, call->arena, knock_shape(), &rep->knocks, PAGE_MAX, LIST,
        PG_ARGS(pg_id(req->room), pg_text(call->who->sub), pg_time(call->now), pg_time(asked_at), pg_text(subject),
            pg_int(req->limit))));
    if ((int64_t)rep->knocks.len == req->limit) rep->next = place_of(call->arena, &rep->knocks.at[rep->knocks.len - 1]);
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->knocks, subject), &rep->users);
}

static const char FIND[] = "SELECT " KNOCK_COLUMNS " FROM knock k WHERE k.room_id = $1 AND k.subject = subject_form($4)"
                           " AND knock_is_seen(k, $2, $3)";
static const char IS_MEMBER[] = "SELECT FROM member WHERE room_id = $1 AND subject = subject_form($2)";

/* Somebody else has answered, they came in another way, or it is answered twice: it is well if they are what was answered. */
static enum err answer_nobody(struct call *call, const struct knock_answer *req)
{
    int64_t members;

    TRY(pg_run(call->pg, call->arena, IS_MEMBER, PG_ARGS(pg_id(req->room), pg_text(req->subject)), &members));
    if ((members > 0) == req->yes) return OK;
    return req->yes ? call_fail(call, ERR_NOT_FOUND, "they do not ask to be let in")
                    : call_fail(call, ERR_CONFLICT, "they are a member by now");
}

enum err knock_answer(struct call *call, const struct knock_answer *req, struct nothing *rep)
{
    struct knock knock = { .subject = STR_NONE };
    struct room_row row;
    int64_t n;

    (void)rep;
    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_invite));
    enum err e = pg_one(call->pg, call->arena, knock_shape(), &knock, FIND,
        PG_ARGS(pg_id(req->room), pg_text(call->who->sub), pg_time(call->now), pg_text(req->subject)));
    if (e == ERR_NOT_FOUND) return answer_nobody(call, req);
    TRY(e);
    struct str_list one = { arena_copy(call->arena, &knock.subject, sizeof *one.at), 1 };
    if (req->yes) return room_row_add(call, &row, one);
    TRY(knocks_end(call, req->room, one, &n));
    own_tell(call, req->room, OWN_UNASKED, one);
    return OK;
}

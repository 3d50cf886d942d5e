/* names.c - whom a caller names: who is there, and whom they do not block themselves. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

/* The lock keeps an account from being erased until this transaction ends.  Subjects that are no ids are names that a back end gave:
 * there is no account to look for. */
static const char IS_THERE[] =
    "SELECT FROM directory WHERE subject = subject_form($1) AND state = 'active' FOR KEY SHARE";

enum err require_somebody(struct call *call, struct str subject)
{
    struct id user;
    int64_t rows;

    if (!id_parse(subject, &user)) return OK;
    TRY(pg_run(call->pg, call->arena, IS_THERE, PG_ARGS(pg_text(subject)), &rows));
    return rows > 0 ? OK : call_fail(call, ERR_NOT_FOUND, "there is no such user");
}

static const char FIRST_BLOCKED[] = "SELECT name AS subject, 'blocked' AS state FROM unnest($2) AS name"
                                    " WHERE blocks($1, subject_form(name)) LIMIT 1";

enum err require_unblocked(struct call *call, struct str_list subjects)
{
    struct friend first = { .since = 0 };
    enum err e = subjects.len == 0 ? ERR_NOT_FOUND
                                   : pg_one(call->pg, call->arena, friend_shape(), &first, FIRST_BLOCKED,
                                         PG_ARGS(pg_text(call->who->sub), pg_texts(call->arena, subjects)));

    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    return call_fail(call, ERR_CONFLICT, "you block %.*s: unblock them first", STR_ARG(first.subject));
}

/* account_make.c - an account that was not there before. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/users.h"

static const char INSERT_ACCOUNT[] =
    "INSERT INTO account (id, email, email_key, nickname, nickname_key, name, locale, password, policy, "
    "email_verified_at,"
    " created_at, changed_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, name, $10, $11, $11 FROM policy WHERE name = $9";

/* For a while the handle of somebody who has left is nobody's, so that nobody is taken for them. */
static const char RESERVED[] = "SELECT FROM nickname_reserved WHERE (nickname_key = $1 OR skeleton ="
                               " nickname_skeleton_of($2)) AND until > $3";

enum err account_make(
    struct pg *pg, struct arena *arena, const struct account_draft *draft, int64_t now, struct account *out)
{
    struct id id = id_new();
    int64_t rows;

    TRY(pg_run(pg, arena, RESERVED,
        PG_ARGS(pg_text(draft->nickname.key), pg_text(draft->nickname.written), pg_time(now)), &rows));
    if (rows > 0) return ERR_CONFLICT;
    TRY(pg_run(pg, arena, INSERT_ACCOUNT,
        PG_ARGS(pg_id(id), pg_text(draft->email.written), pg_text(draft->email.key), pg_text(draft->nickname.written),
            pg_text(draft->nickname.key), pg_text(draft->name),
            pg_text(draft->locale.len > 0 ? draft->locale : STR("en")), pg_text(draft->password),
            pg_text(draft->policy.len > 0 ? draft->policy : STR("member")), pg_time(draft->is_verified ? now : 0),
            pg_time(now)),
        &rows));
    if (rows == 0) return ERR_GONE; /* a policy that an invitation named, and that was deleted since */
    return account_by_id(pg, arena, id, out);
}

/* account.c - the rows of `account`. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/users/users.h"

static const struct wire_field account_fields[] = {
    ROW_FIELD(struct account, id, ID),
    ROW_FIELD(struct account, email, TEXT),
    ROW_FIELD(struct account, nickname, TEXT),
    ROW_FIELD(struct account, name, TEXT),
    ROW_FIELD(struct account, avatar, TEXT),
    ROW_FIELD(struct account, locale, TEXT),
    ROW_FIELD(struct account, password, TEXT),
    ROW_FIELD(struct account, policy, TEXT),
    ROW_FIELD(struct account, state, TEXT),
    ROW_FIELD(struct account, email_verified_at, TIME),
    ROW_FIELD(struct account, created_at, TIME),
    ROW_END,
};
static const struct wire_shape account_shape = { "account", "", sizeof(struct account), account_fields };

#define ACCOUNT                                                                                                        \
    "SELECT id, email, nickname, name, avatar_of(id, avatar) AS avatar, locale, password, policy, state, "             \
    "email_verified_at, created_at FROM account "

static const char BY_EMAIL[] = ACCOUNT "WHERE email_key = $1";
static const char BY_ID[] = ACCOUNT "WHERE id = $1";

enum err account_by_key(struct pg *pg, struct arena *arena, struct str email_key, struct account *out)
{
    *out = (struct account){ .created_at = 0 };
    return pg_one(pg, arena, &account_shape, out, BY_EMAIL, PG_ARGS(pg_text(email_key)));
}

enum err account_by_email(struct pg *pg, struct arena *arena, struct str typed, struct account *out)
{
    struct email email;
    const char *why;
    enum err e = email_read(pg, arena, typed, &email, &why);

    if (e == ERR_INVALID_ARGUMENT) return ERR_NOT_FOUND;
    TRY(e);
    return account_by_key(pg, arena, email.key, out);
}

enum err account_by_id(struct pg *pg, struct arena *arena, struct id id, struct account *out)
{
    *out = (struct account){ .created_at = 0 };
    return pg_one(pg, arena, &account_shape, out, BY_ID, PG_ARGS(pg_id(id)));
}

bool account_is_active(const struct account *account)
{
    return str_is(account->state, "active");
}

bool account_is_leaving(const struct account *account)
{
    return str_is(account->state, "leaving");
}

struct user account_user(const struct account *account)
{
    return (struct user){ .id = account->id,
        .email = account->email,
        .email_verified = account->email_verified_at != 0,
        .nickname = account->nickname,
        .name = account->name,
        .avatar = account->avatar,
        .locale = account->locale,
        .policy = account->policy,
        .created_at = account->created_at };
}

struct user *account_user_in(struct arena *arena, const struct account *account)
{
    struct user user = account_user(account);

    return arena_copy(arena, &user, sizeof user);
}

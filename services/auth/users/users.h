/*
 * users.h - registered users: what the methods of noun `user` have in common.
 *
 *      user.login     worker: find the account --> BLOCKING thread: compare --> worker: begin a session
 *      user.register  worker: check the names  --> BLOCKING thread: hash    --> worker: make the account
 *
 * A password is hashed on a thread that holds no database connection, and whoever has no account, no password or no leave
 * to sign in costs the same time as a wrong password.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/password.h"
#include "services/auth/auth.h"

/* A row of `account`. */
struct account {
    struct id id;
    struct str email, nickname, name, avatar, locale, password, policy, state; /* email, name, password: may be none */
    int64_t email_verified_at, created_at;
};

/* password_rule.c, all on a BLOCKING thread but the rule.  The error of password_check() says what would be better. */
struct password_rule auth_password_rule(const struct settings_auth *s);
enum err password_check(struct call *call, const struct password *password, struct str email, struct str nickname);
struct str user_password_hash(
    const struct settings_auth *s, struct arena *arena, const struct password *password); /* none: it could not be */

/* email.c: what somebody typed as an e-mail, as it is kept and by what it is unique.  ERR_INVALID_ARGUMENT: it is none, and
 * *why says why not. */
struct email {
    struct str written, key;
};
enum err email_read(
    struct pg *pg, struct arena *arena, struct str typed, struct email *out, const char **why) MUST_CHECK;

/* account.c.  ERR_NOT_FOUND: there is none. */
enum err account_by_email(struct pg *pg, struct arena *arena, struct str typed, struct account *out) MUST_CHECK;
enum err account_by_key(struct pg *pg, struct arena *arena, struct str email_key, struct account *out) MUST_CHECK;
enum err account_by_id(struct pg *pg, struct arena *arena, struct id id, struct account *out) MUST_CHECK;
bool account_is_active(const struct account *account);
struct user account_user(const struct account *account);                          /* as they see themselves */
struct user *account_user_in(struct arena *arena, const struct account *account); /* the same, for a field `user` */

/* nickname.c: the same of a nickname.  What it looks like, by which it is unique, too, the table knows: account_look() in
 * migrations/auth. */
struct nickname {
    struct str written, key;
};
enum err nickname_read(
    struct pg *pg, struct arena *arena, struct str typed, struct nickname *out, const char **why) MUST_CHECK;

/* account_make.c.  ERR_CONFLICT: the e-mail or the nickname is somebody's; ERR_GONE: there is no such policy. */
struct account_draft {
    struct email email;
    struct nickname nickname;
    struct str name, locale, password, policy; /* none: no name, en, no password, what users have */
    bool is_verified;
};
enum err account_make(
    struct pg *pg, struct arena *arena, const struct account_draft *draft, int64_t now, struct account *out) MUST_CHECK;

/* account_prove.c: who has the mailbox has just shown it.  If nobody had before, whoever registered may have been another:
 * their sessions end, and so does their password, unless the mailbox' owner has just set it.  *account is as it is then. */
enum err account_prove_email(struct call *call, struct account *account, bool keeps_password) MUST_CHECK;

/* user_leave.c: unusable at once, erased in 14 days.  ERR_NOT_FOUND: it is not active. */
enum err account_leave(struct call *call, struct id account, int64_t *delete_at) MUST_CHECK;

/* A way in is proved: who returns takes back that it is about to be deleted.  *account is as it is then.  ERR_CREDENTIALS_INVALID: it
 * may not be signed in to, or is not about to be deleted; ERR_ACCOUNT_LEAVING: it is, and that is not taken back. */
enum err account_take_back(struct call *call, struct account *account) MUST_CHECK;
enum err account_admit(struct call *call, struct account *account, bool returns) MUST_CHECK;
bool account_is_leaving(const struct account *account);

/* account_ways_in.c: after one was taken away, in the transaction of that, with the account locked.  ERR_LAST_WAY_IN: none of
 * password, mail, passkey and provider is left. */
enum err account_keeps_way_in(struct call *call, struct id account) MUST_CHECK;

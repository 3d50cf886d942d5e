/* user_leave.c - an account ends by its user's wish: unusable at once, to be had back for 14 days, then erased. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/factors/factors.h"
#include "services/auth/mail/mail.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/users/revoke.h"
#include "services/auth/users/users.h"

#define LEAVING_MS  (INT64_C(14) * 86400000)
#define RESERVED_MS (INT64_C(90) * 86400000)

static const char LEAVE[] = "UPDATE account SET state = 'leaving', delete_at = $2, changed_at = $3 WHERE id = $1 AND"
                            " state = 'active'";

enum err account_leave(struct call *call, struct id account, int64_t *delete_at)
{
    int64_t rows;

    *delete_at = call->now + LEAVING_MS;
    TRY(pg_run(call->pg, call->arena, LEAVE, PG_ARGS(pg_id(account), pg_time(*delete_at), pg_time(call->now)), &rows));
    if (rows == 0) return ERR_NOT_FOUND;
    TRY(account_revoke(call, account, REVOKE_deleted));
    trust_changed(call);
    return mail_tell(call, MAIL_deletion_begun, account);
}

enum err user_leave(struct call *call, const struct nothing *req, struct user_leaving *rep)
{
    struct id account;

    (void)req;
    TRY(factor_check_recent(call, &account));
    return account_leave(call, account, &rep->delete_at);
}

/* --- it is had back: by any way to sign in, or by the link of a mail --- */

static const char UNDELETE[] =
    "UPDATE account SET state = 'active', delete_at = NULL, changed_at = $2 WHERE id = $1 AND"
    " state = 'leaving' AND delete_at > $2";

enum err account_take_back(struct call *call, struct account *account)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, UNDELETE, PG_ARGS(pg_id(account->id), pg_time(call->now)), &rows));
    if (rows == 0) return ERR_CREDENTIALS_INVALID;
    TRY(account_by_id(call->pg, call->arena, account->id, account));
    TRY(single_use_end(call->pg, call->arena, &single_use_undelete, account->id));
    return mail_tell(call, MAIL_deletion_undone, account->id);
}

enum err account_admit(struct call *call, struct account *account, bool returns)
{
    if (returns) return account_take_back(call, account);
    if (account_is_leaving(account)) return ERR_ACCOUNT_LEAVING;
    return account_is_active(account) ? OK : ERR_CREDENTIALS_INVALID;
}

enum err user_undelete(struct call *call, const struct link_proof *req, struct nothing *rep)
{
    struct nothing none;
    struct id account;
    int64_t rows;

    (void)rep;
    TRY(single_use_take(call->pg, call->arena, &single_use_undelete, req->token, &account, &none));
    TRY(pg_run(call->pg, call->arena, UNDELETE, PG_ARGS(pg_id(account), pg_time(call->now)), &rows));
    return rows == 1 ? mail_tell(call, MAIL_deletion_undone, account) : ERR_GONE;
}

/* --- it is erased --- */

#define COUNTED(what, rows) "jsonb_build_object('what', '" what "', 'rows', " rows ")"
#define OF(table)           "(SELECT count(*) FROM " table " t WHERE t.account_id = due.id)"

/* Sessions, factors, secrets and identities go with the row.  A page at a time: what is left comes with the next. */
static const char ERASE[] =
    "WITH due AS (SELECT id, nickname_key, nickname_skeleton, delete_at FROM account WHERE state = 'leaving' AND "
    "delete_at <= $1"
    " ORDER BY delete_at LIMIT 1000 FOR UPDATE SKIP LOCKED),"
    " kept AS (INSERT INTO nickname_reserved (nickname_key, until, skeleton) SELECT nickname_key, $2, "
    "nickname_skeleton FROM due ON CONFLICT (nickname_key) DO UPDATE SET "
    "until = $2),"
    " noted AS (INSERT INTO account_erased SELECT id, delete_at - interval '14 days', $1 FROM due),"
    " said AS (INSERT INTO erasure SELECT id, 'auth', $1, jsonb_build_array(" COUNTED("accounts", "1") ", " COUNTED(
        "sessions", OF("session")) ", " COUNTED("identities", OF("identity")) ", " COUNTED("factors",
        OF("factor")) ") FROM due)"
                      " DELETE FROM account USING due WHERE account.id = due.id";
/* Mails that nobody took have an address in them. */
static const char FORGET_MAILS[] =
    "DELETE FROM job WHERE kind = 'mail.send' AND dead_at IS NOT NULL AND EXISTS (SELECT FROM"
    " account WHERE state = 'leaving' AND delete_at <= $1 AND position(convert_to(email,"
    " 'UTF8') IN payload) > 0)";
static const char FREE_NICKNAMES[] = "DELETE FROM nickname_reserved WHERE until <= $1";

enum err account_erase(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t rows;

    (void)job, (void)payload;
    TRY(pg_run(call->pg, call->arena, FORGET_MAILS, PG_ARGS(pg_time(call->now)), NULL));
    TRY(pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_time(call->now), pg_time(call->now + RESERVED_MS)), &rows));
    call_note(call, F_INT("accounts", rows));
    return pg_run(call->pg, call->arena, FREE_NICKNAMES, PG_ARGS(pg_time(call->now)), NULL);
}

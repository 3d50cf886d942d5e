/* factor_own.c - one's own factors: listed and removed. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/factors/factors.h"
#include "services/auth/mail/mail.h"
#include "services/auth/users/revoke.h"

#define RECENT_MS 600000

/* --- whose session is it? --- */

struct own {
    struct id account_id;
    int64_t authenticated_at;
};
static const struct wire_field own_fields[] = {
    ROW_FIELD(struct own, account_id, ID),
    ROW_FIELD(struct own, authenticated_at, TIME),
    ROW_END,
};
static const struct wire_shape own_shape = { "own", "", sizeof(struct own), own_fields };

static const char OWN[] =
    "SELECT account_id, authenticated_at FROM session WHERE id = $1 AND account_id = $2 AND NOT pending";

static enum err find_own(struct call *call, struct own *own)
{
    struct id session, account;

    if (call->who->key.len > 0 || !id_parse(call->who->session, &session) || !id_parse(call->who->sub, &account))
        return ERR_NOT_FOUND;
    return pg_one(call->pg, call->arena, &own_shape, own, OWN, PG_ARGS(pg_id(session), pg_id(account)));
}

enum err factor_check_recent(struct call *call, struct id *account)
{
    struct own own;

    TRY(find_own(call, &own));
    *account = own.account_id;
    return call->now - own.authenticated_at <= RECENT_MS ? OK : ERR_PROOF_REQUIRED;
}

/* --- the list --- */

static const char LIST[] = "SELECT id, kind, name, created_at, last_used_at FROM factor WHERE account_id = $1"
                           " AND confirmed_at IS NOT NULL ORDER BY created_at, id";

static const struct wire_field left_fields[] = { ROW_FIELD(struct factor_page, recovery_codes, INT), ROW_END };
static const struct wire_shape left_shape = { "left", "", sizeof(struct factor_page), left_fields };

static const char LEFT[] = "SELECT count(*) AS recovery_codes FROM recovery_code WHERE account_id = $1";

enum err factor_list(struct call *call, const struct nothing *req, struct factor_page *rep)
{
    struct own own;

    (void)req;
    TRY(find_own(call, &own));
    TRY(pg_one(call->pg, call->arena, &left_shape, rep, LEFT, PG_ARGS(pg_id(own.account_id))));
    return pg_all(
        call->pg, call->arena, factor_shape(), &rep->factors, 1 + PASSKEYS_MAX, LIST, PG_ARGS(pg_id(own.account_id)));
}

/* --- one more, or one less --- */

enum err factor_note_change(struct call *call, struct id account, bool added)
{
    TRY(account_revoke(call, account, REVOKE_factor_changed));
    return mail_tell(call, added ? MAIL_factor_added : MAIL_factor_removed, account);
}

static const char LOCK_ACCOUNT[] = "SELECT FROM account WHERE id = $1 FOR UPDATE";
static const char REMOVE[] = "DELETE FROM factor WHERE id = $1 AND account_id = $2";
static const char FORGET_CODES[] = "DELETE FROM recovery_code WHERE account_id = $1 AND NOT EXISTS (SELECT FROM factor"
                                   " WHERE account_id = $1 AND kind = 'totp')";

enum err factor_remove(struct call *call, const struct factor_ref *req, struct nothing *rep)
{
    struct id account;
    int64_t rows;

    (void)rep;
    TRY(factor_check_recent(call, &account));
    TRY(pg_run(call->pg, call->arena, LOCK_ACCOUNT, PG_ARGS(pg_id(account)), NULL));
    TRY(pg_run(call->pg, call->arena, REMOVE, PG_ARGS(pg_id(req->factor), pg_id(account)), &rows));
    if (rows == 0) return ERR_NOT_FOUND;
    TRY(account_keeps_way_in(call, account));
    TRY(pg_run(call->pg, call->arena, FORGET_CODES, PG_ARGS(pg_id(account)), NULL));
    return factor_note_change(call, account, false);
}

/* account_prove.c - an account whose address was not proved meets who has the mailbox. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/revoke.h"
#include "services/auth/users/users.h"

/* A stranger may have registered the account, and know its password and have its sessions: these end with the proof. */
static const char PROVE[] = "UPDATE account SET email_verified_at = $2, changed_at = $2,"
                            " password = CASE WHEN $3 THEN NULL ELSE password END WHERE id = $1";

enum err account_prove_email(struct call *call, struct account *account, bool keeps_password)
{
    if (account->email_verified_at != 0) return OK;
    TRY(pg_run(
        call->pg, call->arena, PROVE, PG_ARGS(pg_id(account->id), pg_time(call->now), pg_bool(!keeps_password)), NULL));
    TRY(account_revoke(call, account->id, REVOKE_taken_over));
    return account_by_id(call->pg, call->arena, account->id, account);
}

/* user_export.c - all that this service knows of a user, for that user. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/factors/factors.h"
#include "services/auth/users/users.h"

#define ATTEMPTS_MAX 1000 /* proto/auth.def: user_export.attempts */

enum err user_export(struct call *call, const struct nothing *req, struct user_export *rep)
{
    struct attempt_own_query query = { .limit = ATTEMPTS_MAX };
    struct attempt_page attempts = { .meta = NULL };
    struct session_page sessions = { { NULL, 0 } };
    struct factor_page factors = { .recovery_codes = 0 };
    struct identity_page identities = { { NULL, 0 } };
    struct account account;
    struct id id;

    TRY(factor_check_recent(call, &id));
    TRY(account_by_id(call->pg, call->arena, id, &account));
    rep->user = account_user_in(call->arena, &account);
    TRY(session_list(call, req, &sessions));
    TRY(factor_list(call, req, &factors));
    TRY(attempt_mine(call, &query, &attempts));
    TRY(identity_list(call, req, &identities));
    rep->identities = identities.identities;
    rep->sessions = sessions.sessions;
    rep->factors = factors.factors;
    rep->attempts = attempts.attempts;
    return OK;
}

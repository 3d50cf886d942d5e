/* revoke.h - what happens to an account, and what dies of it: the rows of revocations.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/auth.h"

enum revocation {
#define REVOCATION(what, ...) REVOKE_##what,
#include "services/auth/users/revocations.def"
#undef REVOCATION
    REVOCATIONS
};

/* On a worker, in the transaction of what happened, with a call of this worker's.  The session that asks is the call's, if it
 * is one of the account's.  Gateways hear of it after the commit. */
enum err account_revoke(struct call *call, struct id account, enum revocation why) MUST_CHECK;

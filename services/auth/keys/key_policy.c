/* key_policy.c - the policy that a key is given. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/keys/keys.h"

/* Held until the key has it: meanwhile nobody deletes it. */
static const char HOLD_POLICY[] = "SELECT FROM policy WHERE name = $1 FOR KEY SHARE";

enum err key_check_policy(struct call *call, struct str policy)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, HOLD_POLICY, PG_ARGS(pg_text(policy)), &rows));
    return rows > 0 ? OK : call_fail(call, ERR_INVALID_ARGUMENT, "policy: there is no policy %.*s", STR_ARG(policy));
}

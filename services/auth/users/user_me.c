/* user_me.c - who asks. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/users.h"

/* Names that back ends give have no account. */
enum err user_me(struct call *call, const struct nothing *req, struct user *rep)
{
    struct account account;
    struct id id;

    (void)req;
    if (!id_parse(call->who->sub, &id)) return ERR_NOT_FOUND;
    TRY(account_by_id(call->pg, call->arena, id, &account));
    *rep = account_user(&account);
    return OK;
}

/* sign_in.c - the end of every way in: a session, and a device that is known from now on. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/mail/mail.h"
#include "services/auth/sessions/sessions.h"

struct budget_try sign_in_try(const struct call *call, struct id account, struct str device)
{
    return (struct budget_try){
        .account = id_text(call->arena, account), .address = call->who->address, .device = device, .now = call->now
    };
}

enum err sign_in_device(struct call *call, struct id account, struct budget_try *who, struct str *token)
{
    TRY(budget_clear(call->pg, call->arena, who, token));
    return who->is_new ? mail_tell(call, MAIL_new_device, account) : OK;
}

enum err sign_in(struct call *call, const struct account *account, const char *method, struct budget_try *who,
    struct str replaces, struct session_tokens *rep)
{
    struct str methods = str_of(method);

    TRY(session_begin(call->pg, call->arena, call, account, (struct str_list){ &methods, 1 }, rep));
    if (rep->pending.len > 0) return budget_return(call->pg, call->arena, who);
    TRY(session_replace(call, replaces));
    return sign_in_device(call, account->id, who, &rep->device_token);
}

/* limit_list.c - the rates and quotas that are others than their rows say. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

enum err limit_list(struct call *call, const struct limit_query *req, struct limit_page *rep)
{
    TRY(subject_spell(call, req->subject, &rep->subject));
    return limits_load(call->pg, call->arena, &rep->limits);
}

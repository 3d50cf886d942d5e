/* audit_tell.c - auth hears of what an operator did; a job. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/operator/operator.h"

void audit_tell(struct call *call, const struct job *job, const struct audit_deed *payload, struct job_run *run)
{
    (void)job;
    deed_tell(directory_auth(((struct chat *)call->context)->directory), call, payload, run);
}

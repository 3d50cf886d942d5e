/* auth_tell.c - what auth is told by jobs: a request, which is made again until it is answered. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/jobs/deeds.h"
#include "libshared/rpc/rpc_client.h"
#include "services/share/share.h"

#define BODY_BYTES 16384 /* of what is told, by the bounds of its fields */

static void on_told(void *run, enum err status, struct str body)
{
    (void)body;
    job_done(run, status);
}

static void tell_auth(
    struct call *call, const char *method, const struct wire_shape *shape, const void *record, struct job_run *run)
{
    const struct share *share = call->context;
    struct buf body = BUF(BODY_BYTES);
    enum err e = wire_encode(shape, record, &body);

    assert(e == OK); /* within its bounds */
    rpc_client_call(directory_auth(share->directory),
        &(struct rpc_request){ .method = method, .safe = true, .trace = call->trace, .body = buf_str(&body) }, on_told,
        run);
    buf_free(&body);
}

void takedown_tell(struct call *call, const struct job *job, const struct takedown_notice *payload, struct job_run *run)
{
    (void)job;
    tell_auth(call, "takedown.tell", takedown_notice_shape(), payload, run);
}

void audit_tell(struct call *call, const struct job *job, const struct audit_deed *payload, struct job_run *run)
{
    (void)job;
    deed_tell(directory_auth(((struct share *)call->context)->directory), call, payload, run);
}

void alert_tell(struct call *call, const struct job *job, const struct alert_news *payload, struct job_run *run)
{
    (void)job;
    tell_auth(call, "alert.report", alert_news_shape(), payload, run);
}

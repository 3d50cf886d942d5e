/* alert_expire.c - old alerts, notices that are over, networks where no key was used for long; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define ROWS_AT_ONCE 5000

static const char FORGET_ALERTS[] =
    "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE at < now() - $1::bigint * interval '1 day'"
    " AND open_until < now() ORDER BY at LIMIT $2)";
static const char FORGET_NOTICES[] = "DELETE FROM notice WHERE until < now()";
static const char FORGET_NETWORKS[] =
    "DELETE FROM key_network WHERE (key, network) IN (SELECT key, network FROM key_network WHERE last_at < now() -"
    " interval '90 days' ORDER BY last_at LIMIT $1)";

enum err alert_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t alerts, networks;

    TRY(pg_run(call->pg, call->arena, FORGET_ALERTS,
        PG_ARGS(pg_int(auth_settings(call)->alert_days), pg_int(ROWS_AT_ONCE)), &alerts));
    TRY(pg_run(call->pg, call->arena, FORGET_NOTICES, PG_NO_ARGS, NULL));
    TRY(pg_run(call->pg, call->arena, FORGET_NETWORKS, PG_ARGS(pg_int(ROWS_AT_ONCE)), &networks));
    call_note(call, F_INT("rows", alerts + networks));
    bool is_more = alerts == ROWS_AT_ONCE || networks == ROWS_AT_ONCE;
    return is_more ? job_put(call, &alert_expire_job, job->key, payload, 0) : OK;
}

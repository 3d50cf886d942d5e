/* alert_expire.c - old alerts, notices that are over, networks where no key was used for long; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

static const char FORGET_ALERTS[] =
    "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE at < now() - $2::bigint * interval '1 day'"
    " AND open_until < now() ORDER BY at LIMIT $1)";
static const char FORGET_NOTICES[] = "DELETE FROM notice WHERE until < now()";
static const char FORGET_NETWORKS[] =
    "DELETE FROM key_network WHERE (key, network) IN (SELECT key, network FROM key_network WHERE last_at < now() -"
    " interval '90 days' ORDER BY last_at LIMIT $1)";

enum err alert_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    TRY(job_remove_rows(call, job, "alerts", FORGET_ALERTS, PG_ARGS(pg_int(auth_settings(call)->alert_days))));
    TRY(pg_run(call->pg, call->arena, FORGET_NOTICES, PG_NO_ARGS, NULL));
    return job_remove_rows(call, job, "networks", FORGET_NETWORKS, PG_NO_ARGS);
}

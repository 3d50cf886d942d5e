/* alert_tell.c - an alert goes into the log and to the webhook; if it has come more often, gateways are told.  A job. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "services/auth/auth.h"

/* What was counted meanwhile is told with it, and gateways hear of that by the trigger. */
static const char MARK_TOLD[] = "UPDATE alert SET told = times WHERE id = $1 AND told <> times";
static const char READ_ALERT[] =
    "SELECT id, kind, nullif(address, '') AS address, nullif(subject, '') AS subject, nullif(key, '') AS key,"
    " nullif(detail, '') AS detail, at, last_at, told AS times, over_at FROM alert WHERE id = $1";

static void log_alert(const struct alert *alert)
{
    LOG(WARN, "auth.alert", F_STR("kind", alert->kind), F_STR("address", alert->address),
        F_STR("subject", alert->subject), F_STR("key", alert->key), F_STR("detail", alert->detail),
        F_INT("times", alert->times), F_BOOL("over", alert->over_at != 0), F_ID("alert", alert->id));
}

static enum err read_alert(
    struct pg *pg, struct arena *arena, const struct job *job, const void *payload, struct webhook_message *out)
{
    const struct alert_ref *ref = payload;
    struct alert *alert = arena_zero(arena, sizeof *alert);

    TRY(pg_run(pg, arena, MARK_TOLD, PG_ARGS(pg_id(ref->alert)), NULL));
    enum err e = pg_one(pg, arena, alert_shape(), alert, READ_ALERT, PG_ARGS(pg_id(ref->alert)));
    if (e == ERR_NOT_FOUND) return OK; /* it was forgotten */
    TRY(e);
    if (job->attempt == 1) log_alert(alert);
    struct str type = arena_printf(arena, "alert.%.*s", STR_ARG(alert->kind));
    *out = (struct webhook_message){ type, alert->last_at, alert_shape(), alert };
    return OK;
}

void alert_tell(struct call *call, const struct job *job, const struct alert_ref *ref, struct job_run *run)
{
    webhook_tell(call, job, run, WEBHOOK_alert, read_alert, ref);
}

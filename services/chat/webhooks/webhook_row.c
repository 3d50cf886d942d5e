/* webhook_row.c - what the others of this folder have in common. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/rpc/room_rights.h"
#include "services/chat/webhooks/webhooks.h"

const struct sealed_column webhook_secret_column = SEALED_COLUMN("chat", webhook, id, secret);
const struct sealed_column webhook_former_column = SEALED_COLUMN("chat", webhook, id, former);

struct str_list webhook_roles(struct arena *arena)
{
    struct str_list roles = { arena_alloc(arena, ROLES_END * sizeof *roles.at), 0 };

    for (enum role role = ROLE_none + 1; role < ROLES_END; role++)
        if (room_role_may(role, MAY_webhook)) roles.at[roles.len++] = room_role_name(role);
    return roles;
}

struct str webhook_teller(struct arena *arena, struct id id)
{
    return arena_printf(arena, "server:webhook:%.*s", STR_ARG(id_text(arena, id)));
}

bool webhook_is_type(struct str type)
{
    static const char *const types[] = {
/* clang-format off */
#define WEBHOOK_EVENT(kind, type, data, doc) type,
#include "proto/begin.def"
#include "proto/webhooks.def"
#include "proto/end.def"
        /* clang-format on */
    };

    for (size_t i = 0; i < COUNT(types); i++)
        if (str_is(type, types[i])) return true;
    return false;
}

enum err webhook_wake(struct call *call, struct id room, struct id webhook, int64_t at)
{
    const struct webhook_ref ref = { room, webhook };
    enum err e = job_put(call, &webhook_send_job, id_text(call->arena, webhook), &ref, at);

    return e == ERR_OVERLOADED ? OK : e;
}

static const char GIVE_UP[] =
    "UPDATE webhook_delivery SET state = 'dead', ended_at = now() WHERE webhook_id = $1 AND state = 'waiting'";

enum err webhook_give_up(struct call *call, struct id webhook)
{
    return pg_run(call->pg, call->arena, GIVE_UP, PG_ARGS(pg_id(webhook)), NULL);
}

static const char ERASE[] = "DELETE FROM webhook WHERE id IN (SELECT id FROM webhook WHERE made_by = $1 LIMIT $2)";
static const char ERASE_NAMED[] = "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery"
                                  " WHERE subjects @> ARRAY[$1::text] LIMIT $2)";

enum err webhooks_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n)
{
    int64_t named;

    TRY(pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_text(subject), pg_int(most)), n));
    TRY(pg_run(call->pg, call->arena, ERASE_NAMED, PG_ARGS(pg_text(subject), pg_int(most)), &named));
    *n += named;
    return OK;
}

/* --- what is kept no longer, and what nobody has put a job for --- */

#define SWEPT_AT_ONCE 500
#define ROWS_AT_ONCE  1000

static const char OLD_DELIVERIES[] =
    "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery WHERE made_at < now() - $1::bigint *"
    " interval '1 day' LIMIT $2)";
/* A room that keeps what was said for fewer days has it here no longer either. */
static const char OLD_IN_ROOM[] =
    "DELETE FROM webhook_delivery WHERE id IN (SELECT d.id FROM webhook w JOIN room r ON r.id = w.room_id JOIN"
    " webhook_delivery d ON d.webhook_id = w.id WHERE r.kept_days < $1::bigint"
    " AND d.made_at < now() - r.kept_days * interval '1 day' LIMIT $2)";
static const char OLD_ATTEMPTS[] =
    "DELETE FROM webhook_attempt WHERE (webhook_id, nth) IN (SELECT webhook_id, nth FROM webhook_attempt"
    " WHERE at < now() - $1::bigint * interval '1 day' LIMIT $2)";
static const char WITHOUT_JOB[] =
    "SELECT w.room_id AS room, w.id AS webhook FROM webhook w WHERE coalesce(w.held_until, now()) <= now() AND EXISTS"
    " (SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'waiting' AND d.due_at <= now()) AND"
    " NOT EXISTS (SELECT FROM job j WHERE j.kind = 'webhook.send' AND j.key = w.id::text AND j.dead_at IS NULL)"
    " ORDER BY w.id LIMIT $1";

enum err webhook_sweep(struct call *call, const struct job *job, const struct nothing *payload)
{
    const struct pg_args *old = PG_ARGS(pg_int(chat_settings(call)->webhook_days), pg_int(ROWS_AT_ONCE));
    struct webhook_ref_list late;
    int64_t deliveries, in_rooms, attempts;

    (void)payload;
    TRY(pg_run(call->pg, call->arena, OLD_DELIVERIES, old, &deliveries));
    TRY(pg_run(call->pg, call->arena, OLD_IN_ROOM, old, &in_rooms));
    TRY(pg_run(call->pg, call->arena, OLD_ATTEMPTS, old, &attempts));
    TRY(pg_all(
        call->pg, call->arena, webhook_ref_shape(), &late, SWEPT_AT_ONCE, WITHOUT_JOB, PG_ARGS(pg_int(SWEPT_AT_ONCE))));
    for (size_t i = 0; i < late.len; i++) TRY(webhook_wake(call, late.at[i].room, late.at[i].webhook, 0));
    call_note(call, F_INT("deliveries", deliveries + in_rooms));
    call_note(call, F_INT("attempts", attempts));
    call_note(call, F_INT("late", (int64_t)late.len));
    bool is_full = deliveries == ROWS_AT_ONCE || in_rooms == ROWS_AT_ONCE || attempts == ROWS_AT_ONCE;
    return is_full ? job_put(call, job->kind, job->key, payload, 0) : OK;
}

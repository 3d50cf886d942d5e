/* push_put.c - notifications wait for a socket to take them.  See push.h. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/push/push_private.h"

static const struct wire_field due_lane_fields[] = {
    ROW_FIELD(struct due_lane, lane, INT),
    ROW_FIELD(struct due_lane, at, TIME),
    ROW_END,
};
const struct wire_shape due_lane_shape = { "due_lane", "", sizeof(struct due_lane), due_lane_fields };

static const char *const end_names[PUSH_ENDS] = {
#define END(name) #name,
    PUSH_EACH_END(END)
#undef END
};

const char *push_end_name(enum push_end end)
{
    return end_names[end];
}

struct push *push_create(const struct settings_chat *settings)
{
    struct push *push = mem_zero(sizeof *push);
    char label[32];

    push->receiver =
        webhook_receiver_create("MADANG_CHAT_PUSH_WEBHOOK", settings->push_webhook, settings->push_webhook_secret);
    for (size_t i = 0; i < PUSH_ENDS; i++) {
        snprintf(label, sizeof label, "end=\"%s\"", end_names[i]);
        push->ends[i] =
            metric_counter("madang_chat_pushes_total", label, "Notifications that waited to be posted, by their end");
    }
    push->failed = metric_counter("madang_chat_push_failures_total", NULL, "Attempts to post one that failed");
    return push;
}

void push_destroy(struct push **at)
{
    if (*at == NULL) return;
    webhook_receiver_destroy(&(*at)->receiver);
    mem_free(*at);
    *at = NULL;
}

/* One that waits is as early as it was, as somebody who writes on and on would put it off for ever; unless a socket took what it was before. */
static const char PUT[] =
    "WITH put AS (INSERT INTO push AS p (subject, notification, lane, made, due_at) SELECT n.subject, n.id,"
    "  hashtext(n.subject) & 7, n.made, now() + $3::bigint * interval '1 second' FROM unnest($1::text[], $2::bigint[])"
    "  AS t (subject, version) JOIN notification n ON n.subject = t.subject AND n.version = t.version"
    "  WHERE n.read_at IS NULL ORDER BY n.subject, n.id ON CONFLICT (subject, notification) DO UPDATE SET"
    "  made = excluded.made, put_at = now(), attempts = 0, due_at = CASE WHEN (SELECT h.heard >= p.made FROM"
    "   notification_head h WHERE h.subject = p.subject) THEN excluded.due_at ELSE least(p.due_at, excluded.due_at) END"
    "  RETURNING lane, due_at)"
    " SELECT lane, min(due_at) AS at FROM put GROUP BY lane ORDER BY lane";

enum err push_put(struct call *call, struct notification_mark_list told)
{
    const struct chat *chat = call->context;
    struct arena *arena = call->arena;
    struct due_lane_list due;

    if (chat->push->receiver == NULL) return OK;
    TRY(pg_all(call->pg, arena, &due_lane_shape, &due, PUSH_LANES, PUT,
        PG_ARGS(pg_texts(arena, TEXTS_OF(arena, told, subject)), pg_ints(arena, INTS_OF(arena, told, version)),
            pg_int(chat->settings->push_after_s))));
    for (size_t i = 0; i < due.len; i++) TRY(push_wake(call, due.at[i].lane, due.at[i].at));
    return OK;
}

enum err push_wake(struct call *call, int64_t lane, int64_t at)
{
    const struct push_lane payload = { lane };

    return job_put(call, &push_send_job, arena_printf(call->arena, "%lld", (long long)lane), &payload, at);
}

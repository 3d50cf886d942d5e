/* push_put.c - notifications wait for a socket to take them.  See push.h. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/push/push_private.h"

#define LANES "8" /* PUSH_LANES */

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

static _Noreturn void refuse_settings(const char *what)
{
    fprintf(stderr, "madang: MADANG_CHAT_PUSH_%s\n", what);
    exit(2);
}

/* Names alone, and a contact that stands in a signed text as it is. */
static void check_settings(const struct push *push)
{
    struct str contact = push->contact;
    bool is_contact = str_starts(contact, STR("mailto:")) || str_starts(contact, STR("https://")) ||
                      str_starts(contact, STR("http://"));

    for (size_t i = 0; i < push->services.len; i++)
        if (strchr("/:@", push->services.at[i]) != NULL)
            refuse_settings("SERVICES: wants names of hosts, separated by commas");
    for (size_t i = 0; i < contact.len; i++)
        if (contact.at[i] <= ' ' || contact.at[i] > '~' || strchr("\"\\", contact.at[i]) != NULL) is_contact = false;
    if (!is_contact) refuse_settings("CONTACT: wants mailto:address or https://page");
}

static void make_counters(struct push *push, enum push_to to, const char *name, const char *doc)
{
    char label[32];

    for (size_t i = 0; i < PUSH_ENDS; i++) {
        snprintf(label, sizeof label, "end=\"%s\"", end_names[i]);
        push->ends[to][i] = metric_counter(name, label, doc);
    }
}

struct push *push_create(const struct settings_chat *settings, const char *public_url)
{
    struct push *push = mem_zero(sizeof *push);

    push->receiver =
        webhook_receiver_create("MADANG_CHAT_PUSH_WEBHOOK", settings->push_webhook, settings->push_webhook_secret);
    push->services = str_of(settings->push_services);
    push->contact = str_of(settings->push_contact[0] != '\0' ? settings->push_contact : public_url);
    check_settings(push);
    make_counters(push, TO_WEBHOOK, "madang_chat_pushes_total", "Notifications that waited to be posted, by their end");
    make_counters(push, TO_BROWSERS, "madang_chat_web_pushes_total",
        "Notifications that waited to be posted to a browser, by their end");
    push->failed[TO_WEBHOOK] =
        metric_counter("madang_chat_push_failures_total", NULL, "Attempts to post one that failed");
    push->failed[TO_BROWSERS] =
        metric_counter("madang_chat_web_push_failures_total", NULL, "Attempts to post one to a browser that failed");
    return push;
}

void push_destroy(struct push **at)
{
    if (*at == NULL) return;
    webhook_receiver_destroy(&(*at)->receiver);
    mem_free(*at);
    *at = NULL;
}

/* One that waits is as early as it was, as somebody who writes on and on would put it off for ever; unless a socket took what it was before.
 * A browser that goes at this moment is waited for, and none then. */
static const char PUT[] =
    "WITH browsers AS MATERIALIZED (SELECT s.id, s.subject FROM push_subscription s WHERE $5 AND s.subject = ANY"
    "  ($1::text[]) ORDER BY s.subject, s.id FOR KEY SHARE),"
    " receivers AS (SELECT subject, NULL::uuid AS id, 0 AS lanes FROM unnest($1::text[]) AS t (subject) WHERE $4 GROUP"
    "  BY subject UNION ALL SELECT subject, id, " LANES " FROM browsers),"
    " put AS (INSERT INTO push AS p (subject, notification, subscription, lane, made, due_at) SELECT n.subject, n.id,"
    "  r.id, r.lanes + (hashtext(n.subject) & 7), n.made, now() + $3::bigint * interval '1 second' FROM"
    "  unnest($1::text[], $2::bigint[]) AS t (subject, version) JOIN notification n ON n.subject = t.subject AND"
    "  n.version = t.version JOIN receivers r ON r.subject = n.subject WHERE n.read_at IS NULL ORDER BY n.subject, "
    "n.id,"
    "  r.id ON CONFLICT (subject, notification, subscription) DO UPDATE SET"
    "  made = excluded.made, put_at = now(), attempts = 0, due_at = CASE WHEN (SELECT h.heard >= p.made FROM"
    "   notification_head h WHERE h.subject = p.subject) THEN excluded.due_at ELSE least(p.due_at, excluded.due_at) END"
    "  RETURNING lane, due_at)"
    " SELECT lane, min(due_at) AS at FROM put GROUP BY lane ORDER BY lane";

enum err push_put(struct call *call, struct notification_mark_list told)
{
    const struct push *push = push_of(call);
    struct arena *arena = call->arena;
    struct due_lane_list due;

    if (push->receiver == NULL && push->services.len == 0) return OK;
    TRY(pg_all(call->pg, arena, &due_lane_shape, &due, PUSH_TO * PUSH_LANES, PUT,
        PG_ARGS(pg_texts(arena, TEXTS_OF(arena, told, subject)), pg_ints(arena, INTS_OF(arena, told, version)),
            pg_int(chat_settings(call)->push_after_s), pg_bool(push->receiver != NULL),
            pg_bool(push->services.len > 0))));
    for (size_t i = 0; i < due.len; i++) TRY(push_wake(call, due.at[i].lane, due.at[i].at));
    return OK;
}

enum err push_wake(struct call *call, int64_t lane, int64_t at)
{
    const struct push_lane payload = { lane };

    return job_put(call, &push_send_job, arena_printf(call->arena, "%lld", (long long)lane), &payload, at);
}

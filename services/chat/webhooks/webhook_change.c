/* webhook_change.c - webhooks are made, changed, given another secret, and ended, by whoever has the right. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/plain_text.h"
#include "libshared/base/secret.h"
#include "libshared/base/url.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/fetch/webhook.h"
#include "libshared/wire/columns.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/operator/operator.h"
#include "services/chat/webhooks/webhooks.h"

#define WEBHOOKS_MAX 100   /* of a room; proto/chat.def: webhook_page.webhooks */
#define COUNTED_MAX  10000 /* proto/chat.def: room_webhook.waiting */

#define COUNT_OF(state)                                                                                                \
    "(SELECT count(*) FROM (SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = '" state            \
    "' LIMIT $3) n)"
/* clang-format off */
/* With the roles as $2. */
#define COLUMNS                                                                                                        \
    "w.id, w.room_id AS room, w.url, w.events, w.made_by, w.made_at, w.paused, CASE WHEN w.off IS NOT NULL THEN w.off" \
    " WHEN NOT " WEBHOOK_MAY("$2") " THEN 'forbidden' END AS off, w.off_at, w.failing_since, CASE WHEN w.held_until >" \
    " now() THEN w.held_until END AS held_until, CASE WHEN w.former_until > now() THEN w.former_until END AS"          \
    " former_until, " COUNT_OF("waiting") " AS waiting, " COUNT_OF("dead") " AS dead"
/* clang-format on */

static const char ONE[] = "SELECT " COLUMNS " FROM webhook w WHERE w.id = $1";
static const char LIST[] = "SELECT " COLUMNS " FROM webhook w WHERE w.room_id = $1 ORDER BY w.made_at, w.id";

static enum err get_webhook(struct call *call, struct id id, struct room_webhook *out)
{
    return pg_one(call->pg, call->arena, room_webhook_shape(), out, ONE,
        PG_ARGS(pg_id(id), pg_texts(call->arena, webhook_roles(call->arena)), pg_int(COUNTED_MAX)));
}

static enum err require_url(struct call *call, struct str url)
{
    char origin[URL_ORIGIN_MAX];

    if (!url_origin(url, origin) || !text_is_plain(url) || memchr(url.at, ' ', url.len) != NULL)
        return call_fail(call, ERR_INVALID_ARGUMENT, "url: is https://host/path, and names no user");
    if (str_starts(str_of(origin), STR("http://")) && !((const struct chat *)call->context)->goes_plain)
        return call_fail(call, ERR_INVALID_ARGUMENT, "url: goes by https");
    return OK;
}

static enum err require_types(struct call *call, struct str_list types)
{
    for (size_t i = 0; i < types.len; i++)
        if (!webhook_is_type(types.at[i]))
            return call_fail(call, ERR_INVALID_ARGUMENT, "events: there is no %.*s", STR_ARG(types.at[i]));
    return OK;
}

/* The caller may, and there is such a webhook there, which nobody else changes until this transaction ends. */
static const char LOCK[] = "SELECT id AS webhook, room_id AS room FROM webhook WHERE room_id = $1 AND id = $2"
                           " FOR NO KEY UPDATE";

static enum err lock_webhook(struct call *call, struct id room, struct id webhook)
{
    struct room_row row;
    struct webhook_ref ref;

    TRY(room_row_get(call, room, &row));
    TRY(require_right(call, &row.room, MAY_webhook));
    enum err e = pg_one(call->pg, call->arena, webhook_ref_shape(), &ref, LOCK, PG_ARGS(pg_id(room), pg_id(webhook)));
    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such webhook") : e;
}

static enum err write_deed(struct call *call, const char *what, struct id room, struct id webhook)
{
    const struct webhook_ref ref = { room, webhook };

    return deed_put_room(call, &audit_tell_job, what, room, webhook_ref_shape(), &ref);
}

/* --- secrets --- */

static struct str seal_secret(struct call *call, const struct sealed_column *column, struct id webhook, struct str text)
{
    return column_seal(call->arena, column, id_text(call->arena, webhook), text);
}

static struct str make_secret(struct call *call)
{
    char text[WEBHOOK_SECRET_TEXT_MAX];

    webhook_secret_make(text);
    struct str secret = arena_str(call->arena, str_of(text));
    secret_wipe(text, sizeof text);
    return secret;
}

/* --- making them --- */

struct room_count {
    int64_t n;
    struct id same; /* made with this key before */
};
static const struct wire_field room_count_fields[] = {
    ROW_FIELD(struct room_count, n, INT),
    ROW_FIELD(struct room_count, same, ID),
    ROW_END,
};
static const struct wire_shape room_count_shape = { "room_count", "", sizeof(struct room_count), room_count_fields };

static const char LOOK[] = "SELECT count(*) AS n, (SELECT id FROM webhook WHERE room_id = $1 AND made_by = $2"
                           " AND client_key = $3) AS same FROM webhook WHERE room_id = $1";
static const char INSERT[] =
    "INSERT INTO webhook (id, room_id, url, events, made_by, made_at, client_key, secret) VALUES ($1, $2, $3, $4, $5,"
    " $6, $7, $8) ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, former = NULL, former_until = NULL";

static enum err require_place(struct call *call, const struct room_count *count)
{
    int64_t most = chat_settings(call)->webhooks_max;

    if (!id_is_nil(count->same) || count->n < most) return OK;
    return call_fail(call, ERR_TOO_LARGE, "a room has at most %lld webhooks", (long long)most);
}

enum err webhook_create(struct call *call, const struct webhook_draft *req, struct room_webhook *rep)
{
    struct room_row row;
    struct room_count count = { .n = 0 };

    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_webhook));
    TRY(require_url(call, req->url));
    TRY(require_types(call, req->events));
    TRY(pg_one(call->pg, call->arena, &room_count_shape, &count, LOOK,
        PG_ARGS(pg_id(req->room), pg_text(call->who->sub), pg_text(req->client_key))));
    TRY(require_place(call, &count));
    struct id id = id_is_nil(count.same) ? id_new() : count.same;
    struct str secret = make_secret(call);
    TRY(pg_run(call->pg, call->arena, INSERT,
        PG_ARGS(pg_id(id), pg_id(req->room), pg_text(req->url), pg_texts(call->arena, req->events),
            pg_text(call->who->sub), pg_time(call->now), pg_text(req->client_key),
            pg_bytes(seal_secret(call, &webhook_secret_column, id, secret))),
        NULL));
    TRY(write_deed(call, "webhook.create", req->room, id));
    TRY(get_webhook(call, id, rep));
    rep->secret = secret;
    return OK;
}

enum err webhook_list(struct call *call, const struct room_ref *req, struct webhook_page *rep)
{
    struct room_row row;

    TRY(room_row_get(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_webhook));
    TRY(pg_all(call->pg, call->arena, room_webhook_shape(), &rep->webhooks, WEBHOOKS_MAX, LIST,
        PG_ARGS(pg_id(req->room), pg_texts(call->arena, webhook_roles(call->arena)), pg_int(COUNTED_MAX))));
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->webhooks, made_by), &rep->users);
}

/* --- changing them --- */

static const char UPDATE[] =
    "UPDATE webhook SET url = coalesce($2, url), events = CASE WHEN cardinality($3::text[]) > 0 THEN $3 ELSE events"
    " END, paused = CASE $4 WHEN 'yes' THEN true WHEN 'no' THEN false ELSE paused END,"
    " off = CASE WHEN $4 = 'no' THEN NULL ELSE off END, off_at = CASE WHEN $4 = 'no' THEN NULL ELSE off_at END,"
    " failures = CASE WHEN $5 THEN 0 ELSE failures END, failing_since = CASE WHEN $5 THEN NULL ELSE failing_since END,"
    " held_until = CASE WHEN $5 THEN NULL ELSE held_until END WHERE id = $1";
static const char MAKER[] = "SELECT made_by AS subject FROM webhook WHERE id = $1";

/* There is nothing to be told of it any more. */
static enum err end_notification(struct call *call, struct id webhook)
{
    struct friend_ref maker;

    TRY(pg_one(call->pg, call->arena, friend_ref_shape(), &maker, MAKER, PG_ARGS(pg_id(webhook))));
    return notifications_end_of(call, maker.subject, NOTIFICATION_webhook_off, webhook_teller(call->arena, webhook));
}

enum err webhook_update(struct call *call, const struct webhook_change *req, struct room_webhook *rep)
{
    bool is_on = str_is(req->paused, "no"), is_paused = str_is(req->paused, "yes");

    TRY(lock_webhook(call, req->room, req->webhook));
    if (req->url.at != NULL) TRY(require_url(call, req->url));
    TRY(require_types(call, req->events));
    if (req->paused.at != NULL && !is_on && !is_paused)
        return call_fail(call, ERR_INVALID_ARGUMENT, "paused: is yes or no");
    TRY(pg_run(call->pg, call->arena, UPDATE,
        PG_ARGS(pg_id(req->webhook), pg_text(req->url), pg_texts(call->arena, req->events), pg_text(req->paused),
            pg_bool(is_on || req->url.at != NULL)),
        NULL));
    if (is_paused) TRY(webhook_give_up(call, req->webhook));
    if (is_on) TRY(end_notification(call, req->webhook));
    if (req->url.at != NULL) TRY(webhook_wake(call, req->room, req->webhook, 0));
    TRY(write_deed(call, "webhook.update", req->room, req->webhook));
    return get_webhook(call, req->webhook, rep);
}

static const char DELETE[] = "DELETE FROM webhook WHERE id = $1";

enum err webhook_delete(struct call *call, const struct webhook_ref *req, struct nothing *rep)
{
    (void)rep;
    TRY(lock_webhook(call, req->room, req->webhook));
    TRY(end_notification(call, req->webhook));
    TRY(pg_run(call->pg, call->arena, DELETE, PG_ARGS(pg_id(req->webhook)), NULL));
    return write_deed(call, "webhook.delete", req->room, req->webhook);
}

struct kept_secret {
    struct str sealed;
};
static const struct wire_field kept_secret_fields[] = { ROW_FIELD(struct kept_secret, sealed, BYTES), ROW_END };
static const struct wire_shape kept_secret_shape = { "kept_secret", "", sizeof(struct kept_secret),
    kept_secret_fields };

static const char SECRET[] = "SELECT secret AS sealed FROM webhook WHERE id = $1";
static const char ROTATE[] = "UPDATE webhook SET secret = $2, former = $3, former_until = $4 WHERE id = $1";

enum err webhook_rotate(struct call *call, const struct webhook_rotation *req, struct room_webhook *rep)
{
    struct kept_secret kept;
    struct str former;

    TRY(lock_webhook(call, req->room, req->webhook));
    TRY(pg_one(call->pg, call->arena, &kept_secret_shape, &kept, SECRET, PG_ARGS(pg_id(req->webhook))));
    bool overlaps = req->overlap_s > 0 && column_unseal(call->arena, &webhook_secret_column,
                                              id_text(call->arena, req->webhook), kept.sealed, &former) == OK;
    struct str secret = make_secret(call);
    TRY(pg_run(call->pg, call->arena, ROTATE,
        PG_ARGS(pg_id(req->webhook), pg_bytes(seal_secret(call, &webhook_secret_column, req->webhook, secret)),
            pg_bytes(overlaps ? seal_secret(call, &webhook_former_column, req->webhook, former) : STR_NONE),
            pg_time(overlaps ? call->now + req->overlap_s * 1000 : 0)),
        NULL));
    TRY(write_deed(call, "webhook.rotate", req->room, req->webhook));
    TRY(get_webhook(call, req->webhook, rep));
    rep->secret = secret;
    return OK;
}

/* --- what they are told, and what became of it --- */

/* What is told nothing would keep it waiting for nobody. */
static enum err require_told(struct call *call, struct id webhook, struct room_webhook *now)
{
    *now = (struct room_webhook){ .url = STR_NONE };
    TRY(get_webhook(call, webhook, now));
    if (!now->paused && now->off.len == 0) return OK;
    return call_fail(call, ERR_CONFLICT, "this webhook is told nothing: `paused` and `off` say why");
}

#define DELIVERY "id, place, type, at, state, attempts, CASE WHEN state = 'waiting' THEN due_at END AS due_at, ended_at"

static const char PUT_TEST[] =
    "INSERT INTO webhook_delivery (id, webhook_id, type, at, subjects, data, state) VALUES ($1, $2, 'webhook.test', $3,"
    " ARRAY[$4::text], jsonb_build_object('room', $5::uuid, 'by', $4::text), 'waiting') RETURNING " DELIVERY;
static const char RELEASE[] = "UPDATE webhook SET held_until = NULL WHERE id = $1";

/* Somebody wants to see it now. */
static enum err tell_now(struct call *call, struct id room, struct id webhook)
{
    TRY(pg_run(call->pg, call->arena, RELEASE, PG_ARGS(pg_id(webhook)), NULL));
    return webhook_wake(call, room, webhook, 0);
}

enum err webhook_test(struct call *call, const struct webhook_ref *req, struct webhook_delivery *rep)
{
    struct room_webhook now;

    TRY(lock_webhook(call, req->room, req->webhook));
    TRY(require_told(call, req->webhook, &now));
    if (now.waiting >= chat_settings(call)->webhook_waiting_max)
        return call_fail(call, ERR_CONFLICT, "too much waits for this webhook already");
    TRY(pg_one(call->pg, call->arena, webhook_delivery_shape(), rep, PUT_TEST,
        PG_ARGS(pg_id(id_new()), pg_id(req->webhook), pg_time(call->now), pg_text(call->who->sub), pg_id(req->room))));
    return tell_now(call, req->room, req->webhook);
}

static const char REPLAY[] =
    "UPDATE webhook_delivery SET state = 'waiting', attempts = 0, due_at = now(), ended_at = NULL WHERE id IN"
    " (SELECT id FROM webhook_delivery WHERE webhook_id = $1 AND CASE WHEN $2::uuid IS NULL THEN state = 'dead' ELSE"
    " id = $2 END ORDER BY place LIMIT $3)";

enum err webhook_replay(struct call *call, const struct webhook_replay *req, struct webhook_replayed *rep)
{
    struct room_webhook now;

    TRY(lock_webhook(call, req->room, req->webhook));
    TRY(require_told(call, req->webhook, &now));
    TRY(pg_run(call->pg, call->arena, REPLAY,
        PG_ARGS(pg_id(req->webhook), pg_id(req->delivery), pg_int(chat_settings(call)->webhook_waiting_max)),
        &rep->deliveries));
    if (rep->deliveries == 0 && !id_is_nil(req->delivery))
        return call_fail(call, ERR_NOT_FOUND, "there is no such delivery, or no longer");
    return tell_now(call, req->room, req->webhook);
}

static const char DELIVERIES[] =
    "SELECT " DELIVERY " FROM webhook_delivery WHERE webhook_id = $1 AND ($2::text IS NULL OR state = $2)"
    " AND ($3::bigint = 0 OR place < $3) ORDER BY place DESC LIMIT $4";

enum err webhook_deliveries(
    struct call *call, const struct webhook_delivery_query *req, struct webhook_delivery_page *rep)
{
    TRY(lock_webhook(call, req->room, req->webhook));
    return pg_all(call->pg, call->arena, webhook_delivery_shape(), &rep->deliveries, (size_t)req->limit, DELIVERIES,
        PG_ARGS(pg_id(req->webhook), pg_text(req->state), pg_int(req->before), pg_int(req->limit)));
}

static const char ATTEMPTS[] =
    "SELECT nth, delivery_id AS delivery, type, at, ms, result, coalesce(status, 0) AS status, answer FROM"
    " webhook_attempt WHERE webhook_id = $1 AND ($2::uuid IS NULL OR delivery_id = $2) AND ($3::bigint = 0 OR nth < $3)"
    " ORDER BY nth DESC LIMIT $4";

enum err webhook_attempts(struct call *call, const struct webhook_attempt_query *req, struct webhook_attempt_page *rep)
{
    TRY(lock_webhook(call, req->room, req->webhook));
    return pg_all(call->pg, call->arena, webhook_attempt_shape(), &rep->attempts, (size_t)req->limit, ATTEMPTS,
        PG_ARGS(pg_id(req->webhook), pg_id(req->delivery), pg_int(req->before), pg_int(req->limit)));
}

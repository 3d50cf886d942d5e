/* push_subscribe.c - browsers that are told of somebody's notifications: they come, are listed, and go. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/plain_text.h"
#include "libshared/base/secret.h"
#include "libshared/db/pg.h"
#include "services/chat/push/push_private.h"

#define LISTED_MAX 1000 /* proto/chat.def: push_subscription_page */

const struct sealed_column push_keys_column = SEALED_COLUMN("chat", push_subscription, id, keys);
const struct sealed_column push_secret_column = SEALED_COLUMN("chat", push_key, id, secret);

/* --- what signs --- */

#define PAIR_ROW STR("1")

struct pair_row {
    struct str point, secret;
};
static const struct wire_field pair_fields[] = {
    ROW_FIELD(struct pair_row, point, BYTES),
    ROW_FIELD(struct pair_row, secret, BYTES),
    ROW_END,
};
static const struct wire_shape pair_shape = { "push_pair", "", sizeof(struct pair_row), pair_fields };

static const char PAIR[] = "SELECT point, secret FROM push_key";
static const char MAKE_PAIR[] = "INSERT INTO push_key (id, point, secret) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";

static enum err make_pair(struct call *call)
{
    struct web_push_pair pair;

    web_push_pair_make(&pair);
    struct str sealed = column_seal(
        call->arena, &push_secret_column, PAIR_ROW, (struct str){ (const char *)pair.secret, sizeof pair.secret });
    secret_wipe(pair.secret, sizeof pair.secret);
    return pg_run(call->pg, call->arena, MAKE_PAIR,
        PG_ARGS(pg_bytes((struct str){ (const char *)pair.point, sizeof pair.point }), pg_bytes(sealed)), NULL);
}

/* Of several that make one at the same moment the first does. */
static enum err read_pair(struct call *call, struct pair_row *out)
{
    enum err e = pg_one(call->pg, call->arena, &pair_shape, out, PAIR, PG_NO_ARGS);

    if (e != ERR_NOT_FOUND) return e;
    TRY(make_pair(call));
    return pg_one(call->pg, call->arena, &pair_shape, out, PAIR, PG_NO_ARGS);
}

enum err push_pair_get(struct call *call, struct web_push_pair *out)
{
    struct pair_row row;
    struct str secret;

    TRY(read_pair(call, &row));
    TRY(column_unseal(call->arena, &push_secret_column, PAIR_ROW, row.secret, &secret));
    if (row.point.len != sizeof out->point || secret.len != sizeof out->secret) return ERR_INTERNAL;
    memcpy(out->point, row.point.at, sizeof out->point);
    memcpy(out->secret, secret.at, sizeof out->secret);
    return OK;
}

static enum err require_told(struct call *call)
{
    TRY(require_subject(call));
    return push_of(call)->services.len > 0 ? OK : call_fail(call, ERR_NOT_FOUND, "no browser is told of anything here");
}

enum err push_key(struct call *call, const struct nothing *req, struct push_key *rep)
{
    struct pair_row row;

    (void)req;
    TRY(require_told(call));
    TRY(read_pair(call, &row));
    char *text = arena_alloc(call->arena, (4 * row.point.len + 2) / 3 + 1);
    base64url_encode((const unsigned char *)row.point.at, row.point.len, text);
    rep->key = str_of(text);
    return OK;
}

/* --- where it may be --- */

static struct str host_of(struct str origin)
{
    size_t at;
    struct str host = origin;

    str_cut(&host, '/');
    str_cut(&host, '/');
    if (host.len > 0 && host.at[0] == '[') return host;
    if (str_find(host, ':', &at)) host.len = at;
    return host;
}

static bool host_fits(struct str host, struct str service)
{
    if (str_is(service, "*")) return true;
    if (!str_starts(service, STR("*."))) return str_eq(host, service);
    struct str end = str_skip(service, 1);
    return host.len > end.len && str_eq(str_skip(host, host.len - end.len), end);
}

bool push_service_is_known(const struct push *push, struct str origin)
{
    struct str rest = push->services, host = host_of(origin);

    while (rest.len > 0)
        if (host_fits(host, str_trim(str_cut(&rest, ',')))) return true;
    return false;
}

static enum err require_endpoint(struct call *call, struct str endpoint, char origin[URL_ORIGIN_MAX])
{
    if (!url_origin(endpoint, origin) || !text_is_plain(endpoint) || memchr(endpoint.at, ' ', endpoint.len) != NULL)
        return call_fail(call, ERR_INVALID_ARGUMENT, "endpoint: is that of a PushSubscription");
    if (str_starts(str_of(origin), STR("http://")) && !((const struct chat *)call->context)->goes_plain)
        return call_fail(call, ERR_INVALID_ARGUMENT, "endpoint: goes by https");
    if (!push_service_is_known(push_of(call), str_of(origin)))
        return call_fail(call, ERR_INVALID_ARGUMENT, "endpoint: this push service is not one that we post to");
    return OK;
}

/* --- they come --- */

enum err push_keys_open(struct call *call, struct id subscription, struct str sealed, struct web_push_browser *out)
{
    struct str plain;

    TRY(column_unseal(call->arena, &push_keys_column, id_text(call->arena, subscription), sealed, &plain));
    if (plain.len != sizeof *out) return ERR_INTERNAL;
    memcpy(out, plain.at, sizeof *out);
    return OK;
}

/* Whose an endpoint is by now. */
struct endpoint_holder {
    struct id id;
    struct str subject, keys;
};
static const struct wire_field holder_fields[] = {
    ROW_FIELD(struct endpoint_holder, id, ID),
    ROW_FIELD(struct endpoint_holder, subject, TEXT),
    ROW_FIELD(struct endpoint_holder, keys, BYTES),
    ROW_END,
};
static const struct wire_shape holder_shape = { "holder", "", sizeof(struct endpoint_holder), holder_fields };

static const char LOCK[] = "SELECT pg_advisory_xact_lock(hashtextextended('madang.chat.push ' || $1, 0))";
static const char HOLDER[] = "SELECT id, subject, keys FROM push_subscription WHERE endpoint = $1 FOR UPDATE";
static const char FORGET[] = "DELETE FROM push_subscription WHERE id = $1 AND subject = $2";
static const char PUT[] =
    "INSERT INTO push_subscription (id, subject, session, endpoint, origin, keys, name, made_at) VALUES ($1, $2, $3,"
    " $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET session = excluded.session, keys = excluded.keys,"
    " name = excluded.name, made_at = excluded.made_at, refused_since = NULL, held_until = NULL";
#define COLUMNS                                                                                                        \
    "id, origin AS service, name, coalesce(session = $2, false) AS is_this, made_at, posted_at FROM push_subscription"
static const char ONE[] = "SELECT " COLUMNS " WHERE id = $1";
static const char LIST[] = "SELECT " COLUMNS " WHERE subject = $1 ORDER BY made_at DESC, id LIMIT $3";

/* Of a user's; tokens of API keys have none that goes on. */
static struct id session_of(const struct call *call)
{
    struct id session;

    return call->who->key.len == 0 && id_parse(call->who->session, &session) ? session : (struct id){ { 0 } };
}

/* Who signs in where another has signed out brings the same keys; who has learnt of an endpoint alone has not. */
static enum err require_same_browser(
    struct call *call, const struct endpoint_holder *holder, const struct web_push_browser *browser)
{
    struct web_push_browser kept;

    TRY(push_keys_open(call, holder->id, holder->keys, &kept));
    bool is_same = secret_eq(&kept, browser, sizeof kept);
    secret_wipe(&kept, sizeof kept);
    return is_same ? OK : call_fail(call, ERR_CONFLICT, "endpoint: is that of another's browser");
}

/* What waits for the former holder goes with their row.  Quotas are taken and given in the order of their subjects. */
static enum err take_over(struct call *call, const struct endpoint_holder *holder)
{
    bool is_first = str_cmp(holder->subject, call->who->sub) < 0;

    TRY(pg_run(call->pg, call->arena, FORGET, PG_ARGS(pg_id(holder->id), pg_text(holder->subject)), NULL));
    if (is_first) TRY(quota_give(call, QUOTA_browsers, holder->subject, 1));
    TRY(quota_take(call, QUOTA_browsers, 1));
    return is_first ? OK : quota_give(call, QUOTA_browsers, holder->subject, 1);
}

static enum err find_place(
    struct call *call, const struct push_draft *req, const struct web_push_browser *browser, struct id *out)
{
    struct endpoint_holder holder;

    TRY(pg_run(call->pg, call->arena, LOCK, PG_ARGS(pg_text(req->endpoint)), NULL));
    enum err e = pg_one(call->pg, call->arena, &holder_shape, &holder, HOLDER, PG_ARGS(pg_text(req->endpoint)));
    *out = id_new();
    if (e == ERR_NOT_FOUND) return quota_take(call, QUOTA_browsers, 1);
    TRY(e);
    if (str_eq(holder.subject, call->who->sub)) {
        *out = holder.id;
        return OK;
    }
    TRY(require_same_browser(call, &holder, browser));
    return take_over(call, &holder);
}

enum err push_subscribe(struct call *call, const struct push_draft *req, struct push_subscription *rep)
{
    char origin[URL_ORIGIN_MAX];
    struct web_push_browser browser;
    struct id id;

    TRY(require_told(call));
    TRY(require_endpoint(call, req->endpoint, origin));
    if (!web_push_browser_read(req->keys->p256dh, req->keys->auth, &browser))
        return call_fail(call, ERR_INVALID_ARGUMENT, "keys: are those of a PushSubscription");
    if (req->name.len > 0 && !text_is_plain(req->name))
        return call_fail(call, ERR_INVALID_ARGUMENT, "name: has characters that are not seen");
    TRY(find_place(call, req, &browser, &id));
    struct str sealed = column_seal(call->arena, &push_keys_column, id_text(call->arena, id),
        (struct str){ (const char *)&browser, sizeof browser });
    secret_wipe(&browser, sizeof browser);
    TRY(pg_run(call->pg, call->arena, PUT,
        PG_ARGS(pg_id(id), pg_text(call->who->sub), pg_id(session_of(call)), pg_text(req->endpoint),
            pg_text(str_of(origin)), pg_bytes(sealed), pg_text(req->name), pg_time(call->now)),
        NULL));
    return pg_one(
        call->pg, call->arena, push_subscription_shape(), rep, ONE, PG_ARGS(pg_id(id), pg_id(session_of(call))));
}

enum err push_list(struct call *call, const struct nothing *req, struct push_subscription_page *rep)
{
    (void)req;
    TRY(require_subject(call));
    return pg_all(call->pg, call->arena, push_subscription_shape(), &rep->subscriptions, LISTED_MAX, LIST,
        PG_ARGS(pg_text(call->who->sub), pg_id(session_of(call)), pg_int(LISTED_MAX)));
}

/* --- and go --- */

static enum err forget(struct call *call, struct id subscription, struct str subject, int64_t *rows)
{
    TRY(pg_run(call->pg, call->arena, FORGET, PG_ARGS(pg_id(subscription), pg_text(subject)), rows));
    return *rows > 0 ? quota_give(call, QUOTA_browsers, subject, 1) : OK;
}

enum err push_forget(struct call *call, struct id subscription, struct str subject)
{
    int64_t rows;

    return forget(call, subscription, subject, &rows);
}

enum err push_unsubscribe(struct call *call, const struct push_subscription_ref *req, struct nothing *rep)
{
    int64_t rows;

    (void)rep;
    TRY(require_subject(call));
    TRY(forget(call, req->subscription, call->who->sub, &rows));
    return rows > 0 ? OK : call_fail(call, ERR_NOT_FOUND, "there is no such browser of yours");
}

static const char ERASE[] = "DELETE FROM push_subscription WHERE subject = $1";

enum err push_erase(struct call *call, struct str subject, int64_t *n)
{
    return pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_text(subject)), n);
}

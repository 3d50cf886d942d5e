/* trust.c - what of the trust changed behind a position: migrations/auth/0008_trust_by_position.sql has the positions. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "services/auth/position_page.h"

#define PAGE_ROWS 1000 /* proto/auth.def: the lists of trust */

/* One statement, so that all it finds is of one moment: the newest position, and where a page behind $1 ends. */
static const char PAGE[] =
    "SELECT p.epoch, p.position AS newest, f.since, c.last, c.n, c.changed_at FROM trust_position p, LATERAL (SELECT "
    "CASE"
    " WHEN p.epoch = $1 AND p.position >= $2 THEN $2 ELSE 0 END AS since) f, LATERAL (SELECT max(position) AS last,"
    " count(*) AS n, min(at) AS changed_at FROM (SELECT position, at FROM trust_change WHERE position > f.since"
    " AND (until IS NULL OR until > $3) ORDER BY position LIMIT $4) page) c";

/* What has changed again since the page was found is behind it now, and comes with a later one. */
#define OF_PAGE(kind_)                                                                                                 \
    " c.kind = '" kind_ "' AND c.position > $1 AND c.position <= $2 AND (c.until IS NULL OR c.until > $3)"             \
    " ORDER BY c.position"

static const char SIGNING_KEYS[] = "SELECT kid, public_pem AS pem FROM signing_key WHERE (retires_at IS NULL OR"
                                   " retires_at > $1) AND ($2 OR EXISTS (SELECT FROM trust_change c WHERE"
                                   " c.kind = 'signing' AND c.position > $3 AND c.position <= $4))"
                                   " ORDER BY active_at DESC LIMIT 16";

static const char POLICIES[] =
    "SELECT p.name, p.version, p.rules FROM trust_change c JOIN policy p ON p.name = c.name WHERE" OF_PAGE("policy");

static const char GONE[] =
    "SELECT coalesce(array_agg(c.name), '{}') AS gone FROM trust_change c WHERE c.kind = 'policy'"
    " AND c.position > $1 AND c.position <= $2"
    " AND NOT EXISTS (SELECT FROM policy p WHERE p.name = c.name)";

static const char API_KEYS[] =
    "SELECT k.id AS key, k.revoked_at IS NOT NULL AS revoked, k.networks::text[] AS "
    "networks, k.bind_tokens AS subjects, k.disabled_at IS NOT NULL AS disabled, k.impersonate, k.act_as_users,"
    " k.policy, k.expires_at AS ends_at, c.until FROM trust_change c JOIN api_key k ON k.id = c.name WHERE" OF_PAGE(
        "key");

static const char ENDED[] = "SELECT CASE c.kind WHEN 'subject' THEN c.name END AS subject,"
                            " CASE c.kind WHEN 'session' THEN c.name END AS session, c.ended_at, c.until"
                            " FROM trust_change c WHERE c.kind IN ('subject', 'session') AND c.position > $1"
                            " AND c.position <= $2 AND c.until > $3 ORDER BY c.position";

static const char LIMITS[] =
    "SELECT c.name::jsonb ->> 0 AS name, nullif(c.name::jsonb ->> 1, '') AS subject, nullif(c.name::jsonb ->> 2, '')"
    " AS key, coalesce(l.most, 0) AS \"limit\", l.most IS NOT NULL AS is_set FROM trust_change c LEFT JOIN "
    "limit_change l"
    " ON l.name = c.name::jsonb ->> 0 AND l.subject = c.name::jsonb ->> 1 AND l.key = c.name::jsonb ->> 2"
    " WHERE" OF_PAGE("limit");

static const char BANS[] =
    "SELECT CASE WHEN c.name::jsonb ->> 0 = 'network' THEN c.name::jsonb ->> 1 END AS network,"
    " CASE WHEN c.name::jsonb ->> 0 = 'subject' THEN c.name::jsonb ->> 1 END AS subject,"
    " CASE WHEN c.name::jsonb ->> 0 = 'key' THEN c.name::jsonb ->> 1 END AS key, b.until, b.id IS NULL AS lifted"
    " FROM trust_change c LEFT JOIN ban b ON b.kind = c.name::jsonb ->> 0 AND b.what = c.name::jsonb ->> 1"
    " WHERE" OF_PAGE("ban");

static const char NOTICES[] = "SELECT c.name::uuid AS id, n.text, n.at, n.until FROM trust_change c LEFT JOIN notice n "
                              "ON n.id = CASE c.kind WHEN 'notice' THEN"
                              " c.name::uuid END"
                              " WHERE" OF_PAGE("notice");

static const char ALERTS[] =
    "SELECT a.id, a.kind, nullif(a.address, '') AS address, nullif(a.subject, '') AS subject, nullif(a.key, '') AS key,"
    " nullif(a.detail, '') AS detail, a.at, a.last_at, a.told AS times, a.over_at FROM trust_change c JOIN alert a ON "
    "a.id ="
    " CASE c.kind WHEN 'alert' THEN c.name::uuid END WHERE" OF_PAGE("alert");

static const char ALL_LIMITS[] =
    "SELECT name, nullif(subject, '') AS subject, nullif(key, '') AS key, most AS \"limit\""
    " FROM limit_change ORDER BY name, limit_change.key, limit_change.subject";

enum err limits_load(struct pg *pg, struct arena *arena, struct limit_list *out)
{
    return pg_all(pg, arena, limit_shape(), out, 4096, ALL_LIMITS, PG_NO_ARGS);
}

enum err signing_keys_load(struct pg *pg, struct arena *arena, int64_t now, struct signing_key_list *out)
{
    return pg_all(pg, arena, signing_key_shape(), out, 16, SIGNING_KEYS,
        PG_ARGS(pg_time(now), pg_bool(true), pg_int(0), pg_int(0)));
}

static enum err find_page(
    struct pg *pg, struct arena *arena, const struct trust_position *from, int64_t now, struct trust *out)
{
    struct position_page page;

    TRY(position_page_find(pg, arena, PAGE,
        PG_ARGS(pg_id(from->epoch), pg_int(from->position), pg_time(now), pg_int(PAGE_ROWS)), PAGE_ROWS, &page));
    out->epoch = page.epoch;
    out->since = page.since;
    out->position = page.position;
    out->more = page.more;
    out->changed_at = page.changed_at;
    return OK;
}

enum err trust_load(struct pg *pg, struct arena *arena, const struct settings_auth *s,
    const struct trust_position *from, struct trust *out)
{
    int64_t now = clock_ms();

    out->issuer = str_of(s->issuer);
    out->audience = str_of(s->audience);
    TRY(find_page(pg, arena, from, now, out));
    const struct pg_args *page = PG_ARGS(pg_int(out->since), pg_int(out->position), pg_time(now));
    TRY(pg_all(pg, arena, signing_key_shape(), &out->keys, 16, SIGNING_KEYS,
        PG_ARGS(pg_time(now), pg_bool(false), pg_int(out->since), pg_int(out->position))));
    TRY(pg_all(pg, arena, policy_shape(), &out->policies, 256, POLICIES, page));
    TRY(pg_one(pg, arena, trust_shape(), out, GONE, PG_ARGS(pg_int(out->since), pg_int(out->position))));
    TRY(pg_all(pg, arena, trust_key_shape(), &out->api_keys, PAGE_ROWS, API_KEYS, page));
    TRY(pg_all(pg, arena, trust_end_shape(), &out->ended, PAGE_ROWS, ENDED, page));
    TRY(pg_all(pg, arena, trust_ban_shape(), &out->bans, PAGE_ROWS, BANS, page));
    TRY(pg_all(pg, arena, trust_notice_shape(), &out->notices, PAGE_ROWS, NOTICES, page));
    TRY(pg_all(pg, arena, alert_shape(), &out->alerts, PAGE_ROWS, ALERTS, page));
    return pg_all(pg, arena, limit_state_shape(), &out->limits, PAGE_ROWS, LIMITS, page);
}

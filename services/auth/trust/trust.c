/* trust.c - all that a gateway needs to verify and to authorise without asking, and the notice that it changed. */
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include "libshared/base/clock.h"
#include "services/auth/auth.h"
#include "libshared/db/rows.h"

static const char PUBLIC_KEYS[] =
    "SELECT kid, public_pem AS pem FROM signing_key WHERE retires_at IS NULL OR retires_at > $1"
    " ORDER BY active_at DESC LIMIT 16";

static const char ALL_POLICIES[] = "SELECT name, version, rules FROM policy ORDER BY name";

/* Tokens of keys revoked earlier have ended by themselves. */
static const char LATELY_REVOKED[] =
    "SELECT coalesce(array_agg(id ORDER BY revoked_at DESC), '{}') AS revoked FROM (SELECT id, revoked_at FROM api_key"
    " WHERE revoked_at > $1 ORDER BY revoked_at DESC LIMIT 4096) lately";

/* Of older ones beyond the bound, which key_networks.c keeps, tokens would not be bound. */
static const char BOUND_KEYS[] =
    "SELECT id AS key, networks::text[] AS networks, bind_tokens AS subjects FROM api_key WHERE networks <> '{}'"
    " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) ORDER BY created_at DESC LIMIT 4096";

static const char ALL_LIMITS[] =
    "SELECT name, nullif(subject, '') AS subject, nullif(key, '') AS key, most AS \"limit\""
    " FROM limit_change ORDER BY name, limit_change.key, limit_change.subject";

enum err limits_load(struct pg *pg, struct arena *arena, struct limit_list *out)
{
    return pg_all(pg, arena, limit_shape(), out, 4096, ALL_LIMITS, PG_NO_ARGS);
}

enum err trust_load(struct pg *pg, struct arena *arena, const struct settings_auth *s, struct trust *out)
{
    int64_t now = clock_ms(), longest_ms = s->token_ttl_max_s * 1000 + 60000;

    out->issuer = str_of(s->issuer);
    out->audience = str_of(s->audience);
    TRY(pg_all(pg, arena, signing_key_shape(), &out->keys, 16, PUBLIC_KEYS, PG_ARGS(pg_time(now))));
    TRY(pg_all(pg, arena, policy_shape(), &out->policies, 256, ALL_POLICIES, PG_NO_ARGS));
    TRY(pg_all(pg, arena, bound_key_shape(), &out->bound, 4096, BOUND_KEYS, PG_ARGS(pg_time(now))));
    TRY(limits_load(pg, arena, &out->limits));
    return pg_one(pg, arena, trust_shape(), out, LATELY_REVOKED, PG_ARGS(pg_time(now - longest_ms)));
}

static char origin[ID_TEXT_BYTES + 1];

static void make_origin(void)
{
    id_format(id_new(), origin);
}

const char *trust_origin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_origin);
    return origin;
}

/* Other auth processes hear it at the commit; we hear it too, and know it by the mark. */
static const char NOTIFY[] = "SELECT pg_notify('auth_changed', $1)";

enum err trust_notify(struct pg *pg, struct arena *arena)
{
    return pg_run(pg, arena, NOTIFY, PG_ARGS(pg_text(str_of(trust_origin()))), NULL);
}

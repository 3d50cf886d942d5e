/* key_networks_used.c - from which networks a key was used. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/network.h"
#include "libshared/db/rows.h"
#include "services/auth/alerts/alerts.h"
#include "services/auth/keys/keys.h"

#define NETWORKS_KEPT 1000 /* of one key: those where it was used last */

/* A busy key is marked once an hour in each of them, so that its tokens do not queue for the row. */
static const char MARK_NETWORK[] =
    "WITH put AS (INSERT INTO key_network AS k (key, network, last_at) SELECT $1, $2, $3 WHERE NOT EXISTS"
    " (SELECT FROM key_network WHERE key = $1 AND network = $2 AND last_at > $3::timestamptz - interval '1 hour')"
    " ON CONFLICT (key, network) DO UPDATE SET last_at = excluded.last_at RETURNING xmax = 0 AS added)"
    " SELECT coalesce((SELECT added FROM put), false) AS is_new,"
    " EXISTS (SELECT FROM key_network WHERE key = $1 AND network <> $2) AS has_others";

static const char FORGET_MANY[] =
    "DELETE FROM key_network WHERE key = $1 AND network IN (SELECT network FROM key_network"
    " WHERE key = $1 ORDER BY last_at DESC, network OFFSET $2)";

struct marked {
    bool is_new, has_others;
};
static const struct wire_field marked_fields[] = {
    ROW_FIELD(struct marked, is_new, BOOL),
    ROW_FIELD(struct marked, has_others, BOOL),
    ROW_END,
};
static const struct wire_shape marked_shape = { "marked", "", sizeof(struct marked), marked_fields };

enum err key_note_network(struct call *call, struct str key, struct str address)
{
    char name[ADDRESS_NETWORK_CHARS + 1];
    struct marked marked = { .is_new = false };

    if (address.len == 0) return OK;
    struct str network = arena_str(call->arena, address_network_name(address, name));
    TRY(pg_one(call->pg, call->arena, &marked_shape, &marked, MARK_NETWORK,
        PG_ARGS(pg_text(key), pg_text(network), pg_time(call->now))));
    if (!marked.is_new || !marked.has_others) return OK;
    TRY(pg_run(call->pg, call->arena, FORGET_MANY, PG_ARGS(pg_text(key), pg_int(NETWORKS_KEPT)), NULL));
    struct alert_about about = { .kind = ALERT_key_new_network, .key = key, .detail = network };
    return alert_raise(call->pg, call->arena, &about);
}

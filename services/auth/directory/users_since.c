/* users_since.c - users that changed behind a position: migrations/auth/0021_users_by_position.sql has the positions. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/auth.h"
#include "services/auth/directory/directory.h"

#define PAGE_ROWS 500 /* proto/common.def: users_page.users */

/* Positions of another database, or of one that is older than it was, are none: then it is all from the beginning. */
static const char PAGE[] =
    "SELECT p.epoch, p.position AS newest, f.since, c.last, c.n FROM users_position p, LATERAL (SELECT CASE WHEN"
    " p.epoch = $1 AND p.position >= $2 THEN $2 ELSE 0 END AS since) f, LATERAL (SELECT max(position) AS last,"
    " count(*) AS n FROM (SELECT position FROM account_change WHERE position > f.since ORDER BY position LIMIT $3) page"
    ") c";

struct users_since_page {
    struct id epoch;
    int64_t newest, since, last, n;
};
static const struct wire_field page_fields[] = {
    ROW_FIELD(struct users_since_page, epoch, ID),
    ROW_FIELD(struct users_since_page, newest, INT),
    ROW_FIELD(struct users_since_page, since, INT),
    ROW_FIELD(struct users_since_page, last, INT),
    ROW_FIELD(struct users_since_page, n, INT),
    ROW_END,
};
static const struct wire_shape page_shape = { "page", "", sizeof(struct users_since_page), page_fields };

/* A user who has changed again since the page was found is behind it now, and comes with a later one. */
static const char USERS[] =
    "SELECT c.account_id AS id, coalesce(a.state, 'erased') AS state, a.nickname, a.name,"
    " CASE WHEN a.id IS NOT NULL THEN avatar_of(a.id, a.avatar) END AS avatar FROM account_change c"
    " LEFT JOIN account a ON a.id = c.account_id WHERE c.position > $1 AND c.position <= $2 ORDER BY c.position";

enum err users_since(struct call *call, const struct users_position *from, struct users_page *rep)
{
    struct users_since_page page = { .newest = 0 };

    TRY(pg_one(call->pg, call->arena, &page_shape, &page, PAGE,
        PG_ARGS(pg_id(from->epoch), pg_int(from->position), pg_int(PAGE_ROWS))));
    rep->epoch = page.epoch;
    rep->since = page.since;
    rep->more = page.n == PAGE_ROWS && page.last < page.newest;
    rep->position = rep->more ? page.last : page.newest;
    return pg_all(call->pg, call->arena, user_state_shape(), &rep->users, PAGE_ROWS, USERS,
        PG_ARGS(pg_int(rep->since), pg_int(rep->position)));
}

/* clang-format off */
static const char *const keepers[] = {
#define SERVICE(name, place, parts, doc) #name,
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
};
/* clang-format on */

void users_announce(struct rpc_server *server)
{
    struct nothing none;
    struct rpc_event *event = rpc_event_create((struct id){ 0 }, 0, "users.moved", nothing_shape(), &none);

    for (size_t i = 0; i < COUNT(keepers); i++) rpc_event_send_all(server, keepers[i], event);
    rpc_event_destroy(&event);
}

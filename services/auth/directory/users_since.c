/* users_since.c - users that changed behind a position: migrations/auth/0021_users_by_position.sql has the positions. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/directory/directory.h"
#include "services/auth/position_page.h"

#define PAGE_ROWS 500 /* proto/common.def: users_page.users */

static const char PAGE[] =
    "SELECT p.epoch, p.position AS newest, f.since, c.last, c.n FROM users_position p, LATERAL (SELECT CASE WHEN"
    " p.epoch = $1 AND p.position >= $2 THEN $2 ELSE 0 END AS since) f, LATERAL (SELECT max(position) AS last,"
    " count(*) AS n FROM (SELECT position FROM account_change WHERE position > f.since ORDER BY position LIMIT $3) page"
    ") c";

/* A user who has changed again since the page was found is behind it now, and comes with a later one. */
static const char USERS[] =
    "SELECT c.account_id AS id, coalesce(a.state, 'erased') AS state, a.nickname, a.name,"
    " CASE WHEN a.id IS NOT NULL THEN avatar_of(a.id, a.avatar) END AS avatar FROM account_change c"
    " LEFT JOIN account a ON a.id = c.account_id WHERE c.position > $1 AND c.position <= $2 ORDER BY c.position";

enum err users_since(struct call *call, const struct users_position *from, struct users_page *rep)
{
    struct position_page page;

    TRY(position_page_find(call->pg, call->arena, PAGE,
        PG_ARGS(pg_id(from->epoch), pg_int(from->position), pg_int(PAGE_ROWS)), PAGE_ROWS, &page));
    rep->epoch = page.epoch;
    rep->since = page.since;
    rep->position = page.position;
    rep->more = page.more;
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

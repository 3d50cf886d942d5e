/* relation_erase.c - a user who was erased is nobody's friend any more, asks nobody and blocks nobody. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/chat/friends/relation.h"

#define ROWS_AT_ONCE 100

/* A subject with a relation to the erased one, and how much that counted in its quota. */
struct left_friend {
    struct str subject;
    int64_t held;
};
struct left_friend_list {
    struct left_friend *at;
    size_t len;
};
static const struct wire_field left_friend_fields[] = {
    ROW_FIELD(struct left_friend, subject, TEXT),
    ROW_FIELD(struct left_friend, held, INT),
    ROW_END,
};
static const struct wire_shape left_friend_shape = { "left_friend", "", sizeof(struct left_friend),
    left_friend_fields };

/* In one order, in which the quotas are given back, too. */
static const char FORGET[] =
    "WITH few AS (SELECT low, high FROM relation WHERE low = $1 OR high = $1 ORDER BY low, high LIMIT $2 FOR UPDATE),"
    " gone AS (DELETE FROM relation r USING few WHERE r.low = few.low AND r.high = few.high RETURNING r.*)"
    " SELECT CASE WHEN low = $1 THEN high ELSE low END AS subject, (CASE WHEN low = $1 THEN bond IN ('high_asks',"
    " 'friends') ELSE bond IN ('low_asks', 'friends') END)::int + (CASE WHEN low = $1 THEN high_blocks ELSE low_blocks"
    " END IS NOT NULL)::int AS held FROM gone ORDER BY subject";

/* The other one keeps the room, with what was said there. */
static const char FORGET_DIRECT[] =
    "DELETE FROM direct WHERE room_id IN (SELECT room_id FROM direct WHERE low = $1 OR high = $1 LIMIT $2)";

enum err relations_erase_some(struct call *call, struct str subject, struct erasure *erasure, int64_t *n)
{
    struct left_friend_list left = { NULL, 0 };

    TRY(pg_all(call->pg, call->arena, &left_friend_shape, &left, ROWS_AT_ONCE, FORGET,
        PG_ARGS(pg_text(subject), pg_int(ROWS_AT_ONCE))));
    for (size_t i = 0; i < left.len; i++)
        if (left.at[i].held > 0) TRY(quota_give(call, QUOTA_friends, left.at[i].subject, left.at[i].held));
    erasure_add(call, erasure, "relations", (int64_t)left.len);
    TRY(pg_run(call->pg, call->arena, FORGET_DIRECT, PG_ARGS(pg_text(subject), pg_int(ROWS_AT_ONCE)), n));
    erasure_add(call, erasure, "direct_rooms", *n);
    *n += (int64_t)left.len;
    return OK;
}

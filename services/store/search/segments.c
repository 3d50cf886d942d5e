/*
 * segments.c - spans of time of the index, none of which grows without end.
 *
 * As a rule messages come in the order of their time: the newest span is closed when it is full, behind the newest message in it, and
 * nothing moves.  What comes late is put into the span of its time.  One that has twice as many is cut in the middle: the later half gets a
 * number of its own at once, and its messages move there some at a time; until they have, that span is looked for under both numbers.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/store/search/search.h"

#define MOVED_AT_ONCE 1000

struct segment {
    int64_t id, from_at, salt, n, last_at, was;
};
static const struct wire_field segment_fields[] = {
    ROW_FIELD(struct segment, id, INT),
    ROW_FIELD(struct segment, from_at, INT),
    ROW_FIELD(struct segment, salt, INT),
    ROW_FIELD(struct segment, n, INT),
    ROW_FIELD(struct segment, last_at, INT),
    ROW_FIELD(struct segment, was, INT),
    ROW_END,
};
static const struct wire_shape segment_shape = { "segment", "", sizeof(struct segment), segment_fields };

static enum err next_id(struct pg *pg, struct arena *arena, int64_t *id)
{
    static const char NEXT[] = "SELECT max(id) + 1 AS id FROM search_segment";
    struct segment next = { 0 };

    TRY(pg_one(pg, arena, &segment_shape, &next, NEXT, PG_NO_ARGS));
    *id = next.id;
    return OK;
}

/* --- closing the newest --- */

static const char NEWEST[] = "SELECT id, n, last_at FROM search_segment ORDER BY from_at DESC LIMIT 1";
static const char BEGIN[] = "INSERT INTO search_segment (id, from_at, salt, was) VALUES ($1, $2, $3, nullif($4, 0))";

static enum err begin_segment(struct pg *pg, struct arena *arena, int64_t from_at, int64_t was)
{
    int64_t id;

    TRY(next_id(pg, arena, &id));
    return pg_run(pg, arena, BEGIN, PG_ARGS(pg_int(id), pg_int(from_at), pg_int(search_salt(id)), pg_int(was)), NULL);
}

static enum err close_newest(struct pg *pg, struct arena *arena)
{
    struct segment newest;

    TRY(pg_one(pg, arena, &segment_shape, &newest, NEWEST, PG_NO_ARGS));
    if (newest.n < SEARCH_SEGMENT_MAX) return OK;
    return begin_segment(pg, arena, newest.last_at + 1, 0);
}

/* --- cutting another in two --- */

/* Nothing of it is on its way, and not all of it is of its first moment: of that nothing can be cut. */
static const char LARGE[] = "SELECT s.id, s.salt, s.from_at FROM search_segment s WHERE n >= $1 AND was IS NULL"
                            " AND NOT EXISTS (SELECT FROM search_segment o WHERE o.was = s.id) AND last_at > from_at"
                            " ORDER BY from_at LIMIT 1";
/* Key 0 is each message's. */
static const char MIDDLE[] = "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY e.at) AS last_at FROM search_entry e"
                             " WHERE e.keys @> ARRAY[$2::bigint::integer] AND e.segment = $1";
static const char SHORTEN[] = "UPDATE search_segment SET last_at = $2 WHERE id = $1";

static enum err cut_large(struct pg *pg, struct arena *arena)
{
    struct segment large, middle = { 0 };
    enum err e = pg_one(pg, arena, &segment_shape, &large, LARGE, PG_ARGS(pg_int(2 * SEARCH_SEGMENT_MAX)));

    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    TRY(pg_one(pg, arena, &segment_shape, &middle, MIDDLE, PG_ARGS(pg_int(large.id), pg_int(large.salt))));
    int64_t cut = middle.last_at > large.from_at ? middle.last_at : large.from_at + 1;
    TRY(pg_run(pg, arena, SHORTEN, PG_ARGS(pg_int(large.id), pg_int(cut - 1)), NULL));
    return begin_segment(pg, arena, cut, large.id);
}

/* --- moving what was cut off --- */

static const char MOVING[] = "SELECT s.id, s.was FROM search_segment s WHERE was IS NOT NULL ORDER BY id LIMIT 1";
static const char MOVE[] =
    "WITH way AS (SELECT s.id, s.was, o.salt AS from_salt, o.salt # s.salt AS salt, s.from_at, COALESCE((SELECT "
    "n.from_at"
    "  FROM search_segment n WHERE n.from_at > s.from_at ORDER BY n.from_at LIMIT 1), 9223372036854775807) AS until"
    "  FROM search_segment s JOIN search_segment o ON o.id = s.was WHERE s.id = $1),"
    " part AS (SELECT e.room_id, e.seq FROM way w CROSS JOIN LATERAL (SELECT room_id, seq FROM search_entry e WHERE"
    "  e.keys @> ARRAY[w.from_salt] AND e.segment = w.was AND e.at >= w.from_at AND e.at < w.until LIMIT $2) e),"
    " moved AS (UPDATE search_entry e SET segment = w.id, keys = (SELECT array_agg(k # w.salt) FROM unnest(e.keys) k)"
    "  FROM part m, way w WHERE e.room_id = m.room_id AND e.seq = m.seq RETURNING e.at),"
    " n AS (SELECT count(*) AS n, max(at) AS last_at FROM moved)"
    " UPDATE search_segment s SET n = CASE WHEN s.id = w.id THEN s.n + n.n ELSE s.n - n.n END,"
    " last_at = CASE WHEN s.id = w.id THEN greatest(s.last_at, n.last_at) ELSE s.last_at END,"
    " was = CASE WHEN s.id = w.id AND n.n < $2 THEN NULL ELSE s.was END FROM way w, n WHERE s.id IN (w.id, w.was)";

static enum err move_some(struct pg *pg, struct arena *arena)
{
    struct segment moving;
    enum err e = pg_one(pg, arena, &segment_shape, &moving, MOVING, PG_NO_ARGS);

    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    return pg_run(pg, arena, MOVE, PG_ARGS(pg_int(moving.id), pg_int(MOVED_AT_ONCE)), NULL);
}

enum err search_tend_segments(struct pg *pg, struct arena *arena)
{
    TRY(close_newest(pg, arena));
    TRY(cut_large(pg, arena));
    return move_some(pg, arena);
}

/* log_page.c - a slice of a room's log.  Both directions walk the primary key and nothing else. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/store.h"

#define PAGE_BYTES (1 << 20) /* of text: a page of the longest messages would be fifty times this */

/*
 * What a meta of before 0002 prints, at the most, without printing it: jsonb keeps a number of 325 characters in 16 bytes,
 * and one that is compressed says of its size nothing; 4,096 bytes of msgpack were let in.
 */
#define OLD_META_BYTES                                                                                                 \
    "CASE WHEN pg_column_compression(s.meta) IS NULL THEN 24 * pg_column_size(s.meta) ELSE 163840 END"

/* The inner SELECT is the walk, the middle one counts its bytes, the outer one cuts. */
#define PAGE(condition, direction)                                                                                     \
    "SELECT room, seq, id, sender, body, COALESCE(meta_as_sent, old_meta::json) AS meta, at FROM ("                    \
    " SELECT s.room_id AS room, s.seq, s.id, s.sender, s.body, s.meta_as_sent, s.meta AS old_meta, s.at,"              \
    " row_number() OVER walk AS n, sum(octet_length(s.body)"                                                           \
    " + COALESCE(octet_length(s.meta_as_sent::text), " OLD_META_BYTES ", 0)) OVER walk AS bytes FROM ("                \
    "  SELECT * FROM message WHERE room_id = $1 AND seq " condition " $2 ORDER BY seq " direction " LIMIT $3) s"       \
    " WINDOW walk AS (ORDER BY s.seq " direction " ROWS UNBOUNDED PRECEDING)) page"                                    \
    " WHERE n = 1 OR bytes <= $4 ORDER BY seq"

static const char AFTER[] = PAGE(">", "ASC");
static const char BEFORE[] = PAGE("<", "DESC");

static const char HEAD[] = "SELECT room_id AS room, seq FROM room_head WHERE room_id = $1";

/* The head is read last: it is never older than the messages, so a reader who has `head` has all. */
enum err log_page(struct pg *pg, struct arena *arena, const struct slice *slice, struct message_page *out)
{
    struct log_head head = { .seq = 0 };
    bool backward = slice->before > 0;

    if (slice->limit > 0)
        TRY(pg_all(pg, arena, message_shape(), &out->messages, (size_t)slice->limit, backward ? BEFORE : AFTER,
            PG_ARGS(pg_id(slice->room), pg_int(backward ? slice->before : slice->after), pg_int(slice->limit),
                pg_int(PAGE_BYTES))));
    enum err e = pg_one(pg, arena, log_head_shape(), &head, HEAD, PG_ARGS(pg_id(slice->room)));
    out->head = head.seq;
    return e == ERR_NOT_FOUND ? OK : e;
}

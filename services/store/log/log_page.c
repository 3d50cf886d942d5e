/* log_page.c - a slice of a room's log: messages, and what was done to them.  Both directions walk the two primary keys side by side,
 * and nothing else. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/log/page.h"
#include "services/store/store.h"

#define WALK(condition, direction) " WHERE room_id = $1 AND seq " condition " $2 ORDER BY seq " direction " LIMIT $3"

/* The inner SELECT is the walk, the middle one counts its bytes, the outer one cuts. */
#define PAGE(condition, direction)                                                                                     \
    "SELECT room, seq, id, sender, body, COALESCE(meta_as_sent, old_meta::json) AS meta, at, kind, target, thread,"    \
    " (SELECT t.at FROM message t WHERE t.room_id = page.room AND t.seq = page.target) AS target_at, attachments,"     \
    " (SELECT h.at FROM hidden h WHERE h.subject = $5 AND h.room_id = page.room AND"                                   \
    " h.seq = COALESCE(page.target, page.seq)) AS hidden_at"                                                           \
    " FROM (SELECT s.*, row_number() OVER walk AS n, sum(" TEXT_BYTES(                                                 \
        "s") ") OVER walk AS bytes FROM ("                                                                             \
             "  (SELECT room_id AS room, seq, id, sender, body, meta_as_sent, meta AS old_meta, at, kind,"             \
             "   NULL::bigint AS target, thread, attachments FROM message" WALK(condition,                             \
                 direction) ")"                                                                                        \
                            "  UNION ALL"                                                                              \
                            "  (SELECT room_id, seq, id, sender, body, NULL, NULL, at, kind, target, NULL, "           \
                            "attachments FROM "                                                                        \
                            "change" WALK(condition, direction) ")"                                                    \
                                                                "  ORDER BY seq " direction " LIMIT $3) s"             \
                                                                " WINDOW walk AS (ORDER BY s.seq " direction           \
                                                                " ROWS UNBOUNDED PRECEDING)) page"                     \
                                                                " WHERE n = 1 OR bytes <= $4 ORDER BY seq"

static const char AFTER[] = PAGE(">", "ASC");
static const char BEFORE[] = PAGE("<", "DESC");

static const char HEAD[] = "SELECT room_id AS room, seq FROM room_head WHERE room_id = $1";

enum err log_head_read(struct pg *pg, struct arena *arena, struct id room, int64_t *out)
{
    struct log_head head = { .seq = 0 };
    enum err e = pg_one(pg, arena, log_head_shape(), &head, HEAD, PG_ARGS(pg_id(room)));

    *out = head.seq;
    return e == ERR_NOT_FOUND ? OK : e;
}

static void blank_entry(struct message *entry)
{
    entry->body = STR("");
    entry->meta = STR_NONE;
    entry->attachments = (struct id_list){ NULL, 0 };
}

/* The head is read last: it is never older than the messages, so a reader who has `head` has all. */
enum err log_page(struct pg *pg, struct arena *arena, const struct slice *slice, struct message_page *out)
{
    bool backward = slice->before > 0;

    if (slice->limit > 0)
        TRY(pg_all(pg, arena, message_shape(), &out->messages, (size_t)slice->limit, backward ? BEFORE : AFTER,
            PG_ARGS(pg_id(slice->room), pg_int(backward ? slice->before : slice->after), pg_int(slice->limit),
                pg_int(PAGE_BYTES), pg_text(slice->reader.len > 0 ? slice->reader : STR("")))));
    for (size_t i = 0; i < out->messages.len; i++)
        if (out->messages.at[i].hidden_at > 0) blank_entry(&out->messages.at[i]);
    return log_head_read(pg, arena, slice->room, &out->head);
}

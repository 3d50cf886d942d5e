/* log_page.c - a slice of a room's log: messages, and what was done to them.  Both directions walk the two primary keys side by side,
 * and nothing else. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
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

static const char ENDS[] = "SELECT seq AS head, first FROM room_head WHERE room_id = $1";

static const struct wire_field ends_fields[] = { ROW_FIELD(struct log_ends, head, INT),
    ROW_FIELD(struct log_ends, first, INT), ROW_END };
static const struct wire_shape ends_shape = { "log_ends", "", sizeof(struct log_ends), ends_fields };

enum err log_ends_read(struct pg *pg, struct arena *arena, struct id room, struct log_ends *out)
{
    *out = (struct log_ends){ 0, 1 };
    enum err e = pg_one(pg, arena, &ends_shape, out, ENDS, PG_ARGS(pg_id(room)));
    return e == ERR_NOT_FOUND ? OK : e;
}

static void blank_entry(struct message *entry)
{
    entry->body = STR("");
    entry->meta = STR_NONE;
    entry->attachments = (struct id_list){ NULL, 0 };
}

/* What its reader hid; and what is done to messages that are not kept any more, which has their words. */
static bool is_blank(const struct message *entry, const struct log_ends *ends)
{
    return entry->hidden_at > 0 || (entry->target > 0 && entry->target < ends->first);
}

/* The ends are read last: the head is never older than the messages, so a reader who has `head` has all. */
enum err log_page(struct pg *pg, struct arena *arena, const struct slice *slice, struct message_page *out)
{
    bool backward = slice->before > 0;
    struct log_ends ends;

    if (slice->limit > 0)
        TRY(pg_all(pg, arena, message_shape(), &out->messages, (size_t)slice->limit, backward ? BEFORE : AFTER,
            PG_ARGS(pg_id(slice->room), pg_int(backward ? slice->before : slice->after), pg_int(slice->limit),
                pg_int(PAGE_BYTES), pg_text(slice->reader.len > 0 ? slice->reader : STR("")))));
    TRY(log_ends_read(pg, arena, slice->room, &ends));
    for (size_t i = 0; i < out->messages.len; i++)
        if (is_blank(&out->messages.at[i], &ends)) blank_entry(&out->messages.at[i]);
    out->head = ends.head;
    out->first = log_first_told(&ends);
    return OK;
}

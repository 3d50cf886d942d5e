/* texts.c - messages as they are now, by their places: those that are deleted or withheld or that the reader hides, and what the server
 * says, are not there. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/store/search/search.h"

static const struct wire_field text_fields[] = {
    ROW_FIELD(struct search_source, room, ID),
    ROW_FIELD(struct search_source, seq, INT),
    ROW_FIELD(struct search_source, at, TIME),
    ROW_FIELD(struct search_source, sender, TEXT),
    ROW_FIELD(struct search_source, body, TEXT),
    ROW_FIELD(struct search_source, is_reply, BOOL),
    ROW_FIELD(struct search_source, shows_media, BOOL),
    ROW_END,
};
static const struct wire_shape text_shape = { "search_source", "", sizeof(struct search_source), text_fields };

/* What history_page.c says about its lookups holds here, too. */
static const char TEXTS[] =
    "SELECT t.room, t.seq, m.at, m.sender, COALESCE(n.body, m.body) AS body, m.thread IS NOT NULL AS is_reply,"
    " COALESCE(cardinality(CASE WHEN n.edit_seq IS NULL THEN m.attachments ELSE n.attachments END), 0) > 0"
    " AS shows_media FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS t (room, seq, i)"
    " CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.room_id = t.room AND m.seq BETWEEN t.seq AND t.seq"
    "  ORDER BY m.seq LIMIT 1) m"
    " LEFT JOIN LATERAL (SELECT * FROM message_now n WHERE n.room_id = t.room AND n.seq = t.seq OFFSET 0) n ON true"
    " LEFT JOIN LATERAL (SELECT h.at FROM hidden h WHERE h.subject = $3 AND h.room_id = t.room AND h.seq = t.seq"
    "  OFFSET 0) h ON true WHERE m.kind IS NULL AND n.deleted_at IS NULL AND n.withheld_at IS NULL AND h.at IS NULL"
    " AND m.seq >= (SELECT first FROM room_head WHERE room_id = t.room) ORDER BY t.i";

enum err search_texts(struct pg *pg, struct arena *arena, struct id_list rooms, const int64_t *seqs, struct str reader,
    struct search_source_list *out)
{
    return pg_all(pg, arena, &text_shape, out, rooms.len, TEXTS,
        PG_ARGS(pg_ids(arena, rooms), pg_ints(arena, seqs, rooms.len), pg_text(reader)));
}

unsigned search_kinds(const struct search_source *source)
{
    return search_kinds_of(source->body) | (source->is_reply ? SEARCH_reply : 0) |
           (source->shows_media ? SEARCH_media : 0);
}

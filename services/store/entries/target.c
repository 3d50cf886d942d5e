/* target.c - a message, read before something is done to it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/store/store.h"

/* Sender and time of a message never change.  Whether it is deleted or marked may, before the entry is in the log: batch_effects.c
 * looks again.  The server's own lines are no target. */
static const char TARGET[] =
    "SELECT m.sender, m.at, m.thread IS NOT NULL AS is_reply, n.delete_seq IS NOT NULL AS is_deleted,"
    " n.withheld_at IS NOT NULL AS is_withheld,"
    " COALESCE(n.edits, 0) AS edits,"
    " CASE WHEN $6 = '' THEN EXISTS (SELECT FROM message s WHERE s.room_id = $1 AND s.sender = $3 AND s.id = $4)"
    " ELSE EXISTS (SELECT FROM change s WHERE s.room_id = $1 AND s.sender = $3 AND s.id = $4) END AS is_repeat,"
    " CASE WHEN $6 LIKE 'pin:%' THEN COALESCE(n.pinned, false) ELSE COALESCE(r.present, false) END AS is_so,"
    " (SELECT count(*) FROM reaction_count c WHERE c.room_id = $1 AND c.seq = $2 AND c.emoji <> $5) AS emojis,"
    " COALESCE(d.seq, 0) AS done_seq, d.id AS done_id, d.at AS done_at"
    " FROM message m LEFT JOIN message_now n ON n.room_id = m.room_id AND n.seq = m.seq"
    " LEFT JOIN reaction r ON r.room_id = m.room_id AND r.seq = m.seq AND r.emoji = $5 AND r.subject = $3"
    " LEFT JOIN change d ON d.room_id = m.room_id AND d.seq = CASE $6 WHEN 'message:delete' THEN n.delete_seq"
    " WHEN 'message:withhold' THEN CASE WHEN n.withheld_at IS NOT NULL THEN n.withhold_seq END"
    " WHEN 'message:release' THEN CASE WHEN n.withheld_at IS NULL AND n.delete_seq IS NULL THEN n.withhold_seq END"
    " WHEN 'pin:add' THEN CASE WHEN n.pinned THEN n.pin_seq END"
    " WHEN 'pin:remove' THEN CASE WHEN NOT n.pinned THEN n.pin_seq END"
    " WHEN 'reaction:add' THEN CASE WHEN r.present AND n.delete_seq IS NULL THEN r.entry END"
    " WHEN 'reaction:remove' THEN CASE WHEN NOT r.present THEN r.entry END END"
    " WHERE m.room_id = $1 AND m.seq = $2 AND m.kind IS NULL"
    " AND m.seq >= (SELECT h.first FROM room_head h WHERE h.room_id = $1)";

static const struct wire_field target_fields[] = {
    ROW_FIELD(struct target, sender, TEXT),
    ROW_FIELD(struct target, at, TIME),
    ROW_FIELD(struct target, is_reply, BOOL),
    ROW_FIELD(struct target, is_deleted, BOOL),
    ROW_FIELD(struct target, is_withheld, BOOL),
    ROW_FIELD(struct target, is_repeat, BOOL),
    ROW_FIELD(struct target, is_so, BOOL),
    ROW_FIELD(struct target, edits, INT),
    ROW_FIELD(struct target, emojis, INT),
    ROW_FIELD(struct target, done_seq, INT),
    ROW_FIELD(struct target, done_id, TEXT),
    ROW_FIELD(struct target, done_at, TIME),
    ROW_END,
};
static const struct wire_shape target_shape = { "target", "", sizeof(struct target), target_fields };

static const char REPEAT[] = "SELECT FROM message WHERE room_id = $1 AND sender = $2 AND id = $3";

enum err repeat_read(struct pg *pg, struct arena *arena, const struct message *entry, bool *out)
{
    int64_t rows = 0;
    enum err e =
        pg_run(pg, arena, REPEAT, PG_ARGS(pg_id(entry->room), pg_text(entry->sender), pg_text(entry->id)), &rows);

    *out = rows > 0;
    return e;
}

enum err target_read(struct pg *pg, struct arena *arena, const struct message *entry, struct target *out)
{
    int64_t seq = entry->target > 0 ? entry->target : entry->thread;
    struct str kind = entry->kind.len > 0 ? entry->kind : STR("");

    return pg_one(pg, arena, &target_shape, out, TARGET,
        PG_ARGS(pg_id(entry->room), pg_int(seq), pg_text(entry->sender), pg_text(entry->id), pg_text(entry->body),
            pg_text(kind)));
}

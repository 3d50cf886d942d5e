/*
 * batch_effects.c - what entries do to messages as they are read.
 *
 *      reply   counts itself in its thread
 *      edit    is the text from now on, and shows the media from now on
 *      react   is there, or no longer, and counted
 *      pin     is there, or no longer
 *      withhold takes the text aside, that of the edits too; release puts it back
 *      delete  takes the text away, that of the edits too, and shows nothing
 *
 * Each statement finds the batch's entries by their ids, as they are stored.  The batch holds the rooms' rows in room_head, so nobody
 * else writes here; and each part of the view has the seq of the entry that made it so, and gives way to none that is older: so a
 * repeat, which runs once more, changes nothing.  A deletion comes last: what the same batch does to the message is undone with it.
 */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/messages/batch_effects.h"

#include "libshared/db/pg.h"

/* The last entry that the batch has for each `key`; of messages that the room does not keep any more nothing is written. */
#define LAST(of, key)                                                                                                  \
    "WITH found AS (SELECT DISTINCT ON (" key ") c.* FROM unnest($1::uuid[], $2::text[], $3::text[])"                  \
    " AS a (room_id, sender, id) JOIN change c USING (room_id, sender, id) JOIN room_head h USING (room_id)"           \
    " WHERE c.kind IN (" of ") AND c.target >= h.first"                                                                \
    " ORDER BY " key ", c.seq DESC)"

static const char REPLY[] = "WITH new AS (INSERT INTO reply (room_id, thread, seq) SELECT m.room_id, m.thread, m.seq"
                            "       FROM unnest($1::uuid[], $2::text[], $3::text[]) AS a (room_id, sender, id)"
                            "       JOIN message m USING (room_id, sender, id) JOIN room_head h USING (room_id)"
                            "       WHERE m.thread >= h.first"
                            "       ON CONFLICT DO NOTHING RETURNING room_id, thread, seq)"
                            " INSERT INTO message_now AS n (room_id, seq, replies, last_reply)"
                            " SELECT room_id, thread, count(*), max(seq) FROM new GROUP BY room_id, thread"
                            " ON CONFLICT (room_id, seq) DO UPDATE SET replies = n.replies + EXCLUDED.replies,"
                            " last_reply = greatest(n.last_reply, EXCLUDED.last_reply)";

/* The sender of an edit is that of the message: proto/entries.def. */
static const char EDIT[] = LAST("'message:edit'",
    "c.room_id, c.target") ", now AS (INSERT INTO message_now AS n (room_id, seq, body, attachments, edits, edit_seq,"
                           "       edited_at, former_due) SELECT room_id, target, body, attachments, 1, seq, at,"
                           "       CASE WHEN $4::bigint > 0 THEN at + $4::bigint * interval '1 second' END FROM found"
                           "       ON CONFLICT (room_id, seq) DO UPDATE SET body = EXCLUDED.body, attachments ="
                           "       EXCLUDED.attachments, edits = n.edits + 1, edit_seq = EXCLUDED.edit_seq,"
                           "       edited_at = EXCLUDED.edited_at, former_due = COALESCE(n.former_due, "
                           "EXCLUDED.former_due)"
                           "       WHERE n.delete_seq IS NULL AND n.withheld_at IS NULL AND"
                           "       COALESCE(n.edit_seq, 0) < EXCLUDED.edit_seq RETURNING room_id, seq, attachments),"
                           " shown AS (INSERT INTO attachment (media, room_id, seq, sender)"
                           "       SELECT media, room_id, now.seq, sender FROM now JOIN found f USING (room_id),"
                           "       unnest(now.attachments) AS media WHERE f.target = now.seq ON CONFLICT DO NOTHING)"
                           " DELETE FROM attachment a USING now WHERE a.room_id = now.room_id AND a.seq = now.seq"
                           " AND a.media <> ALL (COALESCE(now.attachments, '{}'))";

static const char REACT[] = LAST("'reaction:add', 'reaction:remove'",
    "c.room_id, c.target, c.body, c.sender") ", later AS (SELECT f.room_id, f.target AS seq, f.body AS emoji, f.sender "
                                             "AS subject, f.seq AS entry,"
                                             "       f.kind = 'reaction:add' AS present, COALESCE(r.present, false) AS "
                                             "was FROM found f LEFT JOIN reaction r"
                                             "       ON r.room_id = f.room_id AND r.seq = f.target AND r.emoji = "
                                             "f.body AND r.subject = f.sender"
                                             "       WHERE COALESCE(r.entry, 0) < f.seq),"
                                             " kept AS (INSERT INTO reaction AS r (room_id, seq, emoji, subject, "
                                             "entry, present)"
                                             "       SELECT room_id, seq, emoji, subject, entry, present FROM later ON "
                                             "CONFLICT (room_id, seq, emoji, subject)"
                                             "       DO UPDATE SET entry = EXCLUDED.entry, present = EXCLUDED.present)"
                                             " INSERT INTO reaction_count AS t (room_id, seq, emoji, n, first) SELECT "
                                             "room_id, seq, emoji,"
                                             " sum(present::int - was::int), min(entry) FROM later GROUP BY room_id, "
                                             "seq, emoji"
                                             " ON CONFLICT (room_id, seq, emoji) DO UPDATE SET n = t.n + EXCLUDED.n,"
                                             " first = CASE WHEN t.n = 0 THEN EXCLUDED.first ELSE t.first END";

static const char PIN[] = LAST("'pin:add', 'pin:remove'",
    "c.room_id, c.target") " INSERT INTO message_now AS n (room_id, seq, pinned, pin_seq)"
                           " SELECT room_id, target, kind = 'pin:add', seq FROM found"
                           " ON CONFLICT (room_id, seq) DO UPDATE SET pinned = EXCLUDED.pinned, pin_seq = "
                           "EXCLUDED.pin_seq"
                           " WHERE n.delete_seq IS NULL AND COALESCE(n.pin_seq, 0) < EXCLUDED.pin_seq";

/* Of both kinds the last one stands, each unless the view has a later one.  Words that lie aside already stay those that they were. */
#define WITHHOLDING(kind, also)                                                                                        \
    LAST("'message:withhold', 'message:release'", "c.room_id, c.target")                                               \
    ", due AS (SELECT f.* FROM found f LEFT JOIN message_now n ON n.room_id = f.room_id AND n.seq = f.target"          \
    "       WHERE f.kind = '" kind "' AND n.delete_seq IS NULL AND COALESCE(n.withhold_seq, 0) < f.seq" also ")"

/* clang-format off */
static const char WITHHOLD[] = WITHHOLDING("message:withhold", "")
    ", aside AS (INSERT INTO withheld (room_id, seq, message, body, meta, attachments)"
    "       SELECT m.room_id, m.seq, m.seq, m.body, COALESCE(m.meta_as_sent, m.meta::json), m.attachments"
    "       FROM due f JOIN message m ON m.room_id = f.room_id AND m.seq = f.target UNION ALL"
    "       SELECT e.room_id, e.seq, e.target, e.body, NULL, e.attachments FROM due f JOIN change e ON"
    "       e.room_id = f.room_id AND e.target = f.target AND e.kind = 'message:edit' ON CONFLICT DO NOTHING),"
    " blanked AS (UPDATE message m SET body = '', meta = NULL, meta_as_sent = NULL, attachments = NULL FROM due f"
    "       WHERE m.room_id = f.room_id AND m.seq = f.target),"
    " edits AS (UPDATE change e SET body = '', attachments = NULL FROM due f WHERE e.room_id = f.room_id AND"
    "       e.target = f.target AND e.kind = 'message:edit'),"
    " shown AS (UPDATE attachment a SET withheld = true FROM due f WHERE a.room_id = f.room_id AND a.seq = f.target)"
    " INSERT INTO message_now AS n (room_id, seq, withhold_seq, withheld_at, withheld_by)"
    " SELECT room_id, target, seq, at, sender FROM due ON CONFLICT (room_id, seq) DO UPDATE SET body = NULL,"
    " attachments = NULL, withhold_seq = EXCLUDED.withhold_seq, withheld_at = COALESCE(n.withheld_at,"
    " EXCLUDED.withheld_at), withheld_by = COALESCE(n.withheld_by, EXCLUDED.withheld_by)";

static const char RELEASE[] = WITHHOLDING("message:release", " AND n.withheld_at IS NOT NULL")
    ", back AS (DELETE FROM withheld w USING due f WHERE w.room_id = f.room_id AND w.message = f.target RETURNING w.*),"
    " texts AS (UPDATE message m SET body = b.body, meta_as_sent = b.meta, attachments = b.attachments FROM back b"
    "       WHERE b.seq = b.message AND m.room_id = b.room_id AND m.seq = b.seq),"
    " edits AS (UPDATE change e SET body = b.body, attachments = b.attachments FROM back b"
    "       WHERE b.seq <> b.message AND e.room_id = b.room_id AND e.seq = b.seq),"
    " shown AS (UPDATE attachment a SET withheld = false FROM due f WHERE a.room_id = f.room_id AND a.seq = f.target)"
    " UPDATE message_now n SET body = (SELECT b.body FROM back b WHERE b.room_id = n.room_id AND b.seq = n.edit_seq),"
    " attachments = (SELECT b.attachments FROM back b WHERE b.room_id = n.room_id AND b.seq = n.edit_seq),"
    " withhold_seq = f.seq, withheld_at = NULL, withheld_by = NULL FROM due f WHERE n.room_id = f.room_id AND"
    " n.seq = f.target";
/* clang-format on */

/* The first of them stands.  All parts see what was there before this statement: so the texts are kept as they were. */
static const char DELETE[] = LAST("'message:delete'",
    "c.room_id, c.target") ", gone AS (INSERT INTO message_now AS n (room_id, seq, delete_seq, deleted_at, deleted_by)"
                           "       SELECT room_id, target, seq, at, sender FROM found ON CONFLICT (room_id, seq) DO "
                           "UPDATE"
                           "       SET body = NULL, attachments = NULL, former_due = NULL, pinned = false, withheld_at "
                           "= NULL,"
                           "       withheld_by = NULL, delete_seq = COALESCE(n.delete_seq, EXCLUDED.delete_seq),"
                           "       deleted_at = COALESCE(n.deleted_at, EXCLUDED.deleted_at),"
                           "       deleted_by = COALESCE(n.deleted_by, EXCLUDED.deleted_by)),"
                           " aside AS (DELETE FROM withheld w USING found f WHERE w.room_id = f.room_id AND w.message "
                           "= "
                           "f.target RETURNING w.room_id, w.seq, w.body, w.meta),"
                           " kept AS (INSERT INTO removed (room_id, seq, body, meta, purge_at) SELECT room_id, seq, "
                           "body, meta,"
                           "       now() + $4::bigint * interval '1 second' FROM ("
                           "       SELECT m.room_id, m.seq, m.body, COALESCE(m.meta_as_sent, m.meta::json) AS meta"
                           "       FROM found f JOIN message m ON m.room_id = f.room_id AND m.seq = f.target UNION ALL"
                           "       SELECT e.room_id, e.seq, e.body, NULL FROM found f JOIN change e ON e.room_id = "
                           "f.room_id"
                           "       AND e.target = f.target AND e.kind = 'message:edit' UNION ALL SELECT * FROM aside) "
                           "texts"
                           "       WHERE $4::bigint > 0 AND (body <> '' OR meta IS NOT NULL) ON CONFLICT DO NOTHING),"
                           " edits AS (UPDATE change e SET body = '', attachments = NULL FROM found f WHERE"
                           "       e.room_id = f.room_id AND e.target = f.target AND e.kind = 'message:edit'"
                           "       AND (e.body <> '' OR e.attachments IS NOT NULL)),"
                           " hidden AS (DELETE FROM attachment a USING found f WHERE a.room_id = f.room_id AND"
                           "       a.seq = f.target)"
                           " UPDATE message m SET body = '', meta = NULL, meta_as_sent = NULL, attachments = NULL FROM "
                           "found f"
                           " WHERE m.room_id = f.room_id AND m.seq = f.target";

/* Effects as the rows of proto/entries.def name them, in the order in which they are sent; of `none` there is only the reply. */
enum effect {
    EFFECT_none,
    EFFECT_edit,
    EFFECT_react,
    EFFECT_pin,
    EFFECT_withhold,
    EFFECT_release,
    EFFECT_delete,
    EFFECTS
};

static const char *const statements[EFFECTS] = {
    [EFFECT_none] = REPLY,
    [EFFECT_edit] = EDIT,
    [EFFECT_react] = REACT,
    [EFFECT_pin] = PIN,
    [EFFECT_withhold] = WITHHOLD,
    [EFFECT_release] = RELEASE,
    [EFFECT_delete] = DELETE,
};
static const char *const names[EFFECTS] = {
    [EFFECT_none] = "reply",
    [EFFECT_edit] = "edit",
    [EFFECT_react] = "react",
    [EFFECT_pin] = "pin",
    [EFFECT_withhold] = "withhold",
    [EFFECT_release] = "release",
    [EFFECT_delete] = "delete",
};

bool effects_prepare(PGconn *conn)
{
    for (size_t i = 0; i < EFFECTS; i++)
        if (PQsendPrepare(conn, names[i], statements[i], 0, NULL) != 1) return false;
    return true;
}

/* clang-format off */
static enum effect effect_of(const struct message *m)
{
    static const struct { const char *name; enum effect effect; } rows[] = {
#define ENTRY(kind, name, about, heard, unread, effect, doc) { name, EFFECT_##effect },
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_is(m->kind, rows[i].name)) return rows[i].effect;
    return EFFECT_none;
}
/* clang-format on */

struct keys {
    struct id_list rooms;
    struct str_list senders, ids;
};

static bool has_effect(const struct message *m)
{
    return m->target > 0 || m->thread > 0;
}

static struct keys keys_of(struct arena *arena, struct append *const *at, size_t n)
{
    struct keys keys = { { arena_alloc(arena, n * sizeof(struct id)), 0 },
        { arena_alloc(arena, n * sizeof(struct str)), 0 }, { arena_alloc(arena, n * sizeof(struct str)), 0 } };

    for (size_t i = 0; i < n; i++) {
        const struct message *m = &at[i]->message;
        if (!has_effect(m)) continue;
        keys.rooms.at[keys.rooms.len++] = m->room;
        keys.senders.at[keys.senders.len++] = m->sender;
        keys.ids.at[keys.ids.len++] = m->id;
    }
    return keys;
}

/* An effect's arguments, in the place of those of the one before. */
static void args_for(enum effect effect, const struct batch_limits *limits, struct pg_args *args)
{
    args->n = effect == EFFECT_delete || effect == EFFECT_edit ? 4 : 3;
    args->at[3] = pg_int(effect == EFFECT_edit ? limits->former_kept_s : limits->deleted_kept_s);
}

static struct pg_args args_of(struct arena *arena, const struct keys *keys)
{
    return *PG_ARGS(pg_ids(arena, keys->rooms), pg_texts(arena, keys->senders), pg_texts(arena, keys->ids));
}

bool effects_send(
    PGconn *conn, struct arena *arena, struct append *const *at, size_t n, const struct batch_limits *limits)
{
    struct keys keys = keys_of(arena, at, n);
    bool has[EFFECTS] = { false };

    if (keys.ids.len == 0) return true;
    for (size_t i = 0; i < n; i++)
        if (has_effect(&at[i]->message)) has[effect_of(&at[i]->message)] = true;

    struct pg_args args = args_of(arena, &keys);
    for (size_t i = 0; i < EFFECTS; i++) {
        args_for((enum effect)i, limits, &args);
        if (has[i] && !batch_send(conn, names[i], &args)) return false;
    }
    return true;
}

enum err effects_run(struct pg *pg, struct arena *arena, struct message_list stored, const struct batch_limits *limits)
{
    struct append *appends = arena_zero(arena, stored.len * sizeof *appends + 1);
    struct append **at = arena_alloc(arena, stored.len * sizeof *at + 1);
    bool has[EFFECTS] = { false };

    for (size_t i = 0; i < stored.len; i++) {
        appends[i].message = stored.at[i];
        at[i] = &appends[i];
        if (has_effect(&stored.at[i])) has[effect_of(&stored.at[i])] = true;
    }
    struct keys keys = keys_of(arena, at, stored.len);
    struct pg_args args = args_of(arena, &keys);
    for (size_t i = 0; i < EFFECTS; i++) {
        args_for((enum effect)i, limits, &args);
        if (has[i]) TRY(pg_run(pg, arena, statements[i], &args, NULL));
    }
    return OK;
}

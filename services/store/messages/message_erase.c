/* message_erase.c - what a user who was erased has said: its text goes, that of its edits too, and its place in the log stays. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/store/moderation/moderation.h"

#define ROOMS_AT_ONCE    500
#define MESSAGES_AT_ONCE 500

/* Room by room, by the index that keeps a sender's ids apart: one of senders alone would cost every message that is stored.
 * The server's own lines about them stay, and name nobody any more.  $3 is a key if the room $2 was not finished. */
#define FOUND                                                                                                          \
    "WITH rooms AS (SELECT room_id FROM room_head WHERE room_id >= coalesce($2,"                                       \
    " '00000000-0000-0000-0000-000000000000'::uuid) AND ($2 IS NULL OR room_id > $2 OR $3 <> '') ORDER BY room_id "    \
    "LIMIT $4),"                                                                                                       \
    " found AS (SELECT m.* FROM rooms r, LATERAL (SELECT room_id, id, seq FROM message WHERE room_id = r.room_id AND"  \
    " sender = $1 AND kind IS NULL AND (room_id IS DISTINCT FROM $2 OR id > $3) ORDER BY id LIMIT $5) m ORDER BY "     \
    "m.room_id, m.id LIMIT $5)"

/* A statement of its own: so BLANK sees what was withheld or deleted meanwhile, and what is withheld later has no words to lay aside. */
static const char HOLD_ROOMS[] =
    FOUND " SELECT FROM room_head WHERE room_id IN (SELECT room_id FROM found) ORDER BY room_id FOR UPDATE";
static const char BLANK[] = FOUND
    ", blanked AS (UPDATE message SET body = '', meta = NULL, meta_as_sent = NULL, attachments = NULL FROM "
    "found WHERE"
    " message.room_id = found.room_id AND message.seq = found.seq),"
    " views AS (UPDATE message_now n SET body = NULL, attachments = NULL FROM found f WHERE n.room_id = f.room_id AND "
    "n.seq = f.seq),"
    " edits AS (UPDATE change e SET body = '', attachments = NULL FROM found f WHERE e.room_id = f.room_id AND "
    "e.target = f.seq AND"
    " e.kind = 'message:edit'),"
    " shown AS (DELETE FROM attachment a USING found f WHERE a.room_id = f.room_id AND a.seq = f.seq),"
    " known AS (DELETE FROM search_entry k USING found f WHERE k.room_id = f.room_id AND k.seq = f.seq RETURNING "
    "k.segment),"
    " fewer AS (UPDATE search_segment s SET n = s.n - k.n FROM (SELECT segment, count(*) AS n FROM known GROUP BY "
    "segment)"
    " k WHERE s.id = k.segment),"
    " aside AS (DELETE FROM withheld w USING found f WHERE w.room_id = f.room_id AND w.message = f.seq),"
    " kept AS (DELETE FROM removed d USING found f WHERE d.room_id = f.room_id AND (d.seq = f.seq OR d.seq IN"
    " (SELECT e.seq FROM change e WHERE e.room_id = f.room_id AND e.target = f.seq AND e.kind = 'message:edit')))"
    " SELECT (SELECT count(*) FROM rooms) AS rooms, (SELECT count(*) FROM found) AS messages,"
    " (SELECT room_id FROM rooms ORDER BY room_id DESC LIMIT 1) AS last_room,"
    " (SELECT room_id FROM found ORDER BY room_id DESC, id DESC LIMIT 1) AS last_found,"
    " (SELECT id FROM found ORDER BY room_id DESC, id DESC LIMIT 1) AS last_key";

struct blanked {
    int64_t rooms, messages;
    struct id last_room, last_found;
    struct str last_key;
};
static const struct wire_field blanked_fields[] = {
    ROW_FIELD(struct blanked, rooms, INT),
    ROW_FIELD(struct blanked, messages, INT),
    ROW_FIELD(struct blanked, last_room, ID),
    ROW_FIELD(struct blanked, last_found, ID),
    ROW_FIELD(struct blanked, last_key, TEXT),
    ROW_END,
};
static const struct wire_shape blanked_shape = { "blanked", "", sizeof(struct blanked), blanked_fields };

/* So that search does not write what it has read before: services/store/search. */
static const char HOLD_SEARCH[] = "SELECT 1 FROM search_writer FOR UPDATE";

static enum err blank_some(struct call *call, struct erasure *erasure)
{
    struct str after_key = erasure->after_key.len > 0 ? erasure->after_key : STR("");
    char subject[ID_TEXT_BYTES + 1];
    struct blanked some = { 0 };

    id_format(erasure->user, subject);
    TRY(pg_run(call->pg, call->arena, HOLD_SEARCH, PG_NO_ARGS, NULL));
    const struct pg_args *slice = PG_ARGS(pg_text(str_of(subject)), pg_id(erasure->after), pg_text(after_key),
        pg_int(ROOMS_AT_ONCE), pg_int(MESSAGES_AT_ONCE));
    TRY(pg_run(call->pg, call->arena, HOLD_ROOMS, slice, NULL));
    TRY(pg_one(call->pg, call->arena, &blanked_shape, &some, BLANK, slice));
    erasure_add(call, erasure, "messages", some.messages);
    bool is_within = some.messages == MESSAGES_AT_ONCE; /* in the room where the last one was found there may be more */
    if (!is_within && some.rooms < ROOMS_AT_ONCE) erasure->erased_at = call->now;
    erasure->after = is_within ? some.last_found : some.last_room;
    erasure->after_key = is_within ? some.last_key : STR_NONE;
    return OK;
}

static const char FORGET_HIDDEN[] = "DELETE FROM hidden WHERE ctid = ANY (ARRAY(SELECT ctid FROM hidden WHERE"
                                    " subject = $1 LIMIT $2))";

/* What they hid from themselves. */
static enum err forget_hidden(struct call *call, const struct erasure *erasure, int64_t *rows)
{
    char subject[ID_TEXT_BYTES + 1];

    id_format(erasure->user, subject);
    return pg_run(
        call->pg, call->arena, FORGET_HIDDEN, PG_ARGS(pg_text(str_of(subject)), pg_int(MESSAGES_AT_ONCE)), rows);
}

static const char FORGET_SCHEDULED[] = "DELETE FROM scheduled WHERE nth IN (SELECT nth FROM scheduled WHERE"
                                       " subject = $1 ORDER BY nth LIMIT $2)";
static const char FORGET_DRAFTS[] = "DELETE FROM draft WHERE (subject, room_id, thread) IN (SELECT subject, room_id,"
                                    " thread FROM draft WHERE subject = $1 LIMIT $2)";
static const char FORGET_PACE[] = "DELETE FROM pace WHERE sender = $1"; /* of the last hours alone */
static const char FORGET_USAGE[] = "DELETE FROM usage WHERE subject = $1";

/* What they would have said. */
static enum err forget_unsent(struct call *call, struct erasure *erasure, bool *has_more)
{
    char subject[ID_TEXT_BYTES + 1];
    int64_t scheduled, drafts;

    id_format(erasure->user, subject);
    TRY(pg_run(call->pg, call->arena, FORGET_SCHEDULED, PG_ARGS(pg_text(str_of(subject)), pg_int(MESSAGES_AT_ONCE)),
        &scheduled));
    TRY(pg_run(
        call->pg, call->arena, FORGET_DRAFTS, PG_ARGS(pg_text(str_of(subject)), pg_int(MESSAGES_AT_ONCE)), &drafts));
    erasure_add(call, erasure, "scheduled", scheduled);
    erasure_add(call, erasure, "drafts", drafts);
    *has_more = scheduled == MESSAGES_AT_ONCE || drafts == MESSAGES_AT_ONCE;
    TRY(pg_run(call->pg, call->arena, FORGET_PACE, PG_ARGS(pg_text(str_of(subject))), NULL));
    return pg_run(call->pg, call->arena, FORGET_USAGE, PG_ARGS(pg_text(str_of(subject))), NULL);
}

enum err messages_erase_some(struct call *call, struct erasure *erasure, void **left)
{
    const struct store *store = call->context;
    char subject[ID_TEXT_BYTES + 1];
    int64_t hidden, reports;
    bool has_more;

    (void)left;
    TRY(forget_unsent(call, erasure, &has_more));
    TRY(forget_hidden(call, erasure, &hidden));
    id_format(erasure->user, subject);
    TRY(reports_erase_some(call, str_of(subject), MESSAGES_AT_ONCE, &reports));
    erasure_add(call, erasure, "reports", reports);
    if (has_more || hidden == MESSAGES_AT_ONCE || reports >= MESSAGES_AT_ONCE) return OK;
    if (strcmp(store->settings->erased_messages, "blank") == 0) return blank_some(call, erasure);
    erasure->erased_at = call->now; /* the text stays, of a sender whom no name leads to */
    return OK;
}

void message_erase(struct call *call, const struct job *job, const struct erasure *payload, struct job_run *run)
{
    directory_erase(((struct store *)call->context)->directory, call, job, payload, run);
}

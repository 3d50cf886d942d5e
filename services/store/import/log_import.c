/*
 * log_import.c - a part of a file that is read in: the lines of a room, of this system or another one.
 *
 *      lines --> checked, all of them --chat: the room, its members, who are friends--> --worker: entries, one transaction--> answered
 *                                                                        the end --chat: the room is one as all others--> answered
 *
 * Nothing is remembered between two parts: where the file stands its marks say, and what is there already is compared, not written again.  So
 * a repeat changes nothing, whoever was killed; and two that read the same file in at once are as good as one: the row in room_head is the lock.
 */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/import/import.h"

#include <inttypes.h>
#include <string.h>

#include "libshared/db/pg.h"
#include "libshared/jobs/deeds.h"
#include "libshared/wire/columns.h"
#include "services/store/export/export.h"
#include "services/store/messages/batch_effects.h"
#include "services/store/store.h"

#define LINE_BYTES (1u << 18) /* an entry, as JSON */

struct import_step {
    struct store *store;
    struct rpc_later *later;
    struct import_lines lines;
    int64_t line;  /* at fault, if what it says is */
    bool is_open;  /* chat has been told the end */
    bool is_whole; /* the room was, before this: it is compared, and nothing of it written */
};

static void end_part(struct import_step *part, enum err e)
{
    struct call *call = rpc_later_call(part->later);
    struct import_report report = { part->lines.room, part->lines.place.entries };

    if ((e == ERR_CONFLICT || e == ERR_INVALID_ARGUMENT) && call->why->line == 0) call->why->line = part->line;
    rpc_later_done(part->later, e, &report);
}

/* --- entries --- */

/* Of plans only those that look rows up, as these are made while the tables are short. */
static const char LOOK_UP[] =
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)";
static const char MAKE_HEAD[] = "INSERT INTO room_head (room_id, seq, first, cleared) VALUES ($1, $2, $2 + 1, $2 + 1)"
                                " ON CONFLICT (room_id) DO NOTHING";
static const char LOCK_HEAD[] = "SELECT FROM room_head WHERE room_id = $1 FOR UPDATE";
static const char MESSAGES[] =
    "INSERT INTO message (room_id, seq, id, sender, body, meta_as_sent, at, kind, thread, attachments)"
    " SELECT $1, seq, id, sender, body, meta, at, kind, NULLIF(thread, 0), attachments::uuid[] FROM "
    "unnest($2::bigint[],"
    " $3::text[], $4::text[], $5::text[], $6::json[], $7::timestamptz[], $8::text[], $9::bigint[], $10::text[],"
    " $11::bigint[]) AS m (seq, id, sender, body, meta, at, kind, thread, attachments, target) WHERE target = 0";
static const char CHANGES[] =
    "INSERT INTO change (room_id, seq, id, sender, kind, target, body, attachments, at)"
    " SELECT $1, seq, id, sender, kind, target, body, attachments::uuid[], at FROM unnest($2::bigint[], $3::text[],"
    " $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::bigint[], $9::text[])"
    " AS c (seq, id, sender, body, at, kind, target, attachments) WHERE target > 0";
static const char GROW[] = "UPDATE room_head SET seq = $2 WHERE room_id = $1";
/* Each is a message of the log, or one that it does not have. */
static const char ASTRAY[] =
    "SELECT $1::uuid AS room, seq FROM unnest($2::bigint[]) AS t (seq) WHERE seq >= $3 AND NOT EXISTS"
    " (SELECT FROM message m WHERE m.room_id = $1 AND m.seq = t.seq) LIMIT 1";
/* Nobody's: who reads this room reads no file of anybody's for a file's saying that it is shown here. */
static const char SHOW[] =
    "INSERT INTO attachment (media, room_id, seq, sender) SELECT media, room_id, seq, '' FROM message m,"
    " unnest(m.attachments) AS media WHERE m.room_id = $1 AND m.seq > $2 AND m.seq <= $3 AND m.attachments IS NOT NULL"
    " ON CONFLICT DO NOTHING";
static const char DISOWN[] =
    "UPDATE attachment SET sender = '' WHERE room_id = $1 AND media = ANY ($2) AND sender <> ''";
static const char NAME_MEDIA[] =
    "INSERT INTO imported_medium (room_id, media, name, type, size) SELECT $1, * FROM unnest($2::uuid[], $3::text[],"
    " $4::text[], $5::bigint[]) ON CONFLICT (room_id, media) DO NOTHING";

static enum err name_media(struct pg *pg, struct arena *arena, const struct import_lines *lines)
{
    const struct export_medium_list media = lines->media;

    if (media.len == 0) return OK;
    return pg_run(pg, arena, NAME_MEDIA,
        PG_ARGS(pg_id(lines->room), pg_ids(arena, IDS_OF(arena, media, id)),
            pg_texts(arena, TEXTS_OF(arena, media, name)), pg_texts(arena, TEXTS_OF(arena, media, type)),
            pg_ints(arena, INTS_OF(arena, media, size))),
        NULL);
}

static struct str print_entry(struct arena *arena, const struct message *entry)
{
    struct buf out = BUF(LINE_BYTES);

    export_put_entry(&out, entry);
    struct str text = out.over ? STR_NONE : arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

/* The same; or the same with its words taken away since. */
static bool is_same(struct arena *arena, struct message said, const struct message *there)
{
    if (there->body.len == 0 && there->meta.at == NULL) {
        said.body = STR("");
        said.meta = STR_NONE;
        said.attachments = there->attachments;
    }
    struct str one = print_entry(arena, &said), other = print_entry(arena, there);
    return one.len > 0 && str_eq(one, other);
}

/* Of entries that are there already; what the log has lost since its beginning is not looked for. */
static enum err compare(struct pg *pg, struct arena *arena, struct import_step *part, struct message_list said)
{
    struct call *call = rpc_later_call(part->later);
    struct log_ends ends;

    TRY(log_ends_read(pg, arena, part->lines.room, &ends));
    for (size_t i = 0; i < said.len;) {
        struct message_page page = { .messages = { NULL, 0 } };
        const struct slice slice = {
            .room = part->lines.room, .after = said.at[i].seq - 1, .limit = (int64_t)(said.len - i)
        };
        if (said.at[i].seq < ends.first) {
            i++;
            continue;
        }
        TRY(log_page(pg, arena, &slice, &page));
        for (size_t k = 0; k < page.messages.len; k++, i++)
            if (!is_same(arena, said.at[i], &page.messages.at[k])) {
                part->line = part->lines.entries_at + (said.at[i].seq - part->lines.entries.at[0].seq);
                return call_fail(call, ERR_CONFLICT, "line %" PRId64 ": seq %" PRId64 " of the room is another entry",
                    part->line, said.at[i].seq);
            }
        if (page.messages.len == 0) return ERR_INTERNAL;
    }
    return OK;
}

static enum err insert(struct pg *pg, struct arena *arena, struct id room, struct message_list entries)
{
    struct str_list shown = { arena_alloc(arena, entries.len * sizeof(struct str)), entries.len };
    struct pg_arg seqs = pg_ints(arena, INTS_OF(arena, entries, seq));
    struct pg_arg ids = pg_texts(arena, TEXTS_OF(arena, entries, id));
    struct pg_arg senders = pg_texts(arena, TEXTS_OF(arena, entries, sender));
    struct pg_arg bodies = pg_texts(arena, TEXTS_OF(arena, entries, body));
    struct pg_arg times = pg_times(arena, INTS_OF(arena, entries, at));
    struct pg_arg kinds = pg_texts(arena, TEXTS_OF(arena, entries, kind));
    struct pg_arg targets = pg_ints(arena, INTS_OF(arena, entries, target));

    for (size_t i = 0; i < entries.len; i++) shown.at[i] = batch_ids_text(arena, entries.at[i].attachments);
    TRY(pg_run(pg, arena, MESSAGES,
        PG_ARGS(pg_id(room), seqs, ids, senders, bodies, pg_jsons(arena, TEXTS_OF(arena, entries, meta)), times, kinds,
            pg_ints(arena, INTS_OF(arena, entries, thread)), pg_texts(arena, shown), targets),
        NULL));
    return pg_run(pg, arena, CHANGES,
        PG_ARGS(pg_id(room), seqs, ids, senders, bodies, times, kinds, targets, pg_texts(arena, shown)), NULL);
}

/* Threads, and what things are done to. */
static enum err check_targets(
    struct pg *pg, struct arena *arena, struct import_step *part, struct message_list entries, int64_t first)
{
    int64_t *seqs = arena_alloc(arena, 2 * entries.len * sizeof *seqs);
    struct log_head astray;

    for (size_t i = 0; i < entries.len; i++) {
        seqs[2 * i] = entries.at[i].target;
        seqs[2 * i + 1] = entries.at[i].thread;
    }
    enum err e = pg_one(pg, arena, log_head_shape(), &astray, ASTRAY,
        PG_ARGS(pg_id(part->lines.room), pg_ints(arena, seqs, 2 * entries.len), pg_int(first)));
    if (e == ERR_NOT_FOUND) return OK;
    return e != OK
               ? e
               : call_fail(rpc_later_call(part->later), ERR_INVALID_ARGUMENT,
                     "target: seq %" PRId64 " is no message, and something is done to it, or is its reply", astray.seq);
}

static enum err show_media(struct pg *pg, struct arena *arena, struct id room, struct message_list entries)
{
    struct id_list all = { NULL, 0 };
    size_t n = 0;

    for (size_t i = 0; i < entries.len; i++) n += entries.at[i].attachments.len;
    if (n == 0) return OK;
    all.at = arena_alloc(arena, n * sizeof *all.at);
    for (size_t i = 0; i < entries.len; i++)
        for (size_t k = 0; k < entries.at[i].attachments.len; k++) all.at[all.len++] = entries.at[i].attachments.at[k];
    return pg_run(pg, arena, DISOWN, PG_ARGS(pg_id(room), pg_ids(arena, all)), NULL);
}

/* What is there is compared, what follows it is written; the rest of the log is made of it as of what is said. */
static enum err write_new(
    struct pg *pg, struct arena *arena, struct import_step *part, struct message_list entries, int64_t first)
{
    const struct settings_store *set = part->store->settings;
    const struct batch_limits limits = { .former_kept_s = set->former_kept_s, .deleted_kept_s = set->deleted_kept_s };
    int64_t last = entries.at[entries.len - 1].seq;
    struct id room = part->lines.room;

    enum err e = insert(pg, arena, room, entries);
    if (e == ERR_CONFLICT)
        return call_fail(rpc_later_call(part->later), e, "id: a sender has the same one twice in this room");
    TRY(e);
    TRY(check_targets(pg, arena, part, entries, first));
    TRY(pg_run(pg, arena, SHOW, PG_ARGS(pg_id(room), pg_int(entries.at[0].seq - 1), pg_int(last)), NULL));
    TRY(effects_run(pg, arena, entries, &limits));
    TRY(show_media(pg, arena, room, entries));
    return pg_run(pg, arena, GROW, PG_ARGS(pg_id(room), pg_int(last)), NULL);
}

/* For auth's audit: of one operator and room it is one deed, however many parts there are, and however often they come. */
static enum err note_deed(struct pg *pg, struct arena *arena, struct import_step *part)
{
    struct call call = call_on_worker(rpc_later_call(part->later), pg, arena);
    const struct room_ref room = { part->lines.room };
    struct str by = arena_printf(arena, "import %.*s", STR_ARG(call.who->sub));
    struct str hash = export_hash(arena, (struct str){ (const char *)room.room.b, sizeof room.room.b }, by);
    char target[ID_TEXT_BYTES + 1];
    struct id deed;

    memcpy(deed.b, hash.at, sizeof deed.b);
    id_format(room.room, target);
    return deed_put_once(&call, &audit_tell_job, deed, "room.import", str_of(target), room_ref_shape(), &room);
}

static enum err write_entries(struct pg *pg, struct arena *arena, void *arg)
{
    struct import_step *part = arg;
    struct message_list said = part->lines.entries, there = said;
    struct log_ends ends;

    TRY(pg_run(pg, arena, LOOK_UP, PG_NO_ARGS, NULL));
    if (part->lines.begin != NULL)
        TRY(pg_run(pg, arena, MAKE_HEAD, PG_ARGS(pg_id(part->lines.room), pg_int(part->lines.floor)), NULL));
    TRY(pg_run(pg, arena, LOCK_HEAD, PG_ARGS(pg_id(part->lines.room)), NULL));
    if (!part->is_whole && (part->lines.begin != NULL || part->lines.goes_on)) TRY(note_deed(pg, arena, part));
    if (!part->is_whole) TRY(name_media(pg, arena, &part->lines));
    if (said.len == 0) return OK;
    TRY(log_ends_read(pg, arena, part->lines.room, &ends));
    int64_t n = ends.head - said.at[0].seq + 1;
    part->line = part->lines.entries_at;
    if (n < 0)
        return call_fail(rpc_later_call(part->later), ERR_CONFLICT,
            "line %" PRId64 ": the log ends before it: send the file from its beginning", part->line);
    there.len = (size_t)n < said.len ? (size_t)n : said.len;
    TRY(compare(pg, arena, part, there));
    said.at += there.len;
    said.len -= there.len;
    part->line += (int64_t)there.len;
    if (said.len == 0) return OK;
    if (part->is_whole)
        return call_fail(rpc_later_call(part->later), ERR_CONFLICT,
            "line %" PRId64 ": the room was read in without it, and is one as all others since", part->line);
    return write_new(pg, arena, part, said, ends.first);
}

/* --- chat --- */

static void ask_chat(struct import_step *part, bool is_end);

static void on_written(void *arg, enum err e)
{
    struct import_step *part = arg;

    if (e == OK && part->lines.entries.len > 0) feeds_note(part->store->feeds, part->lines.room, 0);
    if (e == OK && part->lines.is_whole && !part->is_whole)
        ask_chat(part, true);
    else
        end_part(part, e);
}

struct arrival_question {
    struct store *store;
    struct import_step *part; /* in the call's arena, which is gone when the store stops */
};

static bool take_state(struct import_step *part, struct str body)
{
    struct room_arrived state = { .whole = false };
    struct wire_error why;
    enum err e = wire_decode(room_arrived_shape(), body, rpc_later_call(part->later)->arena, &state, &why);

    part->is_whole = state.whole;
    return e == OK;
}

static void on_chat(void *arg, enum err e, struct str body)
{
    struct arrival_question question = *(struct arrival_question *)arg;
    struct import_step *part = question.part;

    mem_free(arg);
    if (question.store->stopping) return;
    struct call *call = rpc_later_call(part->later);
    if (e != OK) {
        struct failure failure = { .message = STR("") };
        rpc_failure_read(body, call->arena, &failure);
        end_part(part, call_fail(call, e, "%.*s", STR_ARG(failure.message)));
    } else if (part->is_open || !take_state(part, body)) {
        end_part(part, part->is_open ? OK : ERR_INTERNAL);
    } else if (!rpc_server_work(part->store->server, call->who->sub, write_entries, on_written, part)) {
        end_part(part, call_fail(call, ERR_OVERLOADED, "too many requests wait for a worker"));
    }
}

static void ask_chat(struct import_step *part, bool is_end)
{
    const struct import_lines *lines = &part->lines;
    struct room_arrival arrival = { .room = lines->room, .head = lines->place.head, .whole = is_end };
    struct arrival_question *question = mem_alloc(sizeof *question);

    if (!is_end) {
        arrival.begin = lines->begin != NULL ? lines->begin->room : NULL;
        arrival.members = lines->members;
        arrival.friends = lines->friends;
    }
    part->is_open = is_end;
    *question = (struct arrival_question){ part->store, part };
    chat_link_arrival(store_chat(part->store, lines->room)->link, &arrival, on_chat, question);
}

void log_import(struct call *call, const struct import_part *req, struct rpc_later *later)
{
    struct import_step *part = arena_zero(call->arena, sizeof *part);

    part->store = call->context;
    part->later = later;
    part->line = req->line + 1;
    enum err e = import_lines_read(call->arena, req->after, req->text, req->line, call->now, &part->lines, call->why);
    if (e != OK)
        end_part(part, e);
    else
        ask_chat(part, false);
}

/*
 * log_export.c - a room as lines, for who may take it along: a part at a time, each of which says behind which place the next one goes on.
 *
 *      after --> place --chat: may they? some members--> --worker: entries, names--> --share: what media are called--> lines, next place
 *
 * An operator need be no member, and that they took it is in the audit.
 *
 * Nothing is remembered between two parts: all that the next one needs is in the place, which the part's last line says, too.  So a client
 * that was cut off goes on behind the last mark that it has, at any gateway and after any kill, and gets what would have followed.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/db/pg.h"
#include "libshared/jobs/deeds.h"
#include "libshared/wire/columns.h"
#include "services/store/export/export.h"
#include "services/store/store.h"

#define HOUR_MS      3600000
#define PART_FRIENDS 200
#define PART_MEMBERS 200 /* with PART_ENTRIES and the room's maker no more people than directory_people() answers */
#define PART_ENTRIES 250
#define PART_BYTES   (128 << 10) /* of entries: a part ends with the one that passes it */
#define PART_MEDIA   500         /* and with that by which it shows so many */
#define ASK_BYTES    32768       /* the ids of media of a part */

struct part {
    struct store *store;
    struct rpc_later *later;
    struct id room;
    struct str reason; /* an operator's, who need be no member */
    bool by_operator;
    bool is_first, is_last;
    struct export_place from, to;
    struct export_grant grant;
    struct log_ends ends;
    int64_t floor;
    struct message_page page;
    size_t n;           /* of the page's entries are in this part */
    struct str entries; /* these, as lines */
    struct person_list people;
    struct media_ids shown;
    struct export_media media;
};

static void answer_part(struct part *part)
{
    struct call *call = rpc_later_call(part->later);
    struct buf text = BUF(EXPORT_TEXT_MAX);
    struct json_lines rep = { .room = part->room };

    if (part->is_first) export_put_begin(&text, part->grant.room, part->floor, part->to.head);
    export_put_people(&text, part->people);
    export_put_members(&text, part->grant.members);
    export_put_friends(&text, part->grant.friends);
    export_put_media(&text, part->media);
    buf_add_str(&text, part->entries);
    part->to.hash = export_hash(call->arena, part->from.hash, buf_str(&text));
    if (!part->is_last) rep.next = export_place_print(call->arena, &part->to);
    export_put_last(&text, &part->to, rep.next);
    rep.text = buf_str(&text);
    rpc_later_done(part->later, text.over ? ERR_INTERNAL : OK, &rep);
    buf_free(&text);
}

static void fail_part(struct part *part, enum err e)
{
    rpc_later_done(part->later, e, NULL);
}

/* --- asking others --- */

/* The part lies in the call's arena, which is gone when the store stops. */
struct question {
    struct store *store;
    struct part *part;
    void (*take)(struct part *part, struct str body);
};

static struct question *question_to_ask(struct part *part, void (*take)(struct part *part, struct str body))
{
    struct question *question = mem_alloc(sizeof *question);

    *question = (struct question){ part->store, part, take };
    return question;
}

static void on_answer(void *arg, enum err e, struct str body)
{
    struct question question = *(struct question *)arg;

    mem_free(arg);
    if (question.store->stopping) return;
    struct part *part = question.part;
    struct call *call = rpc_later_call(part->later);
    if (e == OK) {
        question.take(part, arena_str(call->arena, body));
        return;
    }
    struct failure failure = { .message = STR("") };
    rpc_failure_read(body, call->arena, &failure);
    fail_part(part, call_fail(call, e, "%.*s", STR_ARG(failure.message)));
}

/* What share knows, and what files said of media that it does not know; in the order of ids, as both are. */
static struct export_medium_list merge_media(
    struct arena *arena, struct export_medium_list known, struct export_medium_list said)
{
    struct export_medium_list all = { arena_alloc(arena, (known.len + said.len) * sizeof *all.at + 1), 0 };

    for (size_t i = 0, k = 0; i < known.len || k < said.len;) {
        int order = i == known.len  ? 1
                    : k == said.len ? -1
                                    : memcmp(&known.at[i].id, &said.at[k].id, sizeof(struct id));
        all.at[all.len++] = order <= 0 ? known.at[i] : said.at[k];
        i += order <= 0;
        k += order >= 0;
    }
    return all;
}

static void take_names(struct part *part, struct str body)
{
    struct call *call = rpc_later_call(part->later);
    struct wire_error why;
    struct export_media known = { { NULL, 0 } };
    enum err e = wire_decode(export_media_shape(), body, call->arena, &known, &why);

    if (e == OK) part->media.media = merge_media(call->arena, known.media, part->media.media);
    if (e == OK)
        answer_part(part);
    else
        fail_part(part, e);
}

static void ask_for_names(struct part *part)
{
    struct call *call = rpc_later_call(part->later);
    struct buf body = BUF(ASK_BYTES);
    enum err e = wire_encode(media_ids_shape(), &part->shown, &body);

    assert(e == OK); /* PART_MEDIA, and those of one entry */
    rpc_client_call(part->store->share,
        &(struct rpc_request){ .method = "media.name", .safe = true, .trace = call->trace, .body = buf_str(&body) },
        on_answer, question_to_ask(part, take_names));
    buf_free(&body);
}

/* --- reading --- */

/* What is done to a message that is not in the export would say what that one says. */
static void blank_foreign(struct message *entry, int64_t floor)
{
    if (entry->target == 0 || entry->target > floor) return;
    entry->body = STR("");
    entry->meta = STR_NONE;
    entry->attachments = (struct id_list){ NULL, 0 };
}

/* As many of the page as are in a part, which depends on nothing but what they say. */
static enum err take_entries(struct part *part)
{
    struct call *call = rpc_later_call(part->later);
    struct buf text = BUF(EXPORT_TEXT_MAX);
    const struct message_list *page = &part->page.messages;
    size_t media = 0;

    while (
        part->n < page->len && page->at[part->n].seq <= part->to.head && text.len < PART_BYTES && media < PART_MEDIA) {
        struct message *entry = &page->at[part->n++];
        blank_foreign(entry, part->floor);
        export_put_entry(&text, entry);
        media += entry->attachments.len;
        part->to.seq = entry->seq;
    }
    part->to.entries += (int64_t)part->n;
    part->entries = arena_str(call->arena, buf_str(&text));
    bool over = text.over;
    buf_free(&text);
    part->is_last = page->len == 0 || part->to.seq >= part->to.head || page->at[0].seq > part->to.head;
    return over ? ERR_INTERNAL : OK;
}

static enum err read_entries(struct pg *pg, struct part *part)
{
    struct call *call = rpc_later_call(part->later);
    const struct slice slice = {
        .room = part->room, .after = part->from.seq > part->floor ? part->from.seq : part->floor, .limit = PART_ENTRIES
    };

    TRY(log_page(pg, call->arena, &slice, &part->page));
    return take_entries(part);
}

/* Those by whose names the part begins. */
static struct str_list subjects_of(struct part *part)
{
    struct arena *arena = rpc_later_call(part->later)->arena;
    const struct room_member_list *members = &part->grant.members;
    struct str_list subjects = { arena_alloc(arena, (1 + members->len + part->n) * sizeof *subjects.at), 0 };

    if (part->is_first) subjects.at[subjects.len++] = part->grant.room->created_by;
    for (size_t i = 0; i < members->len; i++) subjects.at[subjects.len++] = members->at[i].subject;
    for (size_t i = 0; i < part->n; i++) subjects.at[subjects.len++] = part->page.messages.at[i].sender;
    return subjects;
}

/* What an edit has taken away from a message, or a deletion, is not shown any more: its name is nobody's business. */
static const char SHOWN[] = "SELECT array_agg(DISTINCT a.media) AS media FROM attachment a WHERE a.media = ANY ($2)"
                            " AND a.room_id = $1";

/* Of media that came with a file (services/store/import), what it said of them. */
static const char SAID[] = "SELECT media AS id, name, type, size FROM imported_medium WHERE room_id = $1"
                           " AND media = ANY ($2) ORDER BY media";

static enum err read_shown(struct pg *pg, struct part *part)
{
    struct arena *arena = rpc_later_call(part->later)->arena;
    const struct message_list *page = &part->page.messages;
    struct id_list all = { NULL, 0 };
    size_t n = 0;

    for (size_t i = 0; i < part->n; i++) n += page->at[i].attachments.len;
    if (n == 0) return OK;
    all.at = arena_alloc(arena, n * sizeof *all.at);
    for (size_t i = 0; i < part->n; i++)
        for (size_t k = 0; k < page->at[i].attachments.len; k++) all.at[all.len++] = page->at[i].attachments.at[k];
    TRY(pg_one(pg, arena, media_ids_shape(), &part->shown, SHOWN, PG_ARGS(pg_id(part->room), pg_ids(arena, all))));
    if (part->shown.media.len == 0) return OK;
    return pg_all(pg, arena, export_medium_shape(), &part->media.media, part->shown.media.len, SAID,
        PG_ARGS(pg_id(part->room), pg_ids(arena, part->shown.media)));
}

static enum err read_part(struct pg *pg, struct arena *arena, void *arg)
{
    struct part *part = arg;
    struct call *call = rpc_later_call(part->later);

    TRY(pg_one_snapshot(pg, arena));
    TRY(log_ends_read(pg, call->arena, part->room, &part->ends));
    if (part->is_first) part->to.head = part->ends.head;
    TRY(history_floor(pg, call->arena, part->room, part->grant.reads_after, &part->floor));
    if (part->to.seq < part->floor) part->to.seq = part->floor;
    if (part->to.members && part->to.friends) TRY(read_entries(pg, part));
    TRY(read_shown(pg, part));
    return directory_people(pg, call->arena, subjects_of(part), &part->people);
}

static void on_read(void *arg, enum err e)
{
    struct part *part = arg;

    if (e != OK)
        fail_part(part, e);
    else if (part->shown.media.len > 0)
        ask_for_names(part);
    else
        answer_part(part);
}

static void begin_work(struct part *part, enum err (*step)(struct pg *pg, struct arena *arena, void *arg),
    void (*done)(void *arg, enum err e))
{
    struct call *call = rpc_later_call(part->later);

    if (!rpc_server_work(part->store->server, call->who->sub, step, done, part))
        fail_part(part, call_fail(call, ERR_OVERLOADED, "too many requests wait for a worker"));
}

/* --- an operator's part has its entry for the audit before it is read --- */

/* The same for all parts that one operator takes of one room within an hour: they are one deed. */
static struct id deed_of(struct call *call, struct id room)
{
    struct str hour = arena_printf(call->arena, "%lld %.*s", (long long)(call->now / HOUR_MS), STR_ARG(call->who->sub));
    struct str hash = export_hash(call->arena, (struct str){ (const char *)room.b, sizeof room.b }, hour);
    struct id deed;

    memcpy(deed.b, hash.at, sizeof deed.b);
    return deed;
}

static enum err note_deed(struct pg *pg, struct arena *arena, void *arg)
{
    const struct part *part = arg;
    struct call call = call_on_worker(rpc_later_call(part->later), pg, arena);
    struct room_deed why = { part->room, part->reason.len > 0 ? part->reason : STR("goes on behind a mark") };
    char target[ID_TEXT_BYTES + 1];

    id_format(part->room, target);
    return deed_put_once(
        &call, &audit_tell_job, deed_of(&call, part->room), "room.export", str_of(target), room_deed_shape(), &why);
}

static void on_noted(void *arg, enum err e)
{
    if (e == OK)
        begin_work(arg, read_part, on_read);
    else
        fail_part(arg, e);
}

/* An operator's export has who are friends behind the last of the members. */
static void take_friends(struct part *part)
{
    const struct export_friends_list *friends = &part->grant.friends;

    if (!part->to.members) return;
    part->to.friends = part->from.friends || friends->len < PART_FRIENDS;
    part->to.low = part->to.friends ? STR_NONE : friends->at[friends->len - 1].subject;
    part->to.high = part->to.friends ? STR_NONE : friends->at[friends->len - 1].friend;
}

static void take_grant(struct part *part, struct str body)
{
    struct call *call = rpc_later_call(part->later);
    const struct room_member_list *members = &part->grant.members;
    struct wire_error why;
    enum err e = wire_decode(export_grant_shape(), body, call->arena, &part->grant, &why);

    part->to.members = members->len < PART_MEMBERS; /* none were asked for where all are there */
    part->to.member = part->to.members ? STR_NONE : members->at[members->len - 1].subject;
    take_friends(part);
    if (e != OK)
        fail_part(part, e);
    else if (part->by_operator)
        begin_work(part, note_deed, on_noted);
    else
        begin_work(part, read_part, on_read);
}

/* What is wrong with who asks, and for what. */
static enum err check_part(
    struct call *call, const struct room_taking *req, bool by_operator, struct export_place *from)
{
    if (call->who->sub.len == 0)
        return call_fail(call, ERR_UNAUTHENTICATED, "a room is taken along by somebody: there is no subject");
    if (by_operator && req->after.len == 0 && req->reason.len == 0)
        return call_fail(call, ERR_INVALID_ARGUMENT, "reason: is missing");
    return export_place_read(call->arena, req->after, from)
               ? OK
               : call_fail(call, ERR_INVALID_ARGUMENT, "after: no mark says that");
}

static void begin_part(struct call *call, const struct room_taking *req, bool by_operator, struct rpc_later *later)
{
    struct part *part = arena_zero(call->arena, sizeof *part);
    enum err e = check_part(call, req, by_operator, &part->from);

    part->store = call->context;
    part->later = later;
    part->room = req->room;
    part->reason = arena_str(call->arena, req->reason);
    part->by_operator = by_operator;
    part->is_first = req->after.len == 0;
    if (e != OK) {
        fail_part(part, e);
        return;
    }
    part->to = part->from;
    part->to.room = req->room;
    const struct export_question question = { .room = req->room,
        .subject = call->who->sub,
        .after = part->from.member,
        .limit = part->from.members ? 0 : PART_MEMBERS,
        .by_operator = by_operator,
        .friends = by_operator && !part->from.friends,
        .low = part->from.low,
        .high = part->from.high };
    chat_link_export(store_chat(part->store, req->room)->link, &question, on_answer, question_to_ask(part, take_grant));
}

void log_export(struct call *call, const struct json_lines_query *req, struct rpc_later *later)
{
    begin_part(call, &(struct room_taking){ .room = req->room, .after = req->after }, false, later);
}

/* The same lines as for who owns the room, and who in it are friends. */
void logs_export(struct call *call, const struct room_taking *req, struct rpc_later *later)
{
    begin_part(call, req, true, later);
}

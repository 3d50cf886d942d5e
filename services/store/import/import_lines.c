/* import_lines.c - the lines of a file that is read in, by the rows below and those of proto/entries.def. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/import/import.h"

#include <inttypes.h>
#include <string.h>

#include "libshared/base/hex.h"
#include "libshared/wire/wire.h"
#include "services/store/export/export.h"

#define HASH_CHARS  64
#define AHEAD_MS    86400000 /* clocks differ; nobody says something tomorrow */
#define EMOJI_CHARS 32       /* proto/store.def: reaction_draft.emoji */

struct import_reading {
    struct arena *arena;
    struct import_lines *out;
    struct wire_error *why;
    struct export_place from; /* the part before ends there; hash: of what came before */
    struct str hashed;        /* lines that the hash is of */
    int64_t line, now;
    size_t kind; /* of the line before: kinds come in their order */
    bool is_first, ended;
};

static enum err refuse(struct import_reading *r, enum err e, const char *text)
{
    r->why->line = r->line;
    return wire_refuse(r->why, e, NULL, "line %" PRId64 ": %s", r->line, text);
}

/* --- what each kind of line has to be --- */

static enum err take_begin(struct import_reading *r, const struct export_line *line)
{
    const struct export_begin *begin = line->begin;

    if (!str_is(begin->format, EXPORT_FORMAT)) return refuse(r, ERR_INVALID_ARGUMENT, "format: is another one");
    if (begin->version != EXPORT_VERSION) return refuse(r, ERR_INVALID_ARGUMENT, "version: is another one");
    if (begin->head < begin->after) return refuse(r, ERR_INVALID_ARGUMENT, "head: is before `after`");
    r->out->begin = line->begin;
    r->out->room = begin->room->id;
    r->out->floor = r->out->place.seq = begin->after;
    r->out->place.head = begin->head;
    return OK;
}

/* Users are auth's: docs/import.md. */
static enum err take_person(struct import_reading *r, const struct export_line *line)
{
    (void)r, (void)line;
    return OK;
}

static enum err take_member(struct import_reading *r, const struct export_line *line)
{
    struct room_member_list *list = &r->out->members;
    struct str before = list->len > 0 ? list->at[list->len - 1].subject : r->from.member;

    if (r->from.members || (before.len > 0 && str_cmp(before, line->member->subject) >= 0))
        return refuse(r, ERR_INVALID_ARGUMENT, "subject: members come once, in the order of their subjects");
    list->at[list->len++] = *line->member;
    return OK;
}

static enum err take_friends(struct import_reading *r, const struct export_line *line)
{
    struct export_friends_list *list = &r->out->friends;

    if (str_cmp(line->friends->subject, line->friends->friend) >= 0)
        return refuse(r, ERR_INVALID_ARGUMENT, "friend: comes behind `subject`");
    list->at[list->len++] = *line->friends;
    return OK;
}

static enum err take_medium(struct import_reading *r, const struct export_line *line)
{
    struct export_medium_list *list = &r->out->media;

    list->at[list->len++] = *line->medium;
    return OK;
}

/* clang-format off */
static const struct kind { const char *name; enum { NOTHING, MESSAGE } about; enum { none, edit, react, pin, withhold, release, delete } effect; } kinds[] = {
#define ENTRY(kind, name, about, heard, unread, effect, doc) { name, about, effect },
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
};
/* clang-format on */

static const struct kind *kind_of(struct str name)
{
    if (name.len == 0) return &kinds[0];
    for (size_t i = 1; i < COUNT(kinds); i++)
        if (str_is(name, kinds[i].name)) return &kinds[i];
    return NULL;
}

/* What it says, by its kind.  What is done to messages that are not in the file has no words. */
static enum err check_entry(struct import_reading *r, const struct export_entry *entry, const struct kind *kind)
{
    bool is_message = kind == &kinds[0], is_about = kind->about == MESSAGE;

    if (is_about != (entry->target > 0))
        return refuse(r, ERR_INVALID_ARGUMENT, "target: is of what is done to a message");
    if (entry->target >= entry->seq) return refuse(r, ERR_INVALID_ARGUMENT, "target: comes before what is done to it");
    if (entry->thread > 0 && (!is_message || entry->thread >= entry->seq))
        return refuse(r, ERR_INVALID_ARGUMENT, "thread: is of a message, and comes before it");
    if (entry->meta.at != NULL && !is_message) return refuse(r, ERR_INVALID_ARGUMENT, "meta: is of a message");
    if (entry->attachments.len > 0 && !is_message && kind->effect != edit)
        return refuse(r, ERR_INVALID_ARGUMENT, "attachments: are of a message, or of an edit");
    if (kind->effect == react && entry->body.len > 4 * EMOJI_CHARS)
        return refuse(r, ERR_INVALID_ARGUMENT, "body: is too long for an emoji");
    return OK;
}

static enum err take_entry(struct import_reading *r, const struct export_line *line)
{
    const struct export_entry *entry = line->entry;
    const struct kind *kind = kind_of(entry->kind);
    struct import_lines *out = r->out;

    if (kind == NULL) return refuse(r, ERR_INVALID_ARGUMENT, "kind: there is none such");
    if (entry->seq != out->place.seq + 1) return refuse(r, ERR_INVALID_ARGUMENT, "seq: is not the next one");
    if (entry->seq > out->place.head) return refuse(r, ERR_INVALID_ARGUMENT, "seq: is behind `head` of the first line");
    if (entry->at > r->now + AHEAD_MS) return refuse(r, ERR_INVALID_ARGUMENT, "at: is in the future");
    TRY(check_entry(r, entry, kind));
    if (out->entries.len == 0) out->entries_at = r->line;
    out->entries.at[out->entries.len++] = (struct message){ .room = out->room,
        .seq = entry->seq,
        .id = entry->id,
        .sender = entry->sender,
        .body = entry->body,
        .meta = entry->meta,
        .at = entry->at,
        .kind = entry->kind,
        .target = entry->target,
        .thread = entry->thread,
        .attachments = entry->attachments };
    out->place.seq = entry->seq;
    out->place.entries++;
    return OK;
}

static enum err take_mark(struct import_reading *r, const struct export_line *line)
{
    struct import_lines *out = r->out;
    struct export_place said;

    if (!export_place_read(r->arena, line->mark, &said)) return refuse(r, ERR_INVALID_ARGUMENT, "mark: is none");
    out->goes_on = r->is_first && out->begin == NULL;
    if (out->goes_on && id_is_nil(said.room))
        return refuse(
            r, ERR_INVALID_ARGUMENT, "mark: does not say which room it is of: send the file from its beginning");
    if (out->goes_on) {
        out->room = said.room;
    } else if (!str_eq(said.hash, export_hash(r->arena, r->from.hash, r->hashed)) || said.seq != out->place.seq ||
               said.entries != out->place.entries || said.head != out->place.head) {
        return refuse(r, ERR_INVALID_ARGUMENT, "mark: the lines before it are not those that it was made of");
    }
    out->place = said;
    out->place.room = out->room;
    r->ended = true;
    return OK;
}

static enum err take_end(struct import_reading *r, const struct export_line *line)
{
    struct import_lines *out = r->out;
    char hash[HASH_CHARS + 1];
    struct str made = export_hash(r->arena, r->from.hash, r->hashed);

    hex_format((const unsigned char *)made.at, made.len, hash);
    if (!str_is(line->end->hash, hash) || line->end->entries != out->place.entries)
        return refuse(
            r, ERR_INVALID_ARGUMENT, "end: the file is not the one that it was made of, or something of it is missing");
    if (out->place.seq != out->place.head)
        return refuse(r, ERR_INVALID_ARGUMENT, "end: entries up to `head` are missing");
    out->is_whole = r->ended = true;
    return OK;
}

/* In the order in which they come in a part. */
static const struct import_kind {
    size_t at; /* of its record, or text, in a line */
    enum err (*take)(struct import_reading *r, const struct export_line *line);
} import_kinds[] = {
    { offsetof(struct export_line, begin), take_begin },
    { offsetof(struct export_line, person), take_person },
    { offsetof(struct export_line, member), take_member },
    { offsetof(struct export_line, friends), take_friends },
    { offsetof(struct export_line, medium), take_medium },
    { offsetof(struct export_line, entry), take_entry },
    { offsetof(struct export_line, mark), take_mark },
    { offsetof(struct export_line, end), take_end },
};

/* A record's address, or a text's. */
static bool has_kind(const struct export_line *line, size_t i)
{
    return *(void *const *)(const void *)((const char *)line + import_kinds[i].at) != NULL;
}

static enum err take_line(struct import_reading *r, const struct export_line *line)
{
    size_t kind = COUNT(import_kinds), n = 0;

    for (size_t i = COUNT(import_kinds); i-- > 0;)
        if (has_kind(line, i)) kind = i, n++;
    if (n != 1) return refuse(r, ERR_INVALID_ARGUMENT, "a line is an object with one field, which says what it is");
    if (kind < r->kind || r->ended) return refuse(r, ERR_INVALID_ARGUMENT, "a line of this kind does not come here");
    if (id_is_nil(r->out->room) && import_kinds[kind].take != take_begin && import_kinds[kind].take != take_mark)
        return refuse(r, ERR_INVALID_ARGUMENT, "a file begins with `begin`, or goes on behind a mark");
    if (import_kinds[kind].take == take_begin && !(r->is_first && r->out->begin == NULL))
        return refuse(r, ERR_INVALID_ARGUMENT, "begin: is the first line of a file");
    r->kind = kind;
    return import_kinds[kind].take(r, line);
}

static enum err read_line(struct import_reading *r, struct str text)
{
    struct export_line line;
    struct wire_error why = { 0 };
    enum err e = wire_read_json(export_line_shape(), text, r->arena, &line, &why);

    if (e != OK) return refuse(r, ERR_INVALID_ARGUMENT, e == ERR_MALFORMED ? "it is no JSON" : why.text);
    return take_line(r, &line);
}

static size_t count_lines(struct str text)
{
    size_t n = 0;

    for (const char *at; n < IMPORT_LINES_MAX && text.len > 0 && (at = memchr(text.at, '\n', text.len)) != NULL; n++)
        text = str_skip(text, (size_t)(at - text.at) + 1);
    return n;
}

/* Any of them may be of any kind. */
static void make_space(struct arena *arena, size_t lines, struct import_lines *out)
{
    out->members.at = arena_alloc(arena, lines * sizeof *out->members.at + 1);
    out->friends.at = arena_alloc(arena, lines * sizeof *out->friends.at + 1);
    out->media.at = arena_alloc(arena, lines * sizeof *out->media.at + 1);
    out->entries.at = arena_alloc(arena, lines * sizeof *out->entries.at + 1);
}

/* Where the part before ended; false: that is no mark. */
static bool begin_part(struct import_reading *r, struct str after)
{
    r->is_first = after.len == 0;
    if (!export_place_read(r->arena, after, &r->from) || (!r->is_first && id_is_nil(r->from.room))) return false;
    r->out->place = r->from;
    r->out->room = r->from.room;
    return true;
}

enum err import_lines_read(struct arena *arena, struct str after, struct str text, int64_t before, int64_t now,
    struct import_lines *out, struct wire_error *why)
{
    struct import_reading r = {
        .arena = arena, .out = out, .why = why, .line = before, .now = now, .hashed = { text.at, 0 }
    };

    *out = (struct import_lines){ .begin = NULL };
    make_space(arena, count_lines(text), out);
    if (!begin_part(&r, after)) return refuse(&r, ERR_INVALID_ARGUMENT, "mark: does not say which room it is of");
    while (text.len > 0) {
        const char *end = memchr(text.at, '\n', text.len);
        r.line++;
        if (end == NULL) return refuse(&r, ERR_INVALID_ARGUMENT, "the file ends within a line");
        if (r.line - before > IMPORT_LINES_MAX) return refuse(&r, ERR_TOO_LARGE, "more than 1000 lines without a mark");
        struct str line = { text.at, (size_t)(end - text.at) };
        TRY(read_line(&r, line));
        text = str_skip(text, line.len + 1);
        r.hashed.len += line.len + 1;
    }
    if (r.ended) return OK;
    return refuse(&r, ERR_INVALID_ARGUMENT, "the file ends here, and is not whole: it goes on behind its last mark");
}

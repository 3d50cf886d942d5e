/* collect.c - the rooms, members and entries of Mattermost's file.  Its posts come in any order, and a room's log has one: what was said lies in
 * a spool until all of it is there. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "libshared/base/table.h"
#include "libshared/wire/columns.h"
#include "libshared/wire/json.h"
#include "services/store/export/export.h"
#include "services/tools/madangctl/mattermost/rooms.h"

#define ARENA_BYTES ((size_t)1 << 30)
#define SPOOLED_MAX (1u << 18) /* an entry with its media */
#define ENTRIES_MAX (1u << 28)
#define BODY_CHARS  10000 /* proto/store.def: export_entry */
#define META_BYTES  4096
#define FILES_MAX   10
#define EMOJI_CHARS 30 /* without the colons: reaction_draft.emoji */
#define NAME_CHARS  80 /* proto/chat.def: exported_room */
#define TOPIC_CHARS 500
#define FILE_CHARS  200 /* export_medium.name */

struct table_row {
    UT_hash_handle hh;
    struct str value; /* a subject */
    size_t index;     /* a room */
    size_t len;
    char key[];
};

static struct table_row *table_find(struct table_row *table, struct str key)
{
    struct table_row *row;

    HASH_FIND(hh, table, key.at, key.len, row);
    return row;
}

static struct table_row *table_add(struct arena *arena, struct table_row **table, struct str key)
{
    struct table_row *row = arena_zero(arena, sizeof *row + key.len + 1);

    memcpy(row->key, key.at, key.len);
    row->len = key.len;
    HASH_ADD(hh, *table, key, row->len, row);
    return row;
}

struct str text_cut(struct str text, size_t chars)
{
    size_t at = 0;

    for (size_t n = 0; at < text.len; at++)
        if ((text.at[at] & 0xc0) != 0x80 && n++ == chars) break;
    return (struct str){ text.at, at };
}

struct id made_id(struct arena *arena, struct str as, const char *kind, struct str name)
{
    struct str hash = export_hash(arena, arena_printf(arena, "%.*s\n%s\n", STR_ARG(as), kind), name);
    struct id id;

    memcpy(id.b, hash.at, sizeof id.b);
    id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x80); /* RFC 9562: version 8 */
    id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
    return id;
}

void rooms_begin(struct made_rooms *all, struct str as, FILE *spool)
{
    *all = (struct made_rooms){ .as = as, .spool = spool };
    /* bound: people, and channels with their members */
    all->arena = arena_create("madangctl.mattermost", ARENA_BYTES);
    /* bound: what one line has */
    all->scratch = arena_create("madangctl.line", ARENA_BYTES);
}

void rooms_end(struct made_rooms *all)
{
    HASH_CLEAR(hh, all->people);
    HASH_CLEAR(hh, all->places);
    for (size_t i = 0; i < all->n_rooms; i++) mem_free(all->rooms[i].members);
    mem_free(all->rooms);
    mem_free(all->entries);
    mem_free(all->seqs);
    arena_destroy(&all->scratch);
    arena_destroy(&all->arena);
}

/* --- people and rooms --- */

void rooms_name(struct made_rooms *all, struct str username, struct str subject)
{
    if (table_find(all->people, username) == NULL)
        table_add(all->arena, &all->people, username)->value = arena_str(all->arena, subject);
}

static struct str subject_of(struct made_rooms *all, struct str username)
{
    struct table_row *row = table_find(all->people, username);

    if (row != NULL) return row->value;
    row = table_add(all->arena, &all->people, username);
    row->value = arena_printf(all->arena, "%.*s:%.*s", STR_ARG(all->as), STR_ARG(username));
    return row->value;
}

static void add_member(struct made_room *room, struct str subject, bool is_admin)
{
    room->members = mem_one_more(room->members, room->n_members, &room->cap_members, sizeof *room->members);
    room->members[room->n_members++] = (struct made_member){ subject, is_admin };
}

static struct made_room *add_room(struct made_rooms *all, struct str place)
{
    all->rooms = mem_one_more(all->rooms, all->n_rooms, &all->cap_rooms, sizeof *all->rooms);
    all->rooms[all->n_rooms] = (struct made_room){ .id = made_id(all->arena, all->as, "room", place) };
    table_add(all->arena, &all->places, place)->index = all->n_rooms;
    return &all->rooms[all->n_rooms++];
}

static struct made_room *find_room(struct made_rooms *all, struct str place)
{
    const struct table_row *row = table_find(all->places, place);

    return row != NULL ? &all->rooms[row->index] : NULL;
}

/* Names have no blanks. */
static struct str channel_place(struct arena *arena, struct str team, struct str channel)
{
    return arena_printf(arena, "channel %.*s %.*s", STR_ARG(team), STR_ARG(channel));
}

static struct str topic_of(struct made_rooms *all, struct str header, struct str purpose)
{
    bool both = header.len > 0 && purpose.len > 0;
    struct str topic = arena_printf(all->scratch, "%.*s%s%.*s", STR_ARG(header), both ? "\n" : "", STR_ARG(purpose));
    struct str kept = text_cut(topic, TOPIC_CHARS);

    all->left[LEFT_headers] += kept.len < topic.len;
    return arena_str(all->arena, kept);
}

static void take_channel(struct made_rooms *all, const struct mattermost_line *line)
{
    struct str place = channel_place(all->scratch, line->team, line->channel);

    if (find_room(all, place) != NULL) return;
    struct made_room *room = add_room(all, place);
    room->name = arena_str(all->arena, text_cut(line->title.len > 0 ? line->title : line->channel, NAME_CHARS));
    room->topic = topic_of(all, line->header, line->purpose);
    room->is_open = line->is_open;
    room->archived_at = line->archived_at;
}

static void take_user(struct made_rooms *all, const struct mattermost_line *line)
{
    struct str subject = subject_of(all, line->username);

    for (size_t i = 0; i < line->memberships.len; i++) {
        const struct mattermost_membership *one = &line->memberships.at[i];
        struct made_room *room = find_room(all, channel_place(all->scratch, one->team, one->channel));
        if (room != NULL)
            add_member(room, subject, one->is_admin);
        else
            all->left[LEFT_memberships]++;
    }
}

static int compare_subjects(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* NULL: one alone. */
static struct made_room *room_of(struct made_rooms *all, struct str_list usernames)
{
    struct str *subjects = arena_alloc(all->scratch, usernames.len * sizeof *subjects);
    struct str place = STR("direct"), name = STR_NONE;
    size_t n = 0;

    for (size_t i = 0; i < usernames.len; i++) subjects[i] = subject_of(all, usernames.at[i]);
    qsort(subjects, usernames.len, sizeof *subjects, compare_subjects);
    for (size_t i = 0; i < usernames.len; i++)
        if (n == 0 || !str_eq(subjects[n - 1], subjects[i])) subjects[n++] = subjects[i];
    if (n < 2) return NULL;
    for (size_t i = 0; i < n; i++)
        place = arena_printf(all->scratch, "%.*s %.*s", STR_ARG(place), STR_ARG(subjects[i]));
    struct made_room *room = find_room(all, place);
    if (room != NULL) return room;
    room = add_room(all, place);
    room->is_direct = n == 2;
    for (size_t i = 0; i < n; i++) add_member(room, subjects[i], false);
    for (size_t i = 0; n > 2 && i < usernames.len; i++)
        name = arena_printf(all->scratch, "%.*s%s%.*s", STR_ARG(name), i > 0 ? ", " : "", STR_ARG(usernames.at[i]));
    room->name = arena_str(all->arena, text_cut(name, NAME_CHARS));
    return room;
}

static void take_direct_channel(struct made_rooms *all, const struct mattermost_line *line)
{
    struct made_room *room = room_of(all, line->members);

    if (room == NULL)
        all->left[LEFT_alone]++;
    else
        room->topic = topic_of(all, line->header, STR_NONE);
}

/* --- entries --- */

/* The ends of names by which a file's type is known. */
static const struct {
    const char *end, *type;
} TYPES[] = {
    { ".png", "image/png" },
    { ".jpg", "image/jpeg" },
    { ".jpeg", "image/jpeg" },
    { ".gif", "image/gif" },
    { ".webp", "image/webp" },
    { ".pdf", "application/pdf" },
    { ".txt", "text/plain" },
    { ".mp4", "video/mp4" },
};

static struct str type_of(struct str name)
{
    for (size_t i = 0; i < COUNT(TYPES); i++) {
        struct str end = str_of(TYPES[i].end);
        if (name.len > end.len && str_eq(str_skip(name, name.len - end.len), end)) return str_of(TYPES[i].type);
    }
    return STR("application/octet-stream");
}

static struct str base_of(struct str path)
{
    size_t at;

    while (str_find(path, '/', &at) && at + 1 < path.len) path = str_skip(path, at + 1);
    return text_cut(path, FILE_CHARS);
}

static struct export_media media_of(struct made_rooms *all, struct str_list files)
{
    size_t n = files.len < FILES_MAX ? files.len : FILES_MAX;
    struct export_media media = { { arena_zero(all->scratch, n * sizeof *media.media.at + 1), n } };

    all->left[LEFT_files] += (int64_t)(files.len - n);
    for (size_t i = 0; i < n; i++) {
        struct str name = base_of(files.at[i]);
        media.media.at[i] = (struct export_medium){
            .id = made_id(all->scratch, all->as, "file", files.at[i]), .name = name, .type = type_of(name)
        };
    }
    return media;
}

/* 1 + its n. */
static uint32_t spool_entry(struct made_rooms *all, struct made_room *room, uint32_t parent,
    const struct export_entry *said, const struct export_media *media)
{
    struct made_entry entry = { .order = said->at,
        .offset = all->spooled,
        .room = (uint32_t)(room - all->rooms),
        .n = (uint32_t)all->n_entries,
        .parent = parent };
    struct buf bytes = BUF(SPOOLED_MAX);
    enum err e = wire_encode(export_entry_shape(), said, &bytes);

    entry.bytes = (uint32_t)bytes.len;
    if (e == OK && media->media.len > 0) e = wire_encode(export_media_shape(), media, &bytes);
    entry.media_bytes = (uint32_t)bytes.len - entry.bytes;
    if (e != OK || all->n_entries == ENTRIES_MAX)
        all->fault = "it has more than can be taken";
    else if (fwrite(bytes.at, 1, bytes.len, all->spool) != bytes.len)
        all->fault = "the spool cannot be written";
    all->spooled += bytes.len;
    buf_free(&bytes);
    if (parent > 0 && entry.order < all->entries[parent - 1].order) entry.order = all->entries[parent - 1].order;
    if (room->first_at == 0 || said->at < room->first_at) room->first_at = said->at;
    if (all->earliest == 0 || said->at < all->earliest) all->earliest = said->at;
    room->entries++;
    all->entries = mem_one_more(all->entries, all->n_entries, &all->cap_entries, sizeof *all->entries);
    all->entries[all->n_entries++] = entry;
    return entry.n + 1;
}

/* What is done to a message, or says who came. */
static void put_act(struct made_rooms *all, struct made_room *room, uint32_t parent, const char *kind,
    struct str sender, int64_t at, struct str body)
{
    const struct export_entry entry = {
        .seq = 1, .kind = str_of(kind), .id = STR("-"), .sender = sender, .at = at, .body = body
    };

    spool_entry(all, room, parent, &entry, &(struct export_media){ { NULL, 0 } });
}

static void put_reactions(
    struct made_rooms *all, struct made_room *room, uint32_t message, const struct mattermost_post *post)
{
    for (size_t i = 0; i < post->reactions.len; i++) {
        const struct mattermost_reaction *one = &post->reactions.at[i];
        if (utf8_length(one->emoji.at, one->emoji.len) > EMOJI_CHARS)
            all->left[LEFT_emoji]++;
        else
            put_act(all, room, message, "reaction:add", subject_of(all, one->user), one->at,
                arena_printf(all->scratch, ":%.*s:", STR_ARG(one->emoji)));
    }
}

/* As msgpack; STR_NONE: nothing is in them, or too much. */
static struct str meta_of(struct made_rooms *all, struct str props)
{
    struct buf bytes = BUF(META_BYTES);
    struct str meta = STR_NONE;

    if (props.len == 0 || props.at[0] != '{') return STR_NONE;
    if (json_check(props, WIRE_ANY_DEPTH) != JSON_FINE || wire_any_from_json(props, &bytes) != OK)
        all->left[LEFT_props]++;
    else if (bytes.len > 1) /* not {} */
        meta = arena_str(all->scratch, buf_str(&bytes));
    buf_free(&bytes);
    return meta;
}

/* A text that is longer than a message may be becomes several. */
static uint32_t put_message(
    struct made_rooms *all, struct made_room *room, uint32_t thread, const struct mattermost_post *post)
{
    const struct export_media none = { { NULL, 0 } }, media = media_of(all, post->files);
    struct export_entry entry = { .seq = 1,
        .id = STR("-"),
        .sender = subject_of(all, post->user),
        .at = post->at,
        .body = text_cut(post->message, BODY_CHARS),
        .meta = meta_of(all, post->props) };
    struct str rest = str_skip(post->message, entry.body.len);

    entry.attachments = IDS_OF(all->scratch, media.media, id);
    struct export_entry edit = entry;
    uint32_t message = spool_entry(all, room, thread, &entry, &media);
    entry.meta = STR_NONE;
    entry.attachments.len = 0;
    while (rest.len > 0) {
        entry.body = text_cut(rest, BODY_CHARS);
        rest = str_skip(rest, entry.body.len);
        spool_entry(all, room, thread, &entry, &none);
    }
    if (post->edited_at > post->at) {
        edit.kind = STR("message:edit");
        edit.meta = STR_NONE;
        edit.at = post->edited_at;
        spool_entry(all, room, message, &edit, &none);
    }
    if (post->is_pinned) put_act(all, room, message, "pin:add", entry.sender, post->at, STR(""));
    put_reactions(all, room, message, post);
    return message;
}

/* What the system said of members. */
static const struct {
    const char *type, *kind, *prop; /* of whom it is said, if not of who did it */
} SYSTEM[] = {
    { "system_join_channel", "member:join", NULL },
    { "system_join_team", "member:join", NULL },
    { "system_leave_channel", "member:leave", NULL },
    { "system_leave_team", "member:leave", NULL },
    { "system_add_to_channel", "member:add", "addedUsername" },
    { "system_remove_from_channel", "member:remove", "removedUsername" },
};

static void put_system(struct made_rooms *all, struct made_room *room, const struct mattermost_post *post)
{
    struct str username = STR_NONE;

    for (size_t i = 0; i < COUNT(SYSTEM); i++) {
        if (!str_is(post->type, SYSTEM[i].type)) continue;
        if (SYSTEM[i].prop != NULL && (!json_find_text(post->props, SYSTEM[i].prop, all->scratch, &username) ||
                                          username.len == 0 || username.len > 100))
            break;
        put_act(all, room, 0, SYSTEM[i].kind, subject_of(all, post->user), post->at,
            username.len > 0 ? subject_of(all, username) : STR(""));
        return;
    }
    all->left[LEFT_system]++;
}

/* 1 + n of the message; 0: it is none. */
static uint32_t take_said(
    struct made_rooms *all, struct made_room *room, uint32_t thread, const struct mattermost_post *post)
{
    uint32_t message = 0;

    all->left[LEFT_saves] += (int64_t)post->saves;
    if (post->deleted_at > 0)
        all->left[LEFT_deleted]++;
    else if (str_starts(post->type, STR("system_")))
        put_system(all, room, post);
    else if (post->message.len == 0 && post->files.len == 0)
        all->left[LEFT_empty]++;
    else
        message = put_message(all, room, thread, post);
    return message;
}

static void take_post(struct made_rooms *all, struct made_room *room, const struct mattermost_post *post)
{
    uint32_t root = take_said(all, room, 0, post);

    for (size_t i = 0; i < post->replies.len; i++) take_said(all, room, root, &post->replies.at[i]);
}

bool rooms_take(struct made_rooms *all, const struct mattermost_line *line)
{
    bool is_direct = line->kind == MATTERMOST_DIRECT_POST;
    struct made_room *room = NULL;

    switch (line->kind) {
    case MATTERMOST_CHANNEL: take_channel(all, line); break;
    case MATTERMOST_USER: take_user(all, line); break;
    case MATTERMOST_DIRECT_CHANNEL: take_direct_channel(all, line); break;
    case MATTERMOST_POST:
    case MATTERMOST_DIRECT_POST:
        room = is_direct ? room_of(all, line->members)
                         : find_room(all, channel_place(all->scratch, line->team, line->channel));
        if (room != NULL)
            take_post(all, room, &line->post);
        else
            all->left[is_direct ? LEFT_alone : LEFT_elsewhere] += 1 + (int64_t)line->post.replies.len;
        break;
    case MATTERMOST_VERSION: break;
    case MATTERMOST_OTHER: all->left[LEFT_lines]++; break;
    }
    arena_reset(all->scratch);
    if (arena_is_over(all->arena)) all->fault = "it has more people and channels than can be taken";
    return all->fault == NULL;
}

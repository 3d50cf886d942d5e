/* mattermost_line.c - a line of Mattermost's bulk export.  What is not known is passed over, as each of its versions has more; null is absent. */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/madangctl/mattermost/mattermost.h"

#include <string.h>

#include "libshared/wire/json.h"

#define ITEMS_MAX   100000 /* of a list in a line */
#define NAME_BYTES  100    /* of a user: with what stands before it no more than a subject has */
#define MEMBERS_MAX 100    /* of a direct channel, which has eight at most there */
#define TIME_MAX    INT64_C(253402300799999)
#define FORMAT      1

struct mattermost_reader {
    struct arena *arena;
    struct wire_error *why;
};

static enum err refuse(struct mattermost_reader *r, const char *name, const char *text)
{
    return wire_refuse(r->why, ERR_INVALID_ARGUMENT, name, "%s: %s", name, text);
}

/* --- values --- */

static bool find(struct str object, const char *name, struct str *raw)
{
    return json_find(object, name, raw) && !str_is(*raw, "null");
}

static enum err decode(struct mattermost_reader *r, const char *name, struct str raw, struct str *out)
{
    return json_decode_text(raw, r->arena, out) ? OK : refuse(r, name, "is no text");
}

static enum err read_text(struct mattermost_reader *r, struct str object, const char *name, struct str *out)
{
    struct str raw;

    *out = STR_NONE;
    return find(object, name, &raw) ? decode(r, name, raw, out) : OK;
}

static enum err check_name(struct mattermost_reader *r, const char *name, struct str text)
{
    if (text.len == 0) return refuse(r, name, "is missing");
    return text.len > NAME_BYTES ? refuse(r, name, "is too long") : OK;
}

static enum err read_name(struct mattermost_reader *r, struct str object, const char *name, struct str *out)
{
    TRY(read_text(r, object, name, out));
    return check_name(r, name, *out);
}

static enum err read_time(struct mattermost_reader *r, struct str object, const char *name, int64_t *out)
{
    struct str raw;

    *out = 0;
    if (!find(object, name, &raw)) return OK;
    return str_to_int(raw, out) && *out >= 0 && *out <= TIME_MAX ? OK : refuse(r, name, "is no time in milliseconds");
}

/* When something was said. */
static enum err read_moment(struct mattermost_reader *r, struct str object, int64_t *out)
{
    TRY(read_time(r, object, "create_at", out));
    return *out > 0 ? OK : refuse(r, "create_at", "is missing");
}

static bool is_true(struct str object, const char *name)
{
    struct str raw;

    return json_find(object, name, &raw) && str_is(raw, "true");
}

/* --- lists --- */

/* The items of a list, as JSON; without one there are none. */
static enum err read_items(struct mattermost_reader *r, struct str object, const char *name, struct str_list *out)
{
    struct str raw, item;
    struct json_in in;
    struct json_open array;
    size_t cap = 0;

    *out = (struct str_list){ NULL, 0 };
    if (!find(object, name, &raw)) return OK;
    if (raw.at[0] != '[') return refuse(r, name, "is no list");
    json_begin(&in, raw, JSON_DEPTH_MAX);
    (void)json_open_array(&in, &array);
    while (json_next_item(&in, &array) && json_skip(&in, &item) && out->len < ITEMS_MAX) {
        if (out->len == cap) {
            struct str *more = arena_alloc(r->arena, (cap = cap > 0 ? 2 * cap : 8) * sizeof *more);
            if (out->len > 0) memcpy(more, out->at, out->len * sizeof *more);
            out->at = more;
        }
        out->at[out->len++] = item;
    }
    (void)json_end(&in);
    return out->len < ITEMS_MAX ? OK : refuse(r, name, "is too long");
}

/* Of each object of a list one text. */
static enum err read_texts_in(
    struct mattermost_reader *r, struct str object, const char *name, const char *field, struct str_list *out)
{
    TRY(read_items(r, object, name, out));
    for (size_t i = 0; i < out->len; i++) {
        struct str item = out->at[i];
        if (item.at[0] != '{') return refuse(r, name, "are objects");
        TRY(read_text(r, item, field, &out->at[i]));
        if (out->at[i].len == 0) return refuse(r, field, "is missing");
    }
    return OK;
}

/* Of a direct channel: some are enough, as it is known by all of their names. */
static enum err check_members(struct mattermost_reader *r, const char *name, struct str_list members)
{
    if (members.len == 0) return refuse(r, name, "are missing");
    if (members.len > MEMBERS_MAX) return refuse(r, name, "are too many");
    for (size_t i = 0; i < members.len; i++) TRY(check_name(r, name, members.at[i]));
    return OK;
}

static enum err read_members(struct mattermost_reader *r, struct str object, const char *name, struct str_list *out)
{
    TRY(read_items(r, object, name, out));
    for (size_t i = 0; i < out->len; i++) TRY(decode(r, name, out->at[i], &out->at[i]));
    return OK;
}

/* --- posts --- */

static enum err read_reactions(struct mattermost_reader *r, struct str object, struct mattermost_post *out)
{
    struct str_list items;

    TRY(read_items(r, object, "reactions", &items));
    out->reactions.at = arena_alloc(r->arena, items.len * sizeof *out->reactions.at + 1);
    for (size_t i = 0; i < items.len; i++) {
        struct mattermost_reaction *reaction = &out->reactions.at[out->reactions.len++];
        if (items.at[i].at[0] != '{') return refuse(r, "reactions", "are objects");
        TRY(read_name(r, items.at[i], "user", &reaction->user));
        TRY(read_name(r, items.at[i], "emoji_name", &reaction->emoji));
        TRY(read_moment(r, items.at[i], &reaction->at));
    }
    return OK;
}

static enum err read_said(struct mattermost_reader *r, struct str object, struct mattermost_post *out)
{
    struct str_list saved;

    if (object.at[0] != '{') return refuse(r, "post", "is no object");
    TRY(read_name(r, object, "user", &out->user));
    TRY(read_text(r, object, "message", &out->message));
    TRY(read_text(r, object, "type", &out->type));
    TRY(read_moment(r, object, &out->at));
    TRY(read_time(r, object, "edit_at", &out->edited_at));
    TRY(read_time(r, object, "delete_at", &out->deleted_at));
    TRY(read_items(r, object, "flagged_by", &saved));
    TRY(read_texts_in(r, object, "attachments", "path", &out->files));
    if (!find(object, "props", &out->props)) out->props = STR_NONE;
    out->is_pinned = is_true(object, "is_pinned");
    out->saves = saved.len;
    return read_reactions(r, object, out);
}

static enum err read_post(struct mattermost_reader *r, struct str object, struct mattermost_post *out)
{
    struct str_list items;

    TRY(read_said(r, object, out));
    TRY(read_items(r, object, "replies", &items));
    out->replies.at = arena_zero(r->arena, items.len * sizeof *out->replies.at + 1);
    for (size_t i = 0; i < items.len; i++) TRY(read_said(r, items.at[i], &out->replies.at[out->replies.len++]));
    return OK;
}

/* --- what each kind of line says --- */

static enum err take_channel(struct mattermost_reader *r, struct str object, struct mattermost_line *out)
{
    struct str type;

    TRY(read_name(r, object, "team", &out->team));
    TRY(read_name(r, object, "name", &out->channel));
    TRY(read_text(r, object, "display_name", &out->title));
    TRY(read_text(r, object, "header", &out->header));
    TRY(read_text(r, object, "purpose", &out->purpose));
    TRY(read_time(r, object, "deleted_at", &out->archived_at));
    TRY(read_text(r, object, "type", &type));
    out->is_open = str_is(type, "O");
    return out->is_open || str_is(type, "P") ? OK : refuse(r, "type", "is O or P");
}

static bool has_word(struct str text, const char *word)
{
    while (text.at != NULL)
        if (str_is(str_cut(&text, ' '), word)) return true;
    return false;
}

/* Of one team; behind those of the teams before. */
static enum err read_memberships(struct mattermost_reader *r, struct str team, struct mattermost_line *out)
{
    struct str_list channels;
    struct str name, roles;

    if (team.at[0] != '{') return refuse(r, "teams", "are objects");
    TRY(read_name(r, team, "name", &name));
    TRY(read_items(r, team, "channels", &channels));
    struct mattermost_membership *all = arena_alloc(r->arena, (out->memberships.len + channels.len) * sizeof *all + 1);
    if (out->memberships.len > 0) memcpy(all, out->memberships.at, out->memberships.len * sizeof *all);
    out->memberships.at = all;
    for (size_t i = 0; i < channels.len; i++) {
        struct mattermost_membership *one = &all[out->memberships.len++];
        if (channels.at[i].at[0] != '{') return refuse(r, "channels", "are objects");
        one->team = name;
        TRY(read_name(r, channels.at[i], "name", &one->channel));
        TRY(read_text(r, channels.at[i], "roles", &roles));
        one->is_admin = has_word(roles, "channel_admin");
    }
    return OK;
}

static enum err take_user(struct mattermost_reader *r, struct str object, struct mattermost_line *out)
{
    struct str_list teams;

    TRY(read_name(r, object, "username", &out->username));
    TRY(read_text(r, object, "nickname", &out->nickname));
    TRY(read_text(r, object, "first_name", &out->first_name));
    TRY(read_text(r, object, "last_name", &out->last_name));
    TRY(read_text(r, object, "email", &out->email));
    TRY(read_text(r, object, "locale", &out->locale));
    TRY(read_time(r, object, "delete_at", &out->left_at));
    TRY(read_items(r, object, "teams", &teams));
    for (size_t i = 0; i < teams.len; i++) TRY(read_memberships(r, teams.at[i], out));
    return OK;
}

static enum err take_post(struct mattermost_reader *r, struct str object, struct mattermost_line *out)
{
    TRY(read_name(r, object, "team", &out->team));
    TRY(read_name(r, object, "channel", &out->channel));
    return read_post(r, object, &out->post);
}

/* Newer versions say with each member what they have read. */
static enum err take_direct_channel(struct mattermost_reader *r, struct str object, struct mattermost_line *out)
{
    TRY(read_members(r, object, "members", &out->members));
    if (out->members.len == 0) TRY(read_texts_in(r, object, "participants", "username", &out->members));
    TRY(check_members(r, "members", out->members));
    return read_text(r, object, "header", &out->header);
}

static enum err take_direct_post(struct mattermost_reader *r, struct str object, struct mattermost_line *out)
{
    TRY(read_members(r, object, "channel_members", &out->members));
    TRY(check_members(r, "channel_members", out->members));
    return read_post(r, object, &out->post);
}

static const struct {
    const char *type;
    enum mattermost_kind kind;
    enum err (*take)(struct mattermost_reader *r, struct str object, struct mattermost_line *out);
} KINDS[] = {
    { "channel", MATTERMOST_CHANNEL, take_channel },
    { "user", MATTERMOST_USER, take_user },
    { "post", MATTERMOST_POST, take_post },
    { "direct_channel", MATTERMOST_DIRECT_CHANNEL, take_direct_channel },
    { "direct_post", MATTERMOST_DIRECT_POST, take_direct_post },
};

static enum err take_version(struct mattermost_reader *r, struct str text, struct mattermost_line *out)
{
    struct str raw;
    int64_t version;

    out->kind = MATTERMOST_VERSION;
    return json_find(text, "version", &raw) && str_to_int(raw, &version) && version == FORMAT
               ? OK
               : refuse(r, "version", "is another one than 1");
}

enum err mattermost_line_read(struct arena *arena, struct str text, struct mattermost_line *out, struct wire_error *why)
{
    struct mattermost_reader r = { arena, why };
    struct str object;

    *out = (struct mattermost_line){ .kind = MATTERMOST_OTHER };
    text = str_trim(text);
    enum json_verdict verdict = json_check(text, JSON_DEPTH_MAX);
    if (verdict == JSON_MALFORMED) return wire_refuse(why, ERR_INVALID_ARGUMENT, NULL, "it is no JSON");
    if (verdict == JSON_REFUSED)
        return wire_refuse(
            why, ERR_INVALID_ARGUMENT, NULL, "it has a key twice, or a number or a character that nothing else takes");
    if (text.at[0] != '{') return wire_refuse(why, ERR_INVALID_ARGUMENT, NULL, "it is no object");
    TRY(read_name(&r, text, "type", &out->type));
    if (str_is(out->type, "version")) return take_version(&r, text, out);
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        if (!str_is(out->type, KINDS[i].type)) continue;
        if (!find(text, KINDS[i].type, &object) || object.at[0] != '{')
            return refuse(&r, KINDS[i].type, "is no object");
        out->kind = KINDS[i].kind;
        return KINDS[i].take(&r, object, out);
    }
    return OK;
}

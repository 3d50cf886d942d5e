/* talk.c - messages are read for a page. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/pages/talk.h"

#include <inttypes.h>
#include <time.h>

#include "libshared/base/err.h"
#include "libshared/base/id.h"
#include "libshared/wire/msgpack_in.h"

#define PROFILES_MAX 1000 /* each message looks through them */
#define NAME_CHARS   80
#define TIME_CHARS   40
#define NAMES_MAX    8
#define MEDIA_MAX    10 /* of one message */

enum talk_member {
#define MEMBER(what, ...) MEMBER_##what,
#include "services/share/pages/members.def"
#undef MEMBER
    MEMBERS
};
static const char *const names[MEMBERS][NAMES_MAX] = {
#define MEMBER(what, ...) { __VA_ARGS__, NULL },
#include "services/share/pages/members.def"
#undef MEMBER
};
static const char *const notices[] = { "system", "notice", "date" };

/* --- values --- */

static struct msgpack_value value_of(struct str any)
{
    struct msgpack_in in = { .left = any };
    struct msgpack_value value;

    return msgpack_next(&in, &value) ? value : (struct msgpack_value){ .kind = MSGPACK_NIL };
}

static struct msgpack_value find_member(struct str map, enum talk_member member)
{
    for (const char *const *name = names[member]; *name != NULL; name++) {
        struct str raw = msgpack_member(map, *name);
        if (raw.at != NULL) return value_of(raw);
    }
    return (struct msgpack_value){ .kind = MSGPACK_NIL };
}

struct str talk_cut(struct str text, size_t chars)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] & 0xc0) != 0x80 && chars-- == 0) return (struct str){ text.at, i };
    return text;
}

static bool whole_of(const struct msgpack_value *value, int64_t *out)
{
    bool is_uint = value->kind == MSGPACK_UINT;

    *out = is_uint ? (value->uint > INT64_MAX ? INT64_MAX : (int64_t)value->uint) : value->integer;
    return is_uint || value->kind == MSGPACK_INT;
}

/* A name, or a number that stands for one; nothing else is either. */
static struct str label_of(struct arena *arena, const struct msgpack_value *value)
{
    int64_t whole;

    if (value->kind == MSGPACK_TEXT) return value->bytes;
    return whole_of(value, &whole) ? arena_printf(arena, "%" PRId64, whole) : STR_NONE;
}

/* --- files that are named --- */

static void add_media(struct id_list *list, struct id id, size_t most)
{
    for (size_t i = 0; i < list->len; i++)
        if (id_eq(list->at[i], id)) return;
    if (list->len < most) list->at[list->len++] = id;
}

static void find_media_in_text(struct str text, struct id_list *list, size_t most)
{
    static const struct str before = { "/media/", 7 };
    struct id id;

    for (; text.len >= before.len + ID_TEXT_BYTES; text = str_skip(text, 1))
        if (str_starts(text, before) && id_parse((struct str){ text.at + before.len, ID_TEXT_BYTES }, &id))
            add_media(list, id, most);
}

/* In whatever texts there are in it. */
static void find_media(struct str any, struct id_list *list, size_t most)
{
    struct msgpack_in in = { .left = any };
    struct msgpack_value value;

    while (in.left.len > 0 && msgpack_next(&in, &value))
        if (value.kind == MSGPACK_TEXT) find_media_in_text(value.bytes, list, most);
}

static bool is_member(struct str key, enum talk_member member)
{
    for (const char *const *name = names[member]; *name != NULL; name++)
        if (str_is(key, *name)) return true;
    return false;
}

/* Not in what says who says it: that may have a picture of its own. */
static struct id_list read_media(struct arena *arena, struct str message)
{
    struct id_list list = { arena_alloc(arena, MEDIA_MAX * sizeof *list.at), 0 };
    struct msgpack_in in = { .left = message };
    struct msgpack_value map, key;
    struct str raw;

    if (!msgpack_next(&in, &map) || map.kind != MSGPACK_MAP) return list;
    for (uint32_t i = 0; i < map.count && msgpack_next(&in, &key) && msgpack_skip(&in, &raw); i++)
        if (key.kind == MSGPACK_TEXT && !is_member(key.bytes, MEMBER_sender)) find_media(raw, &list, MEDIA_MAX);
    return list;
}

/* --- profiles --- */

struct profile {
    struct str key, name;
    struct id face;
    bool mine;
};
struct profiles {
    struct profile at[PROFILES_MAX];
    size_t n;
};

static void add_profile(struct arena *arena, struct profiles *profiles, struct str key, struct str object)
{
    struct msgpack_value id = find_member(object, MEMBER_id), name = find_member(object, MEMBER_name);
    struct msgpack_value mine = find_member(object, MEMBER_mine);
    struct id face = { { 0 } };

    if (profiles->n == PROFILES_MAX) return;
    if (key.at == NULL) key = label_of(arena, &id);
    find_media(object, &(struct id_list){ &face, 0 }, 1);
    profiles->at[profiles->n++] = (struct profile){ .key = key,
        .face = face,
        .name = talk_cut(label_of(arena, &name), NAME_CHARS),
        .mine = mine.kind == MSGPACK_BOOL && mine.truth };
}

static struct profiles *read_profiles(struct arena *arena, struct str any)
{
    struct profiles *profiles = arena_zero(arena, sizeof *profiles);
    struct msgpack_in in = { .left = any };
    struct msgpack_value all, key = { .kind = MSGPACK_NIL };
    struct str object;

    if (any.at == NULL || !msgpack_next(&in, &all)) return profiles;
    if (all.kind != MSGPACK_MAP && all.kind != MSGPACK_ARRAY) return profiles;
    for (uint32_t i = 0; i < all.count && profiles->n < PROFILES_MAX; i++) {
        if (all.kind == MSGPACK_MAP && !msgpack_next(&in, &key)) break;
        if (!msgpack_skip(&in, &object)) break;
        add_profile(arena, profiles, all.kind == MSGPACK_MAP ? key.bytes : STR_NONE, object);
    }
    return profiles;
}

static const struct profile *find_profile(const struct profiles *profiles, struct str key)
{
    for (size_t i = 0; i < profiles->n; i++)
        if (profiles->at[i].key.at != NULL && str_eq(profiles->at[i].key, key)) return &profiles->at[i];
    return NULL;
}

/* --- messages --- */

static bool is_notice(const struct msgpack_value *type)
{
    for (size_t i = 0; i < COUNT(notices); i++)
        if (type->kind == MSGPACK_TEXT && str_is(type->bytes, notices[i])) return true;
    return false;
}

/* Text is what its program wrote; a number is milliseconds since 1970. */
static struct str read_time(struct arena *arena, const struct msgpack_value *value)
{
    char text[40] = "";
    struct tm tm;
    int64_t ms;

    if (value->kind == MSGPACK_TEXT) return talk_cut(value->bytes, TIME_CHARS);
    if (!whole_of(value, &ms) || ms < 0 || ms > INT64_C(253402300799999)) return STR_NONE;
    time_t seconds = (time_t)(ms / 1000);
    if (gmtime_r(&seconds, &tm) == NULL) return STR_NONE;
    return arena_str(arena, (struct str){ text, strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) });
}

static struct talk_line read_line(struct arena *arena, const struct profiles *profiles, struct str message)
{
    struct msgpack_value text = find_member(message, MEMBER_text), sender = find_member(message, MEMBER_sender);
    struct msgpack_value time = find_member(message, MEMBER_time), mine = find_member(message, MEMBER_mine);
    struct msgpack_value type = find_member(message, MEMBER_type);
    struct str key = label_of(arena, &sender);
    const struct profile *profile = key.at != NULL ? find_profile(profiles, key) : NULL;
    struct talk_line line = { .text = text.kind == MSGPACK_TEXT ? text.bytes : STR_NONE };

    if (mine.kind == MSGPACK_BOOL ? mine.truth : str_is(key, "me") || (profile != NULL && profile->mine))
        line.side = TALK_MINE;
    if (is_notice(&type)) line.side = TALK_NOTICE;
    line.who = profile != NULL && profile->name.len > 0 ? profile->name : talk_cut(key, NAME_CHARS);
    if (profile != NULL) line.face = profile->face;
    line.when = read_time(arena, &time);
    line.media = read_media(arena, message);
    return line;
}

static bool says_on(const struct talk_line *before, const struct talk_line *line)
{
    return line->side != TALK_NOTICE && before->side == line->side && str_eq(before->who, line->who);
}

struct talk talk_read(struct arena *arena, struct str data, size_t from, size_t most)
{
    struct str messages = msgpack_member(data, "messages"), message;
    const struct profiles *profiles = read_profiles(arena, msgpack_member(data, "profiles"));
    struct msgpack_in in = { .left = messages };
    struct msgpack_value list;
    struct talk talk = { .n = 0 };

    if (messages.at == NULL || !msgpack_next(&in, &list) || list.kind != MSGPACK_ARRAY) return talk;
    talk.all = list.count;
    if (from >= talk.all) return talk;
    talk.lines = arena_alloc(arena, (most < talk.all - from ? most : talk.all - from) * sizeof *talk.lines);
    for (size_t i = 0; i < talk.all && talk.n < most && msgpack_skip(&in, &message); i++) {
        if (i < from) continue;
        struct talk_line line = read_line(arena, profiles, message);
        line.goes_on = talk.n > 0 && says_on(&talk.lines[talk.n - 1], &line);
        talk.lines[talk.n++] = line;
    }
    return talk;
}

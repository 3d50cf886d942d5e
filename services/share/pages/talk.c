/* talk.c - messages are read for a page. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/pages/talk.h"

#include <inttypes.h>
#include <time.h>

#include "libshared/base/err.h"
#include "libshared/wire/msgpack_in.h"

#define PROFILES_MAX 1000 /* each message looks through them */
#define NAME_CHARS   80
#define TIME_CHARS   40
#define NAMES_MAX    8

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

/* The first so many characters. */
static struct str cut_text(struct str text, size_t chars)
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

/* --- profiles --- */

struct profile {
    struct str key, name;
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

    if (profiles->n == PROFILES_MAX) return;
    if (key.at == NULL) key = label_of(arena, &id);
    profiles->at[profiles->n++] = (struct profile){ .key = key,
        .name = cut_text(label_of(arena, &name), NAME_CHARS),
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

    if (value->kind == MSGPACK_TEXT) return cut_text(value->bytes, TIME_CHARS);
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
    line.who = profile != NULL && profile->name.len > 0 ? profile->name : cut_text(key, NAME_CHARS);
    line.when = read_time(arena, &time);
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

/* fuzz_mattermost.c - any bytes as a line of Mattermost's export: what is taken has what its kind needs, and what is not says why. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/arena.h"
#include "services/tools/madangctl/mattermost/mattermost.h"
#include "tests/fuzz/fuzz.h"

#define NAME_BYTES 100

static struct arena *arena;

static bool is_name(struct str name)
{
    return name.len > 0 && name.len <= NAME_BYTES && utf8_is_valid(name.at, name.len);
}

static void post_is_sane(const struct mattermost_post *post)
{
    PROMISE(is_name(post->user) && post->at > 0 && utf8_is_valid(post->message.at, post->message.len));
    PROMISE(post->props.len == 0 || post->props.at != NULL);
    for (size_t i = 0; i < post->reactions.len; i++)
        PROMISE(is_name(post->reactions.at[i].user) && is_name(post->reactions.at[i].emoji) &&
                post->reactions.at[i].at > 0);
    for (size_t i = 0; i < post->files.len; i++) PROMISE(post->files.at[i].len > 0);
    for (size_t i = 0; i < post->replies.len; i++) {
        PROMISE(post->replies.at[i].replies.len == 0);
        post_is_sane(&post->replies.at[i]);
    }
}

static void members_are_sane(const struct mattermost_line *line)
{
    PROMISE(line->members.len > 0);
    for (size_t i = 0; i < line->members.len; i++) PROMISE(is_name(line->members.at[i]));
}

static void user_is_sane(const struct mattermost_line *line)
{
    PROMISE(is_name(line->username));
    for (size_t i = 0; i < line->memberships.len; i++)
        PROMISE(is_name(line->memberships.at[i].team) && is_name(line->memberships.at[i].channel));
}

static void is_sane(const struct mattermost_line *line)
{
    bool is_post = line->kind == MATTERMOST_POST || line->kind == MATTERMOST_DIRECT_POST;

    PROMISE(is_name(line->type));
    if (is_post) post_is_sane(&line->post);
    if (line->kind == MATTERMOST_CHANNEL || line->kind == MATTERMOST_POST)
        PROMISE(is_name(line->team) && is_name(line->channel));
    if (line->kind == MATTERMOST_DIRECT_CHANNEL || line->kind == MATTERMOST_DIRECT_POST) members_are_sane(line);
    if (line->kind == MATTERMOST_USER) user_is_sane(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mattermost_line line;
    struct wire_error why = { 0 };

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 28);
    if (mattermost_line_read(arena, (struct str){ (const char *)data, size }, &line, &why) == OK)
        is_sane(&line);
    else
        PROMISE(why.text[0] != '\0');
    arena_reset(arena);
    return 0;
}

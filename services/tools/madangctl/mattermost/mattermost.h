/* mattermost.h - a line of Mattermost's bulk export, and what becomes of all of them: docs/import.md. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/wire.h"

enum mattermost_kind {
    MATTERMOST_OTHER, /* what is not taken: its `type` says what it is */
    MATTERMOST_VERSION,
    MATTERMOST_CHANNEL,
    MATTERMOST_USER,
    MATTERMOST_POST,
    MATTERMOST_DIRECT_CHANNEL,
    MATTERMOST_DIRECT_POST
};

struct mattermost_reaction {
    struct str user, emoji;
    int64_t at;
};

struct mattermost_post; /* a reply is one, too, without replies of its own */
struct mattermost_post_list {
    struct mattermost_post *at;
    size_t len;
};
struct mattermost_post {
    struct str user, message, type;
    struct str props; /* as JSON; STR_NONE: none */
    int64_t at, edited_at, deleted_at;
    bool is_pinned;
    size_t saves; /* so many have saved it */
    struct str_list files;
    struct mattermost_post_list replies;
    struct {
        struct mattermost_reaction *at;
        size_t len;
    } reactions;
};

struct mattermost_membership {
    struct str team, channel;
    bool is_admin;
};

/* Of a post, or a channel: by team and name, or by its members.  Absent texts are STR_NONE. */
struct mattermost_line {
    enum mattermost_kind kind;
    struct str type, team, channel;
    struct str_list members;
    struct str title, header, purpose;
    bool is_open;
    int64_t archived_at;
    struct str username, nickname, first_name, last_name, email, locale;
    int64_t left_at; /* of a user who was deactivated */
    struct {
        struct mattermost_membership *at;
        size_t len;
    } memberships;
    struct mattermost_post post;
};

/* Views into `text`, or the arena's.  Not OK: `why` says what is wrong with it. */
enum err mattermost_line_read(
    struct arena *arena, struct str text, struct mattermost_line *out, struct wire_error *why) MUST_CHECK;

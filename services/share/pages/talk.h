/*
 * talk.h - what a page shows of a conversation: its messages, whoever's program wrote them.
 *
 *      messages: [{ text, sender, time, mine, type }, ...]   profiles: { "ada": { name }, ... } or [{ id, name }, ...]
 *
 * Programs differ in what they call these: members.def has the names that are understood.  What is not text is said to be there.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

enum talk_side { TALK_THEIRS, TALK_MINE, TALK_NOTICE };

struct talk_line {
    enum talk_side side;
    struct str who;  /* as much of a name as is shown; perhaps nothing */
    struct str text; /* at == NULL: something that is not text */
    struct str when; /* as its program wrote it, or the time of day that it is in UTC */
    bool goes_on;    /* who said the line before says this one, too */
};

struct talk {
    struct talk_line *lines;
    size_t n;   /* from `from` on, `most` at most */
    size_t all; /* messages that there are */
};

/* data: msgpack, as conversation_check() lets it be kept. */
struct talk talk_read(struct arena *arena, struct str data, size_t from, size_t most);

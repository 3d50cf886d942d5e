/*
 * talk.h - what a page shows of a conversation: its messages, whoever's program wrote them.
 *
 *      messages: [{ text, sender, time, mine, type }, ...]   profiles: { "ada": { name }, ... } or [{ id, name }, ...]
 *
 * Programs differ in what they call these: members.def has the names that are understood.  Whatever member of a message has the URL of a
 * file of ours (/media/ID) is one that it shows; of a profile, its picture.  What is neither is said to be there.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"
#include "libshared/wire/wire.h"

enum talk_side { TALK_THEIRS, TALK_MINE, TALK_NOTICE };

struct talk_line {
    enum talk_side side;
    struct str who;       /* as much of a name as is shown; perhaps nothing */
    struct str text;      /* at == NULL: something that is not text */
    struct str when;      /* as its program wrote it, or the time of day that it is in UTC */
    bool goes_on;         /* who said the line before says this one, too */
    struct id_list media; /* that it names; whether there are such is not known here */
    struct id face;       /* nil: none is named */
};

struct talk {
    struct talk_line *lines;
    size_t n;   /* from `from` on, `most` at most */
    size_t all; /* messages that there are */
};

struct str talk_cut(struct str text, size_t chars); /* the first so many */
/* data: msgpack, as conversation_check() lets it be kept. */
struct talk talk_read(struct arena *arena, struct str data, size_t from, size_t most);

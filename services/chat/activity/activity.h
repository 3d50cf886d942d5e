/*
 * activity.h - what follows from rooms' logs in chat's own tables.
 *
 *      store --activity.take: entries--> each room's row is locked, what is behind its position is new
 *                                        the functions of follows.def write what follows from that      one transaction
 *                                        the position is raised
 *            <--------------- positions
 *
 * So each entry has its consequence once, in order, whoever is killed.  What else shall follow from entries is a function
 * `enum err f(struct call *call, const struct activity_news *news)` and a row of follows.def: it sees each piece of a log once, writes by call->pg
 * into chat's schema, and has told, by call_after(), what it has to tell after the commit.  It may look into room and member.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

/* What is new in a room: a piece of its log. */
struct activity_room {
    struct id room;
    int64_t silent;            /* so many entries up to the position do not count */
    int64_t seq;               /* the position from now on */
    int64_t newest, newest_at; /* message that is new; 0: none */
    struct str newest_by;      /* who sent it */
    const struct message *
        entries; /* all that is new but, where there are no texts, messages that name nobody: proto/chat.def, feed_batch */
    size_t n;
    bool texts; /* all entries are there, with their texts */
};

struct activity_news {
    const struct activity_room *rooms; /* in the order of ids */
    size_t n;
    const struct feed_voice_list *voices;     /* who said something in them, or in what of their spans is not new */
    const struct feed_reply_list *replies;    /* the same of replies */
    const struct feed_text_list *texts;       /* of rooms with texts */
    const struct feed_release_list *released; /* of entries, new or not, that have a message be read again */
};

/* Has somebody to read it? proto/entries.def */
bool activity_counts(const struct message *entry);

#define FOLLOWS(function) enum err function(struct call *call, const struct activity_news *news) MUST_CHECK;
#include "services/chat/activity/follows.def"
#undef FOLLOWS

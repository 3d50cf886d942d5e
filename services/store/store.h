/*
 * store.h - the store service: what was said.
 *
 *      gateway --message.append--> access_cache.c: a member? --> committer.c: one commit for all that wait --> receipt
 *                                     |  ^                                     |
 *                          room.access|  |access.changed                       v
 *                                     v  |                              outbox.c --room.publish--> chat
 *                                     chat
 *
 * Everything behind struct store belongs to the loop thread, but for the committer's own thread.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/directory/directory.h"
#include "libshared/jobs/job_rows.h"
#include "libshared/rpc/parts.h"
#include "libshared/rpc/rpc_client.h"
#include "libshared/rpc/rpc_rows.h"
#include "libshared/service/settings.h"
#include "services/store/chat_link.h"
#include "services/store/messages/committer.h"
#include "services/store/access_cache.h"
#include "services/store/entries/entries.h"
#include "services/store/entries/turns.h"
#include "services/store/feeds/feeds.h"
#include "services/store/lines.h"
#include "services/store/outbox.h"

/* One process of chat, and what is remembered of its answers. */
struct chat_part {
    struct store *store;
    struct chat_link *link;
    struct access_cache *access;
};

struct store {
    const struct settings_store *settings;
    struct rpc_server *server;
    size_t n_parts;
    struct chat_part parts[PARTS_MAX];
    struct committer *committer;
    struct outbox *outbox;
    struct lines *lines;
    struct log_feeds *feeds;
    struct turns *turns;
    struct directory *directory; /* of users */
    struct id trimmed;           /* log_trim.c: up to this room of a pass; nil: none is under way */
    struct rpc_client *share;    /* whose are the media that messages show */
    size_t appends_open;         /* taken and not yet answered */
    bool stopping;               /* the server is gone: answer nobody */
};

/* clang-format off */
#define METHOD RPC_PROTOTYPE
#define JOB    JOB_PROTOTYPE
#include "proto/begin.def"
#include "proto/store.def"
#include "proto/end.def"
/* clang-format on */

/* The chat process that speaks for a room. */
static inline const struct chat_part *store_chat(const struct store *store, struct id room)
{
    return &store->parts[part_of(room, store->n_parts)];
}

/* Any chat process that is there, for what each of them knows; NULL: none is. */
static inline const struct chat_part *store_any_chat(const struct store *store)
{
    for (size_t i = 0; i < store->n_parts; i++)
        if (chat_link_is_up(store->parts[i].link)) return &store->parts[i];
    return NULL;
}

/* What access_cache_ask found out, as this call's error: forbidden for a subject that is no member. */
enum err access_error(struct call *call, enum err e, struct log_access may) MUST_CHECK;

/* message_append.c: an entry of this kind begins its way into the log: with its room, id, body, and what it is about. */
void entry_begin(struct call *call, enum entry_kind kind, const struct message *entry, struct rpc_later *later);
/* The same for the call's subject, whoever calls: `done` comes once, perhaps before this returns, with the entry as it is in the log; or with
 * the error, which is the call's.  !was_put: then it is certain that it is not in the log. */
typedef void entry_done_fn(void *arg, enum err e, const struct message *entry, bool was_put);
void entry_send(struct call *call, enum entry_kind kind, const struct message *entry, entry_done_fn *done, void *arg);
/* The same of a subject that is no member, and of whom it is known what they may do there. */
void entry_send_by(struct call *call, enum entry_kind kind, const struct message *entry, struct log_access may,
    entry_done_fn *done, void *arg);
/* What can be said of an entry without asking anybody; the second also on a worker. */
enum err entry_check(struct call *call, enum entry_kind kind, const struct message *entry) MUST_CHECK;
enum err entry_check_length(struct call *call, struct str body) MUST_CHECK;
/* A batch came back from the committer. */
void appends_done(void *store, struct append *first);

/* target.c: the message that this entry, whose sender is known, is about.  not_found: there is none such. */
enum err target_read(struct pg *pg, struct arena *arena, const struct message *entry, struct target *out) MUST_CHECK;

/* target.c: is a message in the log already, under this id of its sender's? */
enum err repeat_read(struct pg *pg, struct arena *arena, const struct message *entry, bool *out) MUST_CHECK;

/* media_claim.c: may the caller show these?  They stay until what shows them is in the log, or was given up.  `done` comes once, later; the
 * error is the call's. */
void media_claim_ask(
    struct store *store, struct call *call, struct id_list media, void (*done)(void *arg, enum err e), void *arg);

/* message_erase.c: a step of directory.h's. */
enum err messages_erase_some(struct call *call, struct erasure *erasure, void **left) MUST_CHECK;

/* log_page.c: a slice of a room's log, of all kinds of entries, and its head.  before == 0: what follows `after`, oldest first; else the newest
 * of what comes before it.  A page ends early at PAGE_BYTES, but has one message at least if there is one. */
struct slice {
    struct id room;
    struct str reader; /* what they hide comes without text; empty: nobody in particular */
    int64_t after, before, limit;
};
enum err log_page(struct pg *pg, struct arena *arena, const struct slice *slice, struct message_page *out) MUST_CHECK;
/* history_page.c: a slice of its messages as they are now, to this reader: those after `seq`, oldest first; the newest of those before it;
 * or those around it.  `around` is of all messages only.  It ends early like a page of the log. */
enum history_of { HISTORY_ALL, HISTORY_THREAD, HISTORY_PINS };
enum history_way { HISTORY_AFTER, HISTORY_BEFORE, HISTORY_AROUND };
struct history_slice {
    struct id room;
    enum history_of of;
    enum history_way way;
    int64_t seq, limit;
    int64_t thread; /* of HISTORY_THREAD */
    int64_t floor;  /* what its reader may read lies behind this seq: history_floor() */
};
enum err history_read(struct pg *pg, struct arena *arena, const struct history_slice *slice, struct str reader,
    struct message_view_list *out) MUST_CHECK;
/* These messages, of any rooms, newest first; it ends early like a page of the log. */
enum err history_these(struct pg *pg, struct arena *arena, struct id_list rooms, const int64_t *seqs, struct str reader,
    struct message_view_list *out) MUST_CHECK;
/* The seq behind which all that was stored at this time or later is. */
enum err history_place(struct pg *pg, struct arena *arena, struct id room, int64_t from, int64_t *seq) MUST_CHECK;
/* The seq behind which all lies that somebody may read of whom chat says reads_after, and that the room keeps: whoever reads a log for somebody
 * asks this first, in the same snapshot. */
enum err history_floor(
    struct pg *pg, struct arena *arena, struct id room, int64_t reads_after, int64_t *seq) MUST_CHECK;
/* history_page.c: what one sender said, room by room, as it is now: behind a message, or with seq 0 behind a room; from a nil room on it is
 * all.  No more than OWN_ROOMS_AT_ONCE rooms are looked through; a nil room in *next says that there are no more.  The order within a room
 * is that of the sender's ids. */
#define OWN_ROOMS_AT_ONCE 2000
struct own_place {
    struct id room;
    int64_t seq;
};
enum err history_own(struct pg *pg, struct arena *arena, const struct own_place *from, int64_t limit, struct str sender,
    struct message_view_list *out, struct own_place *next) MUST_CHECK;
/* The same of their reactions, of which `seq` of a place is the entry's. */
enum err history_own_reactions(struct pg *pg, struct arena *arena, const struct own_place *from, int64_t limit,
    struct str sender, struct own_reaction_list *out, struct own_place *next) MUST_CHECK;
/* log_page.c: where a room's log ends and begins, of an empty one 0 and 1. */
struct log_ends {
    int64_t head, first; /* nobody reads what is before `first`, whether it is there still or not: log_trim.c */
};
enum err log_ends_read(struct pg *pg, struct arena *arena, struct id room, struct log_ends *out) MUST_CHECK;
/* As it is told: 0 where all is there. */
static inline int64_t log_first_told(const struct log_ends *ends)
{
    return ends->first > 1 ? ends->first : 0;
}

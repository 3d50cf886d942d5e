/*
 * conversations_private.h - what the files of conversations share.
 *
 *      create, duplicate --> kept --put, patch--> kept, with another etag
 *                             |  ^
 *                      delete |  | undelete
 *                             v  |
 *                            trash --MADANG_SHARE_TRASH_DAYS, or for good--> gone, and given back to its owner's quotas
 *
 *      put, patch, restore --> what it was is a former version --as many, old and large as MADANG_SHARE_VERSION* say, or forgotten--> gone
 *                     '------- by who changed it last, soon: that is the same change ----> no former version
 *
 *      sharing.add --> reader, editor --sharing.end, by its owner or themselves--> nobody
 *
 * What somebody may do is a row of rights.def.  Readers and editors have it while it is not in the trash, not taken down, and its owner is an
 * active user.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/share/conversations/conversations.h"

#define CONVERSATION_ETAG "'\"' || version || '\"' AS etag"
#define CONVERSATION                                                                                                   \
    "id, name, theme, public, data, created_at, changed_at, deleted_at, taken_down_at, "                               \
    "taken_down_for, " CONVERSATION_ETAG

/* conversation_content.c: may this be kept?  An object, of a conversation's shape where it has its members, and bounded as it is
 * printed, too. */
enum err conversation_check(struct call *call, struct str data) MUST_CHECK;
/* What it names of media is used by it from now on, and nothing else: media_collect.c.  It shows what is the caller's own, and what it showed
 * before, or when it was the former version `restored` (0: none): nobody shows what they were only shown. */
enum err conversation_use_media(struct call *call, struct id conversation, int64_t restored) MUST_CHECK;

/* conversation_rights.c: what the subject $2 is of c; NULL: it is not there. */
#define CONVERSATION_ROLE                                                                                              \
    "CASE WHEN c.owner = $2 THEN 'owner' ELSE coalesce((SELECT p.role FROM sharing p WHERE p.conversation = c.id"      \
    " AND p.subject = $2 AND " CONVERSATION_IS_SHARED "), CASE WHEN c.public AND c.deleted_at IS NULL"                 \
    " AND c.taken_down_at IS NULL THEN 'anybody' END) END"
bool conversation_role_may(struct str role, enum conversation_right right);
/* What of it is its viewer's, who is this. */
void conversation_describe(struct call *call, struct str role, struct conversation *rep);
struct str_list conversation_can(struct arena *arena, struct str role);

/* Of a conversation that stands still until the commit. */
struct conversation_state {
    struct str role, owner, etag;
    int64_t bytes;
    bool in_trash, public;
};
/* The same, and it stands still until the commit; if_match: of RFC 9110, or nothing.  precondition_failed. */
enum err conversation_lock(struct call *call, struct id conversation, enum conversation_right right,
    struct str if_match, struct conversation_state *out) MUST_CHECK;

/* sharing.c: a user's id has one spelling. */
struct str sharing_subject(struct arena *arena, struct str subject);
enum err sharing_find(struct call *call, struct id conversation, struct str subject, struct sharing *out) MUST_CHECK;
/* sharing_tell.c, in a WORKER: what this owner shares with them is another. */
enum err sharing_put_news(struct call *call, struct str owner, struct str subject) MUST_CHECK;

/* version_list.c: who had made a former version so, where that is the business of the subject $2. */
#define VERSION_CHANGED_BY "CASE WHEN owner = $2 OR changed_by IN (owner, $2) THEN changed_by END AS changed_by"
#define VERSION_ENTRY      "version, name, theme, messages, bytes, " VERSION_CHANGED_BY ", changed_at, kept_at"
enum err version_find(struct call *call, const struct version_ref *ref, struct former_version *out) MUST_CHECK;
/* version_delete.c: are there any at all? */
bool versions_are_kept(const struct call *call);
/* Of a conversation that has just changed: one was kept, and the oldest may be too much now. */
enum err versions_trim(struct call *call, struct id conversation, struct str owner) MUST_CHECK;

/*
 * conversations_private.h - what the files of conversations share.
 *
 *      create, duplicate --> kept --put, patch--> kept, with another etag
 *                             |  ^
 *                      delete |  | undelete
 *                             v  |
 *                            trash --MADANG_SHARE_TRASH_DAYS, or for good--> gone, and given back to its owner's quotas
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/share/share.h"

#define CONVERSATION_ETAG "'\"' || version || '\"' AS etag"
#define CONVERSATION                                                                                                   \
    "id, name, theme, public, data, created_at, changed_at, deleted_at, taken_down_at, "                               \
    "taken_down_for, " CONVERSATION_ETAG

/* conversation_content.c: may this be kept?  An object, of a conversation's shape where it has its members, and bounded as it is
 * printed, too. */
enum err conversation_check(struct call *call, struct str data) MUST_CHECK;
/* What it names of media is used by it from now on, and nothing else: media_collect.c. */
enum err conversation_use_media(struct call *call, struct id conversation) MUST_CHECK;

/* Of a conversation that stands still until the commit. */
struct conversation_state {
    struct str etag;
    int64_t bytes;
    bool in_trash;
};
/* conversation_change.c: one of the caller's own; if_match: of RFC 9110, or nothing.  not_found, precondition_failed. */
enum err conversation_lock(
    struct call *call, struct id conversation, struct str if_match, struct conversation_state *out) MUST_CHECK;

/* entries.h - the kinds of entries in a log, and who may do what to whose messages: rows of proto/entries.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"
#include "libshared/service/settings.h"
#include "services/store/access_cache.h"

/* clang-format off */
enum entry_kind {
#define ENTRY(kind, name, about, heard, unread, effect, doc) ENTRY_##kind,
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    ENTRY_KINDS,
#define ASIDE(kind, name, doc) ENTRY_##kind,
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
};
/* clang-format on */

/* Its name on the wire and in the log; of a message there is none. */
struct str entry_name(enum entry_kind kind);

/* A message, as it is when something is about to be done to it; of a reply: the one that it is to. */
struct target {
    struct str sender;
    int64_t at;
    bool is_reply, is_deleted, is_withheld;
    bool is_repeat; /* the entry is in the log already, under this id */
    bool is_so;     /* it has this reaction of theirs, or a pin */
    int64_t edits;
    int64_t emojis;   /* other ones than this */
    int64_t done_seq; /* what the entry does is so already, by this one; 0: it is not */
    struct str done_id;
    int64_t done_at;
};

/* May somebody of this role do this to a message, their own or another's, of this age? */
bool entry_is_allowed(
    const struct settings_store *set, enum entry_kind kind, enum role role, bool is_own, int64_t age_ms);

/* For so many seconds the words are kept that an entry of this kind took away: a row of REMAINS. */
int64_t entry_words_kept_s(const struct settings_store *set, enum entry_kind kind);

/* OK; or why not, as the call's error. */
enum err entry_judge(struct call *call, const struct settings_store *set, enum entry_kind kind, struct log_access may,
    const struct target *target) MUST_CHECK;

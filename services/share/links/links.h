/*
 * links.h - links with which others see a conversation.
 *
 *      create --> open ---its time or its views are over---> ended ---edit---> open
 *                  | reset: another code                       |
 *                  +-- revoke, or its conversation goes -------+--> gone, and given back to its owner's quotas
 *
 * A code is 14 characters of base58, 82 bits.  Its hash is what is looked up, and it is kept encrypted for its owner to copy again.
 * A code that opens nothing is answered alike whatever the reason, by the same statements; but who brings a visit of theirs, and so
 * had it, is told that it has ended.
 *
 *      link_open: is there such a link? --> has it a password? that is compared --> a view, of the budget if there is one --> it is shown
 *                         '--- opened before, within MADANG_SHARE_VISIT_S, with the password that it has: that was the view ---^
 *
 * Nothing of a link with a password is shown, counted or taken before that is right (link_guess.c: how many may be wrong).
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/sealed_column.h"
#include "services/share/links/hashing.h"
#include "services/share/share.h"

#define LINK_CODE_CHARS 14
#define LINK_HASH_BYTES 32
#define LINK_CODE_BYTES 16 /* its beginning, which names a code to those who had it: share_visited, share_ticket */

/* link_code.c */
void link_code_make(char out[LINK_CODE_CHARS + 1]);
struct str link_code_hash(struct arena *arena, struct str code); /* of any text */

/* link_row.c: a link, as its owner sees it but for its code. */
struct link_row {
    struct id id, conversation;
    struct str sealed, label, theme;
    int64_t created_at, expires_at, view_budget, views, last_view_at, bytes;
    bool download, snapshot, noindex, preview, has_password;
    int64_t taken_down_at;
    struct str taken_down_for;
};
struct link_row_list {
    struct link_row *at;
    size_t len;
};
extern const struct wire_shape link_row_shape;
#define LINK_COLUMNS                                                                                                   \
    "id, conversation, code AS sealed, label, created_at, expires_at, coalesce(view_budget, 0) AS view_budget, views," \
    " last_view_at, download, noindex, preview, theme, snap_data IS NOT NULL AS snapshot, bytes, password IS NOT "     \
    "NULL AS "                                                                                                         \
    "has_password, " OF_TAKEDOWN("taken_down_at") ", " OF_TAKEDOWN("taken_down_for")
/* The link's own, or its conversation's. */
#define OF_TAKEDOWN(column)                                                                                            \
    "coalesce(share_link." column ", (SELECT c." column                                                                \
    " FROM conversation c WHERE c.id = share_link.conversation)) AS " column
extern const struct sealed_column sealed_share_link_code;

/* Of l: somebody may open it, or look again who has since `since`. */
#define LINK_LIVES(now, since)                                                                                         \
    "(l.expires_at IS NULL OR l.expires_at > " now ") AND (l.view_budget IS NULL OR l.views < l.view_budget"           \
    " OR l.last_view_at >= " since ")"
/* Which of its passwords it has; without one whoever brings a visit may look again, whatever it had. */
#define LINK_LOCK "CASE WHEN l.password IS NULL THEN 0 ELSE l.passwords END"
/* Those whose time is not over: more conditions may follow.  Of a user who is disabled or leaves nobody is shown anything, nor of what
 * an operator took down. */
#define LINKS_THAT_OPEN(now)                                                                                           \
    " FROM share_link l JOIN conversation c ON c.id = l.conversation LEFT JOIN directory d ON d.subject = l.owner"     \
    " WHERE (l.expires_at IS NULL OR l.expires_at > " now ") AND c.deleted_at IS NULL"                                 \
    " AND coalesce(d.state, 'active') = 'active' AND l.taken_down_at IS NULL AND c.taken_down_at IS NULL"
void link_describe(struct call *call, const struct link_row *row, struct share_link *out);
/* So many views it may have in all, from now on; 0: any number. */
enum err link_budget_set(struct call *call, struct id link, int64_t view_budget, int64_t views) MUST_CHECK;
enum err link_expiry_check(struct call *call, int64_t expires_at) MUST_CHECK; /* not too far away */
#define LINK_USES "share_link"                                                /* libshared/db/uses.h: what */
struct str link_uses_id(struct arena *arena, struct id link);

/* visit.c: which links somebody has opened, as they carry it themselves. */
struct link_visit {
    struct share_visits visits;
    struct str hash;    /* of the code that is asked about */
    struct str request; /* whatever stays the same when the same view is asked for again */
    bool had;           /* it was opened some time: */
    int64_t at, lock;   /* then, and with which of its passwords; 0: without */
    bool is_fresh;      /* so lately that they may look again, if it has that password still, or none */
};
struct link_visit visit_read(struct call *call, struct str text, struct str code, struct str client_key);
/* With this one, too. */
enum err visit_print(struct call *call, const struct link_visit *visit, int64_t lock, struct str *out) MUST_CHECK;

/* link_find.c.  not_found: there is none that opens, for whoever this is; gone: nor does it any more. */
struct found_link {
    struct id id;
    bool noindex, has_budget;
    struct str theme, owner;
    struct str preview;  /* what it is called, where programs that draw previews may know; none */
    struct str password; /* its hash; none: the code is enough */
    int64_t lock;        /* which of those that it has had; 0: none */
};
/* Afterwards visit->is_fresh says whether it is shown without anything more. */
enum err link_find(struct call *call, struct link_visit *visit, struct found_link *out) MUST_CHECK;
enum err link_count(struct call *call, const struct link_visit *visit, const struct found_link *link) MUST_CHECK;
enum err link_read(struct call *call, struct id link, struct shared_conversation *out) MUST_CHECK;

/* link_media.c: files that it shows, ready ones; only: of these, and none: all.  Their URLs are for who may not keep them, without `download`. */
enum err link_media_list(struct call *call, struct id link, struct str code, bool download, struct id_list only,
    struct shared_medium_list *out) MUST_CHECK;
struct str link_media_url(
    struct call *call, struct str code, struct id media, struct str form); /* form: none, the whole */

/* link_open.c: the whole way to what a link opens. */
struct link_opening {
    struct rpc_later *later;
    struct link_visit visit; /* visit_read()'s */
    struct str password;     /* as it was said; none */
    bool looks_only;         /* it asks by HEAD: what would be a view is refused */
    /* On a worker, in the transaction that has counted the view: the answer. */
    enum err (*show)(struct link_opening *opening, struct call *call);
    /* On the loop, once: answers.  Without OK: as link_find(), password_required, credentials_invalid, rate_limited ... */
    void (*end)(struct link_opening *opening, enum err e);
    struct found_link link; /* once there is one */
    struct str share_visit; /* of a view: who brings it may look again */
    /* link_open.c's */
    struct password kept;
    bool compares;
    int64_t tries;
    enum err failed;
};
void link_open(struct link_opening *opening);

/* link_guess.c, on a worker.  rate_limited: nothing may be compared now. */
/* tries: so many were wrong in a row, or are being compared. */
enum err guess_take(struct call *call, struct id link, const struct link_visit *visit, int64_t *tries) MUST_CHECK;
enum err guess_clear(struct call *call, struct id link, const struct link_visit *visit) MUST_CHECK;
enum err guess_return(struct call *call, struct id link, const struct link_visit *visit) MUST_CHECK;

/* link_watch.c: with which whoever is shown it listens. */
enum err link_ticket_print(struct call *call, const struct link_visit *visit, const struct found_link *link,
    int64_t changed_at, struct str *out) MUST_CHECK;
/* Something of these is another.  On the loop, after the commit; and for a WORKER. */
void share_tell(struct rpc_server *server, const struct share_news *news);
void share_tell_after(struct call *call, struct share_news news);
void share_tell_owner(struct share *share, struct str owner);
/* Hooks of directory.h: links of who is no active user end. */
enum err share_owners_look(struct pg *pg, struct arena *arena, struct user_state_list changed, void **found) MUST_CHECK;
void share_owners_tell(void *context, const void *found);

/* link_password.c: text, unless it is none, is hashed into *hash, before the steps.  `then` lives until its end. */
struct link_password {
    struct rpc_later *later;
    const struct rpc_step *steps;
    void (*end)(void *arg, enum err e);
    void *arg;
};
void link_password_hash(struct str text, struct str *hash, const struct link_password *then);

/* link_row.c: before anything is served.  What cannot be opened stays as it is, and the log says so. */
enum err share_links_renew(struct pg *pg) MUST_CHECK;

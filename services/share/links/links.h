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
 *      link_find --is there such a link?--> link_count --a view, of the budget if there is one--> link_read
 *                    '--- opened before, within MADANG_SHARE_VISIT_S: that was the view ----------^
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/sealed_column.h"
#include "services/share/share.h"

#define LINK_CODE_CHARS 14
#define LINK_HASH_BYTES 32

/* link_code.c */
void link_code_make(char out[LINK_CODE_CHARS + 1]);
struct str link_code_hash(struct arena *arena, struct str code); /* of any text */

/* link_row.c: a link, as its owner sees it but for its code. */
struct link_row {
    struct id id, conversation;
    struct str sealed, label, theme;
    int64_t created_at, expires_at, view_budget, views, last_view_at, bytes;
    bool download, snapshot, noindex;
};
struct link_row_list {
    struct link_row *at;
    size_t len;
};
extern const struct wire_shape link_row_shape;
#define LINK_COLUMNS                                                                                                   \
    "id, conversation, code AS sealed, label, created_at, expires_at, coalesce(view_budget, 0) AS view_budget, views," \
    " last_view_at, download, noindex, theme, snap_data IS NOT NULL AS snapshot, bytes"
extern const struct sealed_column sealed_share_link_code;

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
    bool had;           /* it was opened some time */
    bool is_fresh;      /* and so lately that they may look again */
};
struct link_visit visit_read(struct call *call, struct str text, struct str code, struct str client_key);
enum err visit_print(
    struct call *call, const struct link_visit *visit, struct str *out) MUST_CHECK; /* with this one, too */

/* link_open.c.  not_found: there is none that opens, for whoever this is; gone: nor does it any more. */
struct found_link {
    struct id id;
    bool noindex, has_budget;
    struct str theme;
};
enum err link_find(struct call *call, const struct link_visit *visit, struct found_link *out) MUST_CHECK;
enum err link_count(struct call *call, const struct link_visit *visit, const struct found_link *link) MUST_CHECK;
enum err link_read(struct call *call, struct id link, struct shared_conversation *out) MUST_CHECK;

/* link_row.c: before anything is served.  What cannot be opened stays as it is, and the log says so. */
enum err share_links_renew(struct pg *pg) MUST_CHECK;

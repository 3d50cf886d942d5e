/* position_page.h - what changed behind a position: where a page of it begins and ends.
 *
 *      epoch  since ----- page -----> position ......... newest
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/auth.h"

struct position_page {
    struct id epoch;
    int64_t since, position;
    int64_t changed_at; /* of the oldest change in it, where the statement says so */
    bool more;
};

/* `sql`, with `args`, is one row: `epoch`, `newest`; `since`, which is 0 for positions of another database, or of one that is older than
 * it was; `last` and the number `n` of the changes behind it, `most` at the most; `changed_at`. */
enum err position_page_find(struct pg *pg, struct arena *arena, const char *sql, const struct pg_args *args,
    int64_t most, struct position_page *out) MUST_CHECK;

/*
 * uses.h - so many uses of something, and no more: tokens of a key, views of a link, people for an invitation.
 *
 *      uses_take --the same request took one already--> OK, nothing more is taken
 *                --some are left----------------------> OK, one less
 *                --none is----------------------------> ERR_NOT_FOUND
 *
 * A use is taken in the caller's transaction, with what it is for: both are there after a crash, or neither is.  One at a time
 * for each thing, so that of those that come at once no more than are left get one.  The request is whatever stays the same when
 * it is sent again: the id of a request, a viewer, an account.
 *
 * The tables uses_left and use_taken are in the caller's schema (migrations/auth/0015_keys_complete.sql has them).
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/pg.h"

struct uses_of {
    const char *what; /* a kind of thing: a constant */
    struct str id;
};

#define USES_ANY (-1)

/* So many from now on; USES_ANY: there is no bound, as there is none before the first call. */
enum err uses_set(struct pg *pg, struct arena *arena, struct uses_of of, int64_t n) MUST_CHECK;
/* remember_ms: for how long a repeat takes nothing more; 0: for good.  *left: USES_ANY, or what is left behind this one. */
enum err uses_take(struct pg *pg, struct arena *arena, struct uses_of of, struct str request, int64_t now,
    int64_t remember_ms, int64_t *left) MUST_CHECK;

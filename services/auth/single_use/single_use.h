/*
 * single_use.h - secrets that are good once: what is mailed, what invites, what is handed over at a sign-in.
 *
 *      single_use_make --> secret --> a mail, a URL --> single_use_take: once, whoever comes first
 *
 * A purpose is a row of purposes.def.  Its name is hashed with the secret, so that one is nothing at another's door, and the
 * hash alone is kept.  A holder has a bounded number of each purpose.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/pg.h"

#define SINGLE_USE_CHARS 43 /* of a secret: 258 bits */

enum single_use_bound { OLDEST_ENDS, NEWEST_REFUSED };

struct single_use_purpose {
    const char *name;
    const struct wire_shape *(*data)(void);
    int64_t life_s, most, tries;
    enum single_use_bound bound;
};

#define PURPOSE(name, data, life_s, most, bound, tries, doc) extern const struct single_use_purpose single_use_##name;
#include "services/auth/single_use/purposes.def"
#undef PURPOSE

struct single_use_draft {
    struct id account;
    struct str holder; /* who it is counted to: STR_NONE: the account */
    int64_t life_s;    /* 0, or longer than its purpose has it: as that has it */
};

/* What is good once from the commit on; `secret` is nowhere but here.  ERR_QUOTA_EXCEEDED: the holder has as many as may
 * be (NEWEST_REFUSED).  A transaction that makes one waits for the commit of another with the same holder and purpose. */
enum err single_use_make(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose,
    const struct single_use_draft *draft, const void *data, struct str *secret) MUST_CHECK;

/* Of all who come with it one gets it, unless its transaction is undone.  ERR_GONE: there was none for this purpose, or it is
 * used, over or was ended.  `account` may be NULL. */
enum err single_use_take(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose,
    struct str secret, struct id *account, void *data) MUST_CHECK;
/* The same, and it stays good. */
enum err single_use_read(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose,
    struct str secret, struct id *account, void *data) MUST_CHECK;
/* The same, and one of its purpose's tries is gone, if the caller commits; none was left: ERR_GONE. */
enum err single_use_try(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct str secret,
    struct id *account, void *data) MUST_CHECK;
/* For a job that was given the hash and not the secret: what it carries, of one that is still good, and something else. */
struct str single_use_hash(struct arena *arena, const struct single_use_purpose *purpose, struct str secret);
enum err single_use_read_hashed(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose,
    struct str hash, void *data) MUST_CHECK;
enum err single_use_write_hashed(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose,
    struct str hash, const void *data) MUST_CHECK;
/* What the holder's newest carries that is still good.  ERR_GONE: none is. */
enum err single_use_newest(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose,
    struct str holder, void *data) MUST_CHECK;
/* All of a holder, and of an account, that are for this are no longer good. */
enum err single_use_end(
    struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct id account) MUST_CHECK;
enum err single_use_end_held(
    struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct str holder) MUST_CHECK;

/*
 * hashing.h - passwords of links are hashed and compared on threads of their own, which stand back behind those that read media.
 *
 *      hashing_make, hashing_compare --whoever has tried least comes first--> a thread --> done, on the loop
 *                                   \--> done with ERR_OVERLOADED: nothing was spent
 *
 * Who is seen for the first time waits for those that are under way, and for nobody who has guessed before, however many they are. Of
 * those with equal tries comes first whose wide network (/16, of IPv6 /48) has come less often lately: a thousand new networks side by
 * side are one crowd.  Where all places are taken, the one that would come last gives way.  What waits longer than its caller is not
 * hashed.  `done` comes once, unless the process is at its end.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/password.h"
#include "libshared/rpc/rpc_server.h"

struct hashing;
struct hashing_config {
    struct password_rule rule;
    unsigned threads;
    size_t queue_max; /* a quarter of it of one address or subject */
};

/* hash: of the password that was to be hashed, during the call; fits: what was to be compared is the same. */
typedef void hashing_done_fn(void *arg, enum err e, struct str hash, bool fits);

struct hashing *hashing_create(struct ev_loop *loop, const struct hashing_config *config);
void hashing_destroy(struct hashing **hashing);
void hashing_make(struct hashing *hashing, const struct call *call, const struct password *password,
    hashing_done_fn *done, void *arg);
/* tries: so many that were wrong there were by the same. */
void hashing_compare(struct hashing *hashing, const struct call *call, const struct password *password, struct str hash,
    int64_t tries, hashing_done_fn *done, void *arg);

/*
 * quota.h - the QUOTA rows of proto/quotas.def: how much of a kind one subject may keep.
 *
 * Each service that owns a quota has a table `usage` in its schema.  What is made is counted in the transaction that makes
 * it, under the row's lock, so that no number of parallel requests passes the limit.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

/* clang-format off */
enum quota {
#define QUOTA(name, service, unit, limit, doc) QUOTA_##name,
#include "proto/begin.def"
#include "proto/quotas.def"
#include "proto/end.def"
    QUOTA_COUNT
};
/* clang-format on */

const char *quota_name(enum quota quota);
/* In a WORKER: so much more is the caller's.  quota_exceeded, with limit and use, if that is too much.  A method that takes
 * several takes them in the order of their rows, after all other locks. */
enum err quota_take(struct call *call, enum quota quota, int64_t amount) MUST_CHECK;
/* The same, where it is `owner`'s.  A gateway vouches for the quotas of the caller alone: another's are those of the rows, and how much of them
 * is used is not said. */
enum err quota_take_for(struct call *call, enum quota quota, struct str owner, int64_t amount) MUST_CHECK;
/* So much less is `subject`'s. */
enum err quota_give(struct call *call, enum quota quota, struct str subject, int64_t amount) MUST_CHECK;
/* What a subject has of all quotas of this service. */
enum err quota_usage(struct call *call, struct str subject, struct usage_page *out) MUST_CHECK;

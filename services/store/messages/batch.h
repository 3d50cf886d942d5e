/* batch.h - one batch of messages into the log: one round trip, one transaction. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct batch_memory;
struct pg;
struct rpc_later;

/* A message on its way into the log, and what became of it. */
struct append {
    struct append *next;
    void *owner;                           /* for `answer` */
    void (*answer)(struct append *append); /* by who put it, once it is settled and published */
    int64_t deadline_us;                   /* after it nobody waits */
    int64_t slow_ms;        /* so much lies between a message of its sender's and this one; 0: nothing has to */
    struct message message; /* in: all but seq, at.  out: these; of a repeat, all as stored first */
    enum err e;
    int64_t early_ms; /* out, of a batch that is OK: it came so much too early, and was not stored; 0: it was */
};

struct batch_limits {
    int64_t statement_ms;                  /* how long one statement may take */
    int64_t former_kept_s, deleted_kept_s; /* how long is kept what messages said before they were edited, or deleted */
};

/* Store n appends, 1 or more, in their order.  Each gets a seq; one whose room, sender and id are in the log already, or
 * earlier in the batch, gets that one's seq, time, body and meta; the texts may then be views into the other append.
 * OK: on disk.  ERR_UNAVAILABLE: the database is away; perhaps stored, a repeat tells.  ERR_CONFLICT: lost against
 * another transaction; try again.  Else: at least one of them cannot be stored, and none was. */
enum err batch_commit(struct pg *pg, struct batch_memory *memory, struct arena *arena,
    const struct batch_limits *limits, struct append **at, size_t n) MUST_CHECK;

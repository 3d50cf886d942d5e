/*
 * jobs.h - work that has to be done later, and is done: rows of a table `job` in the schema of the service that owns it.
 *
 *      job_put, in the caller's transaction --> row --> taken under a lease --> handler --> row removed
 *                                                ^                               |
 *                                                +--- later and later each time -+--> dead: kept, with its error
 *
 * A kind of job is a JOB row in its service's file of proto/ and a handler of the same name.  A job is put with what makes
 * it necessary, so that either both are there or neither; and run at least once.  A process that dies in the middle gives
 * its jobs back when their leases lapse: the kind's timeout and JOB_LEASE_MARGIN_MS after they were taken.
 *
 * How a handler makes it once: what a WORKER handler does with call->pg is committed together with the removal of the job,
 * and not at all if the lease has lapsed meanwhile.  What it does elsewhere it does under job->id, which stays the same
 * with each attempt, or so that a repeat is harmless.
 *
 * A handler that fails is tried again, unless the error is the job's own (a code below 500, but for rate_limited): such a
 * job is dead at once.  docs/why/0023-jobs-are-rows.md
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

#define JOB_KEY_MAX         200   /* characters */
#define JOB_PAYLOAD_MAX     65536 /* bytes of msgpack */
#define JOB_LEASE_MARGIN_MS 5000  /* for the statements around the handler */
#define JOB_DEAD_MAX        1000  /* of each kind; the oldest go first */

struct jobs;
struct job_run;
struct job_kind;
struct pg_args;

/* What a handler may know of its job; valid as long as the call's arena. */
struct job {
    const struct job_kind *kind;
    struct id id;
    struct str key, subject;
    int64_t attempt; /* 1: the first */
};

/* A JOB row. */
struct job_kind {
    const char *name; /* "token_log.expire" */
    const struct wire_shape *(*payload)(void);
    enum err (*run)(struct call *call, const struct job *job, const void *payload);                    /* WORKER */
    void (*begin)(struct call *call, const struct job *job, const void *payload, struct job_run *run); /* LATER */
    enum rpc_where where;
    int64_t attempts, first_delay_ms, longest_delay_ms, timeout_ms;
    int64_t every_s; /* it is there from the start, and again so long after each end; 0: when it is put */
    int64_t waiting_max, subject_max;
};

/* In a WORKER, or a WORKER's job: after the commit there is a job of this kind and key, to be run at `run_at` (milliseconds
 * since 1970; 0: at once), counted to the caller.  If there was one, it has this payload from now on and is run at the
 * earlier of both times; if it is running, it runs once more afterwards; if it was dead, it is no longer.  overloaded: as
 * many wait as may, of the kind or of the caller; too many by no more than what commits at the same moment.  Until the
 * commit others who put the same key wait: whoever puts several puts them in the order of their keys. */
enum err job_put(
    struct call *call, const struct job_kind *kind, struct str key, const void *payload, int64_t run_at) MUST_CHECK;

/* In a WORKER's job with the payload `nothing`, which clears a table: runs `sql`, whose $1 is how many rows it may remove, and the
 * others `args`.  If it removed as many, the job is put again, to be run at once.  `what`: the count's name in the log. */
enum err job_remove_rows(
    struct call *call, const struct job *job, const char *what, const char *sql, const struct pg_args *args) MUST_CHECK;

/* What a handler's `call` is: who is who put it; its trace is the job's id; its deadline the kind's timeout.  No call_after.
 * A LATER handler answers on the loop, once, within call->deadline_us; its call lives until then. */
void job_done(struct job_run *run, enum err e);

struct jobs_config {
    const char *service, *conninfo;
    void *context;           /* for handlers: call->context */
    struct fetcher *fetcher; /* for LATER handlers: call->fetcher */
    const struct job_kind *const *kinds;
    size_t n_kinds;
    unsigned workers_max; /* workers that jobs may occupy at a time */
    unsigned later_max;   /* LATER jobs begun and not answered */
};

/* Runs what is due from now on, until the server drains; then nothing is begun, and what runs is waited for.  kinds must
 * outlive it. */
struct jobs *jobs_create(struct rpc_server *server, const struct jobs_config *config);
/* After the server, and after whatever would still answer LATER jobs: those run again when their leases lapse. */
void jobs_destroy(struct jobs **jobs);

/* The METHOD rows of noun `job`, for each service that has jobs. */
enum err job_list(struct call *call, const struct job_query *req, struct job_page *rep) MUST_CHECK;
enum err job_retry(struct call *call, const struct job_ref *req, struct job_entry *rep) MUST_CHECK;
enum err job_drop(struct call *call, const struct job_ref *req, struct nothing *rep) MUST_CHECK;

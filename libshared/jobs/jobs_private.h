/*
 * jobs_private.h - what the files of jobs share.
 *
 *      jobs.c           on the loop: wakes, begins runs, counts
 *      job_run.c        one run on a worker: take, handler, settle
 *      job_table.c      the statements
 *      job_remove.c     what a job does that clears a table
 *      job_methods.c    what an operator asks
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/jobs/jobs.h"

struct metric;

/* A job that is to be taken, then one that is taken. */
struct job_run {
    const struct job_kind *const *kinds; /* that may be taken, those first that had no turn for longest */
    size_t n_kinds;
    bool may_be_later; /* it has a place among the LATER jobs, should it take one */
    const char *service;
    void *context;
    struct fetcher *fetcher;

    const struct job_kind *kind; /* NULL: none was due */
    int64_t wait_ms;             /* then: until the next one is */
    struct job job;
    struct id lease;
    struct str payload;
    struct arena *arena;
    struct principal who;
    struct wire_error why;
    struct call call;
    int64_t began_us; /* it was taken then */
    enum err e;
    enum job_end { JOB_DONE, JOB_RETRIED, JOB_DIED, JOB_LAPSED } end;

    struct jobs *jobs;
    struct job_run *prev, *next;
};

/* On a worker, each in transactions of its own; errors are those of the database. */
enum err job_take(struct job_run *run, struct pg *pg) MUST_CHECK;
enum err job_settle(struct job_run *run, struct pg *pg) MUST_CHECK;       /* of run->e */
enum err job_take_and_run(struct job_run *run, struct pg *pg) MUST_CHECK; /* a LATER job is taken only */
bool job_prepare(
    struct job_run *run, void **payload); /* call and payload for the handler; false: run->e says why not */

/* job_table.c */
struct job_row {
    struct id id;
    struct str kind, key, subject, payload;
    int64_t attempts;
};
struct job_count {
    struct str kind;
    int64_t waiting, running, dead, oldest_ms;
};
struct job_count_list {
    struct job_count *at;
    size_t len;
};
#define JOB_COUNTS_MAX 256
/* ERR_NOT_FOUND: none is due. */
enum err job_row_take(struct pg *pg, struct arena *arena, const struct job_kind *const *kinds, size_t n,
    struct id lease, struct job_row *out) MUST_CHECK;
enum err job_row_wait(
    struct pg *pg, struct arena *arena, const struct job_kind *const *kinds, size_t n, int64_t *ms) MUST_CHECK;
/* ERR_NOT_FOUND: the lease is somebody else's. */
enum err job_row_finish(struct pg *pg, struct arena *arena, const struct job_run *run) MUST_CHECK;
enum err job_row_fail(
    struct pg *pg, struct arena *arena, const struct job_run *run, int64_t delay_ms, bool dead) MUST_CHECK;
enum err job_row_ensure(struct pg *pg, struct arena *arena, const struct job_kind *kind) MUST_CHECK;
enum err job_row_counts(struct pg *pg, struct arena *arena, struct job_count_list *out) MUST_CHECK;

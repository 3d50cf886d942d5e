/* job_run.c - one run: a job is taken, handled and settled, each in a transaction of its own, for a process may die between. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/secret.h"
#include "libshared/db/pg.h"
#include "libshared/jobs/jobs_private.h"

#define SETTLE_US    (JOB_LEASE_MARGIN_MS * 1000 / 2)
#define DELAY_MAX_MS 86400000

/* --- taking --- */

static const struct job_kind *find_kind(const struct job_run *run, struct str name)
{
    for (size_t i = 0; i < run->n_kinds; i++)
        if (str_is(name, run->kinds[i]->name)) return run->kinds[i];
    return NULL;
}

static void keep_row(struct job_run *run, const struct job_row *row)
{
    struct arena *arena = run->arena;

    run->kind = find_kind(run, row->kind);
    assert(run->kind != NULL && "only kinds that were asked for are taken");
    run->job = (struct job){ .kind = run->kind,
        .id = row->id,
        .key = arena_str(arena, row->key),
        .subject = arena_str(arena, row->subject),
        .attempt = row->attempts };
    run->payload = arena_str(arena, row->payload);
    run->began_us = clock_mono_us();
}

enum err job_take(struct job_run *run, struct pg *pg)
{
    struct job_row row;

    run->kind = NULL;
    run->lease = id_new();
    pg_set_deadline(pg, clock_mono_us() + SETTLE_US);
    enum err e = job_row_take(pg, run->arena, run->kinds, run->n_kinds, run->lease, &row);
    if (e == ERR_NOT_FOUND) return job_row_wait(pg, run->arena, run->kinds, run->n_kinds, &run->wait_ms);
    TRY(e);
    keep_row(run, &row);
    return pg_commit(pg);
}

/* --- the handler --- */

bool job_prepare(struct job_run *run, void **payload)
{
    char trace[ID_TEXT_BYTES + 1];

    id_format(run->job.id, trace);
    run->why = (struct wire_error){ .field = "" };
    run->who = (struct principal){ .sub = run->job.subject, .kind = STR("service") };
    run->call = (struct call){
        .arena = run->arena,
        .who = &run->who,
        .trace = arena_str(run->arena, str_of(trace)),
        .peer_name = str_of(run->service),
        .fetcher = run->kind->where == LATER ? run->fetcher : NULL,
        .now = clock_ms(),
        .deadline_us = clock_mono_us() + run->kind->timeout_ms * 1000,
        .context = run->context,
        .why = &run->why,
    };
    if (run->job.attempt > run->kind->attempts) {
        run->e = call_fail(&run->call, ERR_DEADLINE, "no attempt came to its end, nor failed, within its lease");
        return false;
    }
    *payload = arena_zero(run->arena, run->kind->payload()->size + 1); /* `nothing` has no size */
    run->e = wire_decode(run->kind->payload(), run->payload, run->arena, *payload, &run->why);
    return run->e == OK;
}

static enum err run_handler(struct job_run *run, struct pg *pg)
{
    void *payload;

    if (!job_prepare(run, &payload)) return run->e;
    run->call.pg = pg;
    pg_set_deadline(pg, run->call.deadline_us);
    TRY(run->kind->run(&run->call, &run->job, payload));
    assert(run->call.after == NULL && "what a job tells the loop would not be in the order of the commits");
    if (arena_is_over(run->arena)) return call_fail(&run->call, ERR_TOO_LARGE, "it needs more memory than one job may");
    return OK;
}

/* --- settling --- */

static bool may_pass(enum err e)
{
    return err_status(e) >= 500 || e == ERR_RATE_LIMITED;
}

/* Twice as long with each attempt; of that at least half, so that what failed together does not come back together. */
static int64_t delay_of(const struct job_run *run)
{
    int64_t delay = run->kind->first_delay_ms;
    uint32_t chance;

    for (int64_t i = 1; i < run->job.attempt && delay < run->kind->longest_delay_ms; i++) delay *= 2;
    if (delay > run->kind->longest_delay_ms) delay = run->kind->longest_delay_ms;
    secret_random(&chance, sizeof chance);
    delay = delay / 2 + (int64_t)(chance % (uint64_t)(delay - delay / 2 + 1));
    if (delay < run->why.retry_after_ms) delay = run->why.retry_after_ms;
    return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
}

static void write_log(const struct job_run *run)
{
    static const char *const ends[] = { "done", "retried", "dead", "lapsed" };
    bool failed = run->end == JOB_DIED || run->end == JOB_LAPSED;
    struct log_field fields[9 + COUNT(run->call.notes) + 1] = {
        F_TEXT("kind", run->kind->name),
        F_STR("key", run->job.key),
        F_STR("who", run->job.subject),
        F_STR("trace", run->call.trace),
        F_INT("attempt", run->job.attempt),
        F_INT("us", clock_mono_us() - run->began_us),
        F_TEXT("out", err_code(run->e)),
        F_TEXT("end", ends[run->end]),
    };
    unsigned n = 8;

    if (run->e != OK) fields[n++] = F_TEXT("why", run->why.text);
    for (unsigned i = 0; i < run->call.n_notes; i++) fields[n++] = run->call.notes[i];
    fields[n] = (struct log_field){ .kind = LOG_END };
    enum log_level level = failed ? LOG_ERROR : run->e != OK ? LOG_WARN : LOG_INFO;
    if (level >= log_threshold()) log_write(level, "job", fields);
}

static enum err settle_failure(struct job_run *run, struct pg *pg)
{
    bool dead = !may_pass(run->e) || run->job.attempt >= run->kind->attempts;

    pg_rollback(pg);
    pg_set_deadline(pg, clock_mono_us() + SETTLE_US);
    if (run->why.text[0] == '\0') snprintf(run->why.text, sizeof run->why.text, "%s", err_text(run->e));
    run->end = dead ? JOB_DIED : JOB_RETRIED;
    TRY(job_row_fail(pg, run->arena, run, delay_of(run), dead));
    return pg_commit(pg);
}

/* Its statements and the removal of the job are kept together, or neither is. */
static enum err settle_success(struct job_run *run, struct pg *pg)
{
    run->end = JOB_DONE;
    pg_set_deadline(pg, clock_mono_us() + SETTLE_US);
    TRY(job_row_finish(pg, run->arena, run));
    return pg_commit(pg);
}

enum err job_settle(struct job_run *run, struct pg *pg)
{
    enum err e = run->e == OK ? settle_success(run, pg) : OK;

    /* The handler said OK over a statement that had failed.  A lost connection may have committed: the lease will tell. */
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_UNAVAILABLE) run->e = e;
    if (run->e != OK) e = settle_failure(run, pg);
    if (e == ERR_NOT_FOUND) { /* another has it: what this one did is undone */
        pg_rollback(pg);
        run->end = JOB_LAPSED;
        e = OK;
    }
    if (e == OK) write_log(run);
    return e;
}

enum err job_take_and_run(struct job_run *run, struct pg *pg)
{
    TRY(job_take(run, pg));
    if (run->kind == NULL || run->kind->where == LATER) return OK;
    run->e = run_handler(run, pg);
    return job_settle(run, pg);
}

/*
 * jobs.c - on the loop: wakes with a notification or the time of the next job, lends runs to workers, begins LATER jobs.
 *
 *      wake --> run --> nothing due: sleep until the next
 *                 \---> a job: another run at once, and one more beside it while there is room
 *
 * What was put while all runs were busy is found by the next of them, which looks again before it rests.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/jobs/jobs.h"

#include <assert.h>
#include <ev.h>
#include <stdio.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/db/pg.h"
#include "libshared/db/pg_listen.h"
#include "libshared/jobs/jobs_private.h"
#include "libshared/base/metrics.h"

#define ARENA_MAX  (64u << 20) /* bytes that one job may use */
#define REST_MIN_S 0.1         /* what is due and not to be had is another process's */
#define REST_MAX_S 30.
#define FAILED_S   1.  /* no database, or no worker */
#define COUNT_S    10. /* how often what waits is counted */

struct job_metrics {
    struct metric *waiting, *dead, *oldest, *running, *ends[JOB_LAPSED + 1];
};

struct jobs {
    struct jobs_config config;
    struct rpc_server *server;
    struct ev_loop *loop;
    struct pg_listen *listen;
    struct job_metrics *metrics; /* one for each kind */
    struct job_run *runs;        /* on a worker, or LATER and not answered */
    unsigned n_workers, n_later; /* of them */
    size_t turn;                 /* which kind is next */
    bool hindered;               /* a run was begun that might take no LATER job */
    bool woken;                  /* since a run began */
    bool ensured, ensuring, counting;
    struct job_count_list counts; /* in the counting work's arena */
    ev_timer rest, count;
};

static void begin_run(struct jobs *jobs);

/* --- metrics --- */

static struct metric *make_metric(struct metric *(*make)(const char *, const char *, const char *), const char *name,
    const struct job_kind *kind, const char *help)
{
    char labels[128];

    snprintf(labels, sizeof labels, "kind=\"%s\"", kind->name);
    return make(name, labels, help);
}

static void make_metrics(struct jobs *jobs)
{
    jobs->metrics = mem_zero(jobs->config.n_kinds * sizeof *jobs->metrics + 1);
    for (size_t i = 0; i < jobs->config.n_kinds; i++) {
        const struct job_kind *kind = jobs->config.kinds[i];
        struct job_metrics *m = &jobs->metrics[i];
        m->waiting = make_metric(metric_gauge, "madang_jobs_waiting", kind, "Jobs that wait, in the whole schema");
        m->dead = make_metric(metric_gauge, "madang_jobs_dead", kind, "Jobs given up and kept, in the whole schema");
        m->oldest = make_metric(metric_gauge, "madang_jobs_late_seconds", kind, "How long the oldest job is due");
        m->running = make_metric(metric_gauge, "madang_jobs_running", kind, "Jobs that run, in the whole schema");
        m->ends[JOB_DONE] = make_metric(metric_counter, "madang_jobs_done_total", kind, "Jobs done");
        m->ends[JOB_RETRIED] = make_metric(metric_counter, "madang_jobs_retried_total", kind, "Failed, to be repeated");
        m->ends[JOB_DIED] = make_metric(metric_counter, "madang_jobs_died_total", kind, "Jobs given up");
        m->ends[JOB_LAPSED] = make_metric(
            metric_counter, "madang_jobs_lapsed_total", kind, "Took longer than their leases, and were undone");
    }
}

static struct job_metrics *metrics_of(struct jobs *jobs, const struct job_kind *kind)
{
    size_t i = 0;

    while (jobs->config.kinds[i] != kind) i++;
    return &jobs->metrics[i];
}

/* On a worker. */
static enum err count_rows(struct pg *pg, struct arena *arena, void *arg)
{
    return job_row_counts(pg, arena, &((struct jobs *)arg)->counts);
}

static const struct job_count *find_count(const struct jobs *jobs, const struct job_kind *kind)
{
    static const struct job_count none = { .waiting = 0 };

    for (size_t i = 0; i < jobs->counts.len; i++)
        if (str_is(jobs->counts.at[i].kind, kind->name)) return &jobs->counts.at[i];
    return &none;
}

static void on_counted(void *arg, enum err e)
{
    struct jobs *jobs = arg;

    jobs->counting = false;
    for (size_t i = 0; e == OK && i < jobs->config.n_kinds; i++) {
        const struct job_count *count = find_count(jobs, jobs->config.kinds[i]);
        metric_set(jobs->metrics[i].waiting, count->waiting);
        metric_set(jobs->metrics[i].running, count->running);
        metric_set(jobs->metrics[i].dead, count->dead);
        metric_set(jobs->metrics[i].oldest, count->oldest_ms / 1000);
    }
    jobs->counts = (struct job_count_list){ .len = 0 };
}

static void on_count_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct jobs *jobs = timer->data;

    (void)loop, (void)events;
    if (!jobs->counting && !rpc_server_is_leaving(jobs->server))
        jobs->counting = rpc_server_work(jobs->server, STR_NONE, count_rows, on_counted, jobs);
}

/* --- runs --- */

/* Wake after so long, or before: a run knows of the kinds only that it could take. */
static void rest_jobs(struct jobs *jobs, double s)
{
    if (s < REST_MIN_S) s = REST_MIN_S;
    if (s > REST_MAX_S) s = REST_MAX_S;
    if (ev_is_active(&jobs->rest) && ev_timer_remaining(jobs->loop, &jobs->rest) <= s) return;
    ev_timer_stop(jobs->loop, &jobs->rest);
    ev_timer_set(&jobs->rest, s, 0.);
    ev_timer_start(jobs->loop, &jobs->rest);
}

/* A run is on a worker, or waits for its LATER job; who may take such a one has a place for it. */
static void jobs_check(const struct jobs *jobs)
{
    const struct job_run *run;
    unsigned n = 0, n_later = 0;

    DL_FOREACH(jobs->runs, run) {
        n++;
        n_later += run->may_be_later;
        assert(run->jobs == jobs);
    }
    assert(n_later == jobs->n_later && n_later <= jobs->config.later_max);
    assert(jobs->n_workers <= n && jobs->n_workers <= jobs->config.workers_max);
}

/* The kinds that may be taken now, each time from another one on. */
static void choose_kinds(struct jobs *jobs, struct job_run *run)
{
    const struct jobs_config *config = &jobs->config;
    run->may_be_later = jobs->n_later < config->later_max;
    jobs->hindered |= !run->may_be_later;
    const struct job_kind **kinds = arena_alloc(run->arena, config->n_kinds * sizeof *kinds + 1);

    for (size_t i = 0; i < config->n_kinds; i++) {
        const struct job_kind *kind = config->kinds[(jobs->turn + i) % config->n_kinds];
        if (kind->where == WORKER || run->may_be_later) kinds[run->n_kinds++] = kind;
    }
    jobs->turn++;
    run->kinds = kinds;
}

/* A run has its place from the start, for nobody knows what it will take. */
static struct job_run *make_run(struct jobs *jobs)
{
    struct job_run *run = mem_zero(sizeof *run);

    run->jobs = jobs;
    run->service = jobs->config.service;
    run->context = jobs->config.context;
    run->fetcher = jobs->config.fetcher;
    /* bound: asked after the handler (run_handler, job_done) */
    run->arena = arena_create("job", ARENA_MAX);
    choose_kinds(jobs, run);
    jobs->n_later += run->may_be_later;
    DL_APPEND(jobs->runs, run);
    return run;
}

/* With its place somebody may take what others could not. */
static void leave_place(struct jobs *jobs)
{
    assert(jobs->n_later > 0);
    jobs->n_later--;
    jobs->woken |= jobs->hindered;
    jobs->hindered = false;
}

static void free_run(struct job_run *run)
{
    DL_DELETE(run->jobs->runs, run);
    if (run->may_be_later) leave_place(run->jobs);
    arena_destroy(&run->arena);
    mem_free(run);
}

static void begin_later(struct job_run *run)
{
    struct jobs *jobs = run->jobs;
    void *payload;

    rpc_server_hold(jobs->server);
    if (job_prepare(run, &payload))
        run->kind->begin(&run->call, &run->job, payload, run);
    else
        job_done(run, run->e);
}

/* On a worker. */
static enum err do_run(struct pg *pg, struct arena *arena, void *arg)
{
    struct job_run *run = arg;

    (void)arena;
    return job_take_and_run(run, pg);
}

static void on_run(void *arg, enum err e)
{
    struct job_run *run = arg;
    struct jobs *jobs = run->jobs;
    bool took = e == OK && run->kind != NULL;
    int64_t wait_ms = run->wait_ms;

    assert(jobs->n_workers > 0);
    jobs->n_workers--;
    if (took && run->kind->where == WORKER) metric_add(metrics_of(jobs, run->kind)->ends[run->end], 1);
    if (took && run->kind->where == LATER && !rpc_server_is_leaving(jobs->server))
        begin_later(run);
    else
        free_run(run);
    if (took || (e == OK && jobs->woken)) {
        begin_run(jobs);
        if (took) begin_run(jobs);
    } else {
        rest_jobs(jobs, e == OK ? (double)wait_ms / 1000 : FAILED_S);
    }
    CHECK_STEP(jobs_check(jobs));
}

static void begin_run(struct jobs *jobs)
{
    if (rpc_server_is_leaving(jobs->server) || !jobs->ensured || jobs->n_workers >= jobs->config.workers_max) return;
    jobs->woken = false;
    struct job_run *run = make_run(jobs);
    if (rpc_server_work(jobs->server, STR_NONE, do_run, on_run, run)) {
        jobs->n_workers++;
        CHECK_STEP(jobs_check(jobs));
        return;
    }
    free_run(run);
    rest_jobs(jobs, FAILED_S);
}

static void wake_jobs(struct jobs *jobs)
{
    jobs->woken = true;
    begin_run(jobs);
}

/* --- jobs that are answered on the loop --- */

static enum err do_settle(struct pg *pg, struct arena *arena, void *arg)
{
    (void)arena;
    return job_settle(arg, pg);
}

/* It may be due again, and before its lease would have lapsed, which is all that others found. */
static void end_later(struct job_run *run)
{
    struct jobs *jobs = run->jobs;

    free_run(run);
    CHECK_STEP(jobs_check(jobs));
    rpc_server_release(jobs->server);
    wake_jobs(jobs);
}

/* One that could not be settled runs again when its lease lapses. */
static void on_settled(void *arg, enum err e)
{
    struct job_run *run = arg;

    if (e == OK)
        metric_add(metrics_of(run->jobs, run->kind)->ends[run->end], 1);
    else
        LOG_BOUNDED(WARN, "job.not_settled", F_TEXT("kind", run->kind->name), F_ID("job", run->job.id),
            F_TEXT("code", err_code(e)));
    end_later(run);
}

void job_done(struct job_run *run, enum err e)
{
    assert(run->kind->where == LATER);
    if (e == OK && arena_is_over(run->arena))
        e = call_fail(&run->call, ERR_TOO_LARGE, "it needs more memory than one job may");
    run->e = e;
    if (!rpc_server_work(run->jobs->server, STR_NONE, do_settle, on_settled, run)) on_settled(run, ERR_OVERLOADED);
}

/* --- waking --- */

static enum err ensure_rows(struct pg *pg, struct arena *arena, void *arg)
{
    const struct jobs_config *config = &((struct jobs *)arg)->config;

    for (size_t i = 0; i < config->n_kinds; i++)
        if (config->kinds[i]->every_s > 0) TRY(job_row_ensure(pg, arena, config->kinds[i]));
    return OK;
}

static void on_ensured(void *arg, enum err e)
{
    struct jobs *jobs = arg;

    jobs->ensuring = false;
    jobs->ensured = e == OK;
    if (e == OK)
        wake_jobs(jobs);
    else
        rest_jobs(jobs, FAILED_S);
}

/* Before the first run: what is there from the start. */
static void ensure_jobs(struct jobs *jobs)
{
    if (jobs->ensuring || rpc_server_is_leaving(jobs->server)) return;
    jobs->ensuring = rpc_server_work(jobs->server, STR_NONE, ensure_rows, on_ensured, jobs);
    if (!jobs->ensuring) rest_jobs(jobs, FAILED_S);
}

static void on_rest_over(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct jobs *jobs = timer->data;

    (void)loop, (void)events;
    if (jobs->ensured)
        wake_jobs(jobs);
    else
        ensure_jobs(jobs);
}

/* With payload NULL too: some may have been missed. */
static void on_notification(void *arg, const char *payload)
{
    (void)payload;
    wake_jobs(arg);
}

struct jobs *jobs_create(struct rpc_server *server, const struct jobs_config *config)
{
    struct jobs *jobs = mem_zero(sizeof *jobs);
    char channel[64];

    jobs->config = *config;
    jobs->server = server;
    jobs->loop = rpc_server_loop(server);
    make_metrics(jobs);
    snprintf(channel, sizeof channel, "%s_jobs", config->service);
    jobs->listen = pg_listen_create(jobs->loop, config->conninfo, channel, on_notification, jobs);
    ev_timer_init(&jobs->rest, on_rest_over, 0., 0.);
    ev_timer_init(&jobs->count, on_count_time, 0., COUNT_S);
    jobs->rest.data = jobs->count.data = jobs;
    ev_timer_start(jobs->loop, &jobs->count);
    ensure_jobs(jobs);
    return jobs;
}

void jobs_destroy(struct jobs **jobs)
{
    struct jobs *j = *jobs;

    if (j == NULL) return;
    pg_listen_destroy(&j->listen);
    ev_timer_stop(j->loop, &j->rest);
    ev_timer_stop(j->loop, &j->count);
    while (j->runs != NULL) free_run(j->runs);
    mem_free(j->metrics);
    mem_free(j);
    *jobs = NULL;
}

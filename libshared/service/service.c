/* service.c - what every process does around its own work. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/service.h"

#include <assert.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libshared/base/clock.h"
#include "libshared/base/sealed.h"
#include "libshared/db/migrate.h"
#include "libshared/db/pg.h"
#include "libshared/service/descriptors.h"
#include "libshared/service/outwards.h"
#include "libshared/service/privileges.h"

#ifndef MADANG_VERSION
#define MADANG_VERSION ""
#endif

const char *service_version(void)
{
    return MADANG_VERSION[0] != '\0' ? MADANG_VERSION : "unreleased";
}

#define LATER_MAX     50000 /* LATER requests unanswered */
#define LATER_JOBS    64    /* LATER jobs under way */
#define PIPE_MESSAGES 50000 /* waiting for one peer */
#define DESCRIPTORS   4096  /* gateways, workers' connections to the database, health checks */
#define PROBE_S       2.
#define PROBE_OLD_US  10000000 /* after so long without an answer the database counts as away */

/* The settings that each service has, and what else its rows say. */
struct service_face {
    const struct settings_common *common;
    const char *bind, *db, *health;
    unsigned workers;
    size_t queue_max;
    bool goes_outwards;
};

struct process {
    const struct service *service;
    struct service_face face;
    struct ev_loop *loop;
    struct fetcher *fetcher; /* NULL: it asks nobody outside */
    struct rpc_server *server;
    struct jobs *jobs; /* NULL: it has none */
    struct health *health;
    void *context;
    ev_signal term, interrupt, usr1;
    ev_timer drain_end, probe;
    bool draining, probing, db_up;
    int64_t probed_us;
};

static void say_outwards(const char *name, struct service_face *face)
{
/* clang-format off */
#define OUTWARDS(service, doc) if (strcmp(name, #service) == 0) face->goes_outwards = true;
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    /* clang-format on */
}

static struct service_face face_of(const char *name, const struct settings *s)
{
    struct service_face face = { .common = &s->common };

    say_outwards(name, &face);
/* clang-format off */
#define SERVICE(service, place, parts, doc) \
    if (strcmp(name, #service) == 0) { \
        face.bind = s->service.bind, face.db = s->service.db, face.health = s->service.health; \
        face.workers = (unsigned)s->service.workers, face.queue_max = (size_t)s->service.queue_max; \
        return face; \
    }
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    /* clang-format on */
    fprintf(stderr, "%s: no such service\n", name);
    exit(2);
}

static bool has_schema(const char *group)
{
/* clang-format off */
#define SERVICE(service, place, parts, doc) if (strcmp(group, #service) == 0) return true;
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    /* clang-format on */
    return false;
}

static void print_usage(const char *program, const char *group, const char *doc)
{
    bool migrates = has_schema(group);

    printf("%s - %s\n\nusage: %s [--help | --version | --check%s]\n\n"
           "--check reads the settings and says what is wrong with them; exit status 2.\n",
        group, doc, program, migrates ? " | --migrate" : "");
    if (migrates) puts("--migrate brings its schema to the newest version, as each start does, and ends.");
    settings_print_help(group);
}

static void read_arguments(int argc, char **argv, const char *group, const char *doc, struct settings *into)
{
    if (argc < 2) return;
    if (strcmp(argv[1], "--help") == 0) {
        print_usage(argv[0], group, doc);
        exit(0);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("madang %s %s\n", group, service_version());
        exit(0);
    }
    if (strcmp(argv[1], "--check") == 0) {
        settings_load(into);
        exit(0);
    }
    if (strcmp(argv[1], "--migrate") == 0 && has_schema(group)) return;
    fprintf(stderr, "%s: settings come from the environment; --help lists them\n", argv[1]);
    exit(2);
}

/* While the process may still read any file: later it has no use for this one, and cannot reach it any more. */
static void load_file_key(const struct settings_common *s)
{
    char beside[300], why[200];
    const char *path = s->file_key_file;

    snprintf(beside, sizeof beside, "%s/file.key", s->key_dir);
    if (path[0] == '\0') path = beside;
    if (file_keys_load(path, why, sizeof why)) return;
    fprintf(stderr, "MADANG_FILE_KEY_FILE: %s: %s; keygen makes one\n", path, why);
    exit(2);
}

void service_begin(int argc, char **argv, const char *group, const char *doc, bool seals, void (*start_programs)(void),
    struct settings *into)
{
    enum log_level level = LOG_INFO;
    read_arguments(argc, argv, group, doc, into);
    settings_load(into);
    if (seals) load_file_key(&into->common);
    if (!log_level_parse(str_of(into->common.log_level), &level)) level = LOG_INFO;
    umask(077); /* sockets are their owner's alone */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log file at its limit is like a full disk */
    log_init(group, level);
    if (start_programs != NULL) start_programs();
    privileges_drop(group, into);
    log_begin();
}

/* --- readiness --- */

static enum err probe_work(struct pg *pg, struct arena *arena, void *arg)
{
    (void)arena, (void)arg;
    return pg_is_up(pg) ? OK : ERR_UNAVAILABLE;
}

static void probe_done(void *arg, enum err e)
{
    struct process *process = arg;
    process->probing = false;
    process->db_up = e == OK;
    process->probed_us = clock_mono_us();
}

static void on_probe(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct process *process = timer->data;
    if (process->probing || process->draining) return;
    process->probing = rpc_server_work(process->server, STR_NONE, probe_work, probe_done, process);
}

static bool is_ready(void *arg, struct buf *why)
{
    struct process *process = arg;
    const struct service *service = process->service;
    if (process->draining) {
        buf_add_str(why, STR("leaving"));
        return false;
    }
    if (!process->db_up || clock_mono_us() - process->probed_us > PROBE_OLD_US) {
        buf_add_str(why, STR("no database"));
        return false;
    }
    return service->ready == NULL || service->ready(process->context, why);
}

/* --- signals --- */

static void on_drained(void *arg)
{
    struct process *process = arg;
    ev_break(process->loop, EVBREAK_ALL);
}

static void on_drain_end(struct ev_loop *loop, ev_timer *timer, int revents)
{
    const struct process *process = timer->data;

    (void)revents;
    LOG(WARN, "service.drain_cut_short", F_INT("after_ms", process->face.common->drain_ms));
    ev_break(loop, EVBREAK_ALL);
}

static void on_stop_signal(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    (void)revents;
    struct process *process = watcher->data;
    LOG(INFO, "service.stopping", F_INT("signal", watcher->signum));
    if (process->draining) { /* asked twice: at once */
        ev_break(loop, EVBREAK_ALL);
        return;
    }
    process->draining = true;
    ev_timer_init(&process->drain_end, on_drain_end, (double)process->face.common->drain_ms / 1000, 0.);
    process->drain_end.data = process;
    ev_timer_start(loop, &process->drain_end);
    rpc_server_leave(process->server);
    rpc_server_drain(process->server, on_drained, process);
}

static void on_usr1(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    (void)loop, (void)revents;
    struct process *process = watcher->data;
    rpc_server_print_calls(process->server);
}

static void watch_signals(struct process *process)
{
    ev_signal_init(&process->term, on_stop_signal, SIGTERM);
    ev_signal_init(&process->interrupt, on_stop_signal, SIGINT);
    ev_signal_init(&process->usr1, on_usr1, SIGUSR1);
    process->term.data = process->interrupt.data = process->usr1.data = process;
    ev_signal_start(process->loop, &process->term);
    ev_signal_start(process->loop, &process->interrupt);
    ev_signal_start(process->loop, &process->usr1);
}

/* --- the life of a service --- */

static void migrate_schema(const struct service *service, const struct service_face *face)
{
    char dir[300];
    if (*face->db == '\0') {
        fprintf(stderr, "%s: its database is not set; --help says how\n", service->name);
        exit(2);
    }
    snprintf(dir, sizeof dir, "%s/%s", face->common->migrations_dir, service->name);
    enum err e = migrate_up(face->db, service->name, dir);
    if (e != OK) {
        LOG(ERROR, "service.migration_failed", F_TEXT("dir", dir), F_TEXT("code", err_code(e)));
        exit(1);
    }
}

static unsigned blocking_threads(const struct service *service)
{
    for (size_t i = 0; i < service->n_methods; i++)
        assert(service->methods[i].where != BLOCKING || service->blocking_threads != NULL);
    return service->blocking_threads != NULL ? (unsigned)*service->blocking_threads : 0;
}

/* Half of the workers are left to who waits for an answer. */
static void begin_jobs(struct process *process)
{
    const struct service *service = process->service;

    if (service->n_jobs == 0) return;
    process->jobs = jobs_create(process->server, &(struct jobs_config){
                                                     .service = service->name,
                                                     .conninfo = process->face.db,
                                                     .context = process->context,
                                                     .fetcher = process->fetcher,
                                                     .kinds = service->jobs,
                                                     .n_kinds = service->n_jobs,
                                                     .workers_max = (process->face.workers + 1) / 2,
                                                     .later_max = LATER_JOBS,
                                                 });
}

static void begin_serving(struct process *process)
{
    const struct service *service = process->service;
    const struct service_face *face = &process->face;
    struct rpc_server_config config = {
        .service = service->name,
        .endpoints = face->bind,
        .key_dir = face->common->key_dir,
        .methods = service->methods,
        .n_methods = service->n_methods,
        .context = process->context,
        .fetcher = process->fetcher,
        .workers = face->workers,
        .pg_conninfo = face->db,
        .blocking = blocking_threads(service),
        .blocking_nice = service->blocking_nice,
        .blocking_queue_max = service->blocking_queue != NULL ? (size_t)*service->blocking_queue : 0,
        .queue_max = face->queue_max,
        .later_max = LATER_MAX,
        .event_hwm = PIPE_MESSAGES,
        .peer_gone = service->peer_gone,
        .admit = service->admit,
    };
    process->server = rpc_server_create(process->loop, &config);
    if (service->serving != NULL) service->serving(process->context, process->server);
    begin_jobs(process);
    ev_timer_init(&process->probe, on_probe, 0., PROBE_S);
    process->probe.data = process;
    ev_timer_start(process->loop, &process->probe);
    process->health = health_create(process->loop, face->health, is_ready, process);
}

static void end_process(struct process *process)
{
    ev_timer_stop(process->loop, &process->probe);
    ev_timer_stop(process->loop, &process->drain_end);
    rpc_server_destroy(&process->server);
    if (process->service->stop != NULL) process->service->stop(process->context);
    if (process->fetcher != NULL) fetcher_destroy(&process->fetcher);
    jobs_destroy(&process->jobs);
    health_destroy(&process->health);
    ev_signal_stop(process->loop, &process->term);
    ev_signal_stop(process->loop, &process->interrupt);
    ev_signal_stop(process->loop, &process->usr1);
    ev_loop_destroy(process->loop);
    LOG(INFO, "service.stopped");
}

int service_main(int argc, char **argv, const struct service *service)
{
    service_begin(argc, argv, service->name, service->doc, service->seals, service->start_programs, service->settings);
    struct process process = { .service = service, .face = face_of(service->name, service->settings) };
    descriptors_ask(DESCRIPTORS);
    migrate_schema(service, &process.face);
    if (argc > 1) return 0; /* --migrate: of all others none comes back */
    if (service->claim != NULL && service->claim() != OK) exit(1);

    process.loop = ev_default_loop(EVFLAG_AUTO);
    watch_signals(&process);
    if (process.face.goes_outwards) process.fetcher = outwards_create(process.loop, process.face.common);
    if (service->start != NULL) process.context = service->start(process.loop);
    begin_serving(&process);
    privileges_settle(service->settings);
    LOG(INFO, "service.started", F_TEXT("version", service_version()));
    ev_run(process.loop, 0);
    end_process(&process);
    return 0;
}

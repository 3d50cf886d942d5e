/*
 * service.h - what every process does around its own work: arguments, settings, log, signals, the loop, health and
 * metrics, migrations, the rpc server, and a graceful stop.
 *
 *      main(): service_main() -> settings -> migrate -> start() -> rpc_server -> jobs -> loop ... SIGTERM -> drain -> stop()
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/jobs/jobs.h"
#include "libshared/service/settings.h"

struct ev_loop;

struct service {
    const char *name;          /* auth, chat, store, share */
    const char *doc;           /* one line for --help */
    struct settings *settings; /* to be loaded: main()'s own, who hands on what each part needs */
    bool seals;                /* it reads and writes what is encrypted with the file key: sealed.h */
    const struct rpc_method *methods;
    size_t n_methods;
    const struct job_kind *const *jobs; /* those of its JOB rows; NULL: it has none */
    size_t n_jobs;
    const int64_t *blocking_threads; /* the setting; NULL: no METHOD row says BLOCKING, and no work is lent */
    const int64_t *blocking_queue;   /* the setting: requests that may wait for one; NULL: queue_max */
    int blocking_nice;               /* of these threads: see rpc_pool.h */
    /* Before there is a loop: wait until it may serve.  An error ends the process; may be NULL. */
    enum err (*claim)(void);
    void (*start_programs)(void);         /* what it may never start later; may be NULL */
    void *(*start)(struct ev_loop *loop); /* what the handlers share: call->context; may be NULL */
    void (*serving)(
        void *context, struct rpc_server *server); /* the server is bound: keep it if you send events; may be NULL */
    void (*stop)(void *context);                   /* whatever would still answer LATER jobs ends here; may be NULL */
    void (*peer_gone)(void *context, struct rpc_peer *peer); /* may be NULL */
    rpc_admit_fn *admit;                                     /* may be NULL: see rpc_server.h */
    bool (*ready)(void *context, struct buf *why); /* further conditions of readiness, loop thread; may be NULL */
};

int service_main(int argc, char **argv, const struct service *service);

/* The parts, for the gateway, which is no rpc service.  `ready` is asked on the loop thread twice a second; /readyz
 * answers with its latest verdict, and 503 if the loop has not answered for 3 s.  /healthz: the loop turns.  /metrics. */
struct health;
struct health *health_create(
    struct ev_loop *loop, const char *address, bool (*ready)(void *arg, struct buf *why), void *arg);
void health_destroy(struct health **health);
/* --help and --version are answered here; loads the settings `into` and, if it seals, the file key, drops privileges, starts the log,
 * ignores SIGPIPE.  group: "gateway" etc. */
void service_begin(int argc, char **argv, const char *group, const char *doc, bool seals, void (*start_programs)(void),
    struct settings *into);
const char *service_version(void);

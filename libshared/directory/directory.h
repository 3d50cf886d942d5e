/*
 * directory.h - what a service knows of users, who are auth's: their names and pictures, and that somebody was erased.
 *
 *      auth: account_change, by position           here: tables `directory` and `directory_position`
 *
 *      users.moved  -->  users.since(position)  -->  a page: rows, position and jobs in one transaction  -->  tell
 *                              ^                                                  |
 *                              +------------------ while there is more -----------+
 *
 * The position lies beside what it is the position of, so a service that was away, or died in the middle, goes on where it was;
 * if auth's positions are others than they were, the directory is made anew, and what is not named again is dropped.
 *
 * A user who was erased is put as a job of the service, which erases what it has of them, some rows at a time, and then says so to
 * auth.  docs/why/0057-names-beside-messages.md
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/jobs/jobs.h"

struct directory;
struct rpc_client;
struct ev_loop;

struct directory_config {
    const char *self; /* the service's name */
    const char *auth_url, *key_dir;
    int64_t budget_ms; /* of a question to auth */
    void *context;     /* of the hooks */

    /* Others see these as something else now.  `look` finds on a worker, in the page's transaction, what `tell` needs on the loop
     * after its commit; it is in the arena.  Both may be NULL. */
    enum err (*look)(struct pg *pg, struct arena *arena, struct user_state_list changed, void **found);
    void (*tell)(void *context, const void *found);

    /* The JOB row that runs directory_erase().  On a worker: `step` erases the next rows, as many as take little time, counts them
     * with erasure_add(), and sets erased_at when nothing is left.  `after` is told on the loop after the commit; it may be NULL. */
    const struct job_kind *erase;
    enum err (*step)(struct call *call, struct erasure *erasure, void **left);
    void (*after)(void *context, const void *left);
};

struct directory *directory_create(struct ev_loop *loop, const struct directory_config *config);
void directory_serve(struct directory *directory, struct rpc_server *server); /* from now on it works */
void directory_destroy(struct directory **directory);                         /* after the server; NULL is fine */

/* The pipe to auth, for the service's own questions. */
struct rpc_client *directory_auth(const struct directory *directory);
/* The handler of the JOB row. */
void directory_erase(struct directory *directory, struct call *call, const struct job *job,
    const struct erasure *payload, struct job_run *run);
void erasure_add(struct call *call, struct erasure *erasure, const char *what, int64_t rows);

/* On a worker: those of these subjects who are users, in no order; 500 at most. */
enum err directory_people(
    struct pg *pg, struct arena *arena, struct str_list subjects, struct person_list *out) MUST_CHECK;

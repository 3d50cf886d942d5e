/*
 * deeds.h - what an operator does by a service is written into auth's audit, whatever becomes of auth meanwhile.
 *
 *      the deed and its entry: one transaction --> a job of the service --audit.note, until auth has it--> the chain, once
 *
 * So there is no deed without an entry, and no entry without its deed.  A service with deeds has the row JOB(audit, tell, ...).
 * docs/why/0103-a-deed-and-its-entry.md
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/jobs/jobs.h"

struct rpc_client;

/* In a WORKER, with what is done: `what`, to `target`, and more of it, by whoever calls. */
enum err deed_put(struct call *call, const struct job_kind *kind, const char *what, struct str target,
    const struct wire_shape *shape, const void *detail) MUST_CHECK;
enum err deed_put_room(struct call *call, const struct job_kind *kind, const char *what, struct id room,
    const struct wire_shape *shape, const void *detail) MUST_CHECK;
/* The same of what is done in many steps: those under one id are one deed, the first that arrives. */
enum err deed_put_once(struct call *call, const struct job_kind *kind, struct id id, const char *what,
    struct str target, const struct wire_shape *shape, const void *detail) MUST_CHECK;

/* What the JOB row's handler does. */
void deed_tell(struct rpc_client *auth, struct call *call, const struct audit_deed *deed, struct job_run *run);

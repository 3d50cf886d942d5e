/*
 * auth_calls.h - auth's methods in this process, on a worker's connection to a real PostgreSQL, and a look into the schema.
 *
 *      auth_calls_start();                                  a database of its own with all migrations
 *      e = auth_call("gateway", &who, "user.refresh", user_refresh_shape(), &req, session_tokens_shape(), &tokens);
 *      n = count("SELECT count(*) AS version FROM session", PG_NO_ARGS);
 *      auth_calls_stop();
 *
 * Nobody watches, as there is no server; what is answered lives in `arena`.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libshared/base/sealed.h"
#include "libshared/db/migrate.h"
#include "services/auth/auth.h"
#include "tests/contract/sample.h"
#include "tests/service/pg_cluster.h"
#include "tests/unit/arena.h"

extern struct settings_auth set;
extern struct auth auth;
extern struct rpc_thread on;   /* what the service's worker would bring */
extern struct pg *pg;          /* the test's own look into the schema */
extern struct failure failure; /* of the last call that was refused */

struct pg *auth_calls_connect(void);
void auth_calls_open(void);
void auth_calls_start(void);
void auth_calls_stop(void);

/* As a peer asks for somebody; the reply, or `failure`, lives in the arena. */
enum err auth_call(const char *peer, const struct principal *who, const char *method, const struct wire_shape *in,
    const void *req, const struct wire_shape *out, void *rep);

/* A record of the shape with some value in each field. */
void *some_record(const struct wire_shape *shape);

/* One number that the schema holds. */
int64_t count(const char *sql, const struct pg_args *args);
void run(const char *sql, const struct pg_args *args);

/* main.c - the auth service: API keys, tokens, policies.  Owns the schema `auth`. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/service.h"
#include "services/auth/auth.h"

#define PASSWORD_NICE 4 /* a flood of logins slows logins alone, where a core is all that is left */

static struct settings settings;

#define SERVICE_DEF "proto/auth.def"
#include "libshared/service/service_rows.def"

static void *start_service(struct ev_loop *loop)
{
    struct auth *auth = auth_start(loop, &settings.auth, settings.common.public_url);

    auth->demo = settings.common.demo;
    return auth;
}

int main(int argc, char **argv)
{
    return service_main(argc, argv,
        &(struct service){ .name = "auth",
            .settings = &settings,
            .doc = "API keys, tokens and policies",
            .seals = true,
            .methods = methods,
            .n_methods = COUNT(methods),
            .jobs = jobs,
            .n_jobs = COUNT(jobs),
            .blocking_threads = &settings.auth.blocking_threads,
            .blocking_queue = &settings.auth.blocking_queue,
            .blocking_nice = PASSWORD_NICE,
            .start = start_service,
            .serving = auth_serving,
            .stop = auth_stop,
            .peer_gone = auth_peer_gone,
            .ready = auth_ready });
}

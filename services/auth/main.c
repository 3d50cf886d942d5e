/* main.c - the auth service: API keys, tokens, policies.  Owns the schema `auth`. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/service.h"
#include "services/auth/auth.h"

#define METHOD RPC_ADAPTER
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"

static const struct rpc_method methods[] = {
#define METHOD RPC_ROW
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"
};

static const struct job_kind *const jobs[] = {
#define JOB JOB_LINE
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"
};

static void *start_service(struct ev_loop *loop)
{
    return auth_start(loop, &settings.auth);
}

int main(int argc, char **argv)
{
    return service_main(argc, argv,
        &(struct service){ .name = "auth",
            .doc = "API keys, tokens and policies",
            .methods = methods,
            .n_methods = COUNT(methods),
            .jobs = jobs,
            .n_jobs = COUNT(jobs),
            .start = start_service,
            .serving = auth_serving,
            .stop = auth_stop,
            .peer_gone = auth_peer_gone,
            .ready = auth_ready });
}

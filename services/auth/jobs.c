/* jobs.c - the jobs of this service: the JOB rows of proto/auth.def. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define JOB JOB_KIND
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"

static const struct job_kind *const kinds[] = {
#define JOB JOB_LINE
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"
};

struct jobs *auth_jobs_begin(struct auth *auth)
{
    return jobs_create(auth->server, &(struct jobs_config){
                                         .service = "auth",
                                         .conninfo = auth->settings->db,
                                         .context = auth,
                                         .kinds = kinds,
                                         .n_kinds = COUNT(kinds),
                                         .workers_max = (unsigned)(auth->settings->workers + 1) / 2,
                                     });
}

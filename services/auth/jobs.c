/* jobs.c - the jobs of this service: the JOB rows of proto/auth.def, which main.c lists. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define JOB JOB_KIND
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"

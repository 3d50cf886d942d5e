/* jobs.c - the jobs of this service: the JOB rows of proto/store.def, which main.c lists. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/store.h"

#define JOB JOB_KIND
#include "proto/begin.def"
#include "proto/store.def"
#include "proto/end.def"

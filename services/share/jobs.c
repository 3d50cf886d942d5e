/* jobs.c - the jobs of this service: the JOB rows of proto/share.def, which main.c lists. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/share.h"

#define JOB JOB_KIND
#include "proto/begin.def"
#include "proto/share.def"
#include "proto/end.def"

/* jobs.c - the jobs of this service: the JOB rows of proto/chat.def, which main.c lists. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/chat.h"

#define JOB JOB_KIND
#include "proto/begin.def"
#include "proto/chat.def"
#include "proto/end.def"

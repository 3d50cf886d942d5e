/*
 * import.h - conversations of a file that has come are kept, each once.
 *
 *      the upload --a thread: dump.h--> where each lies --a worker, some at a time: read, known already? its quotas, kept--> what became of each
 *
 * One that is refused leaves the others be.  What was taken in when the time is over, or the database is, stays, and the rest is said to be sent again:
 * so a file may come as often as its sender likes.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/share/share.h"

/* Comes once, on the loop, and answers: OK, or why nothing was taken in; `answer` lies in the call's arena. */
typedef void import_end_fn(struct rpc_later *later, enum err e, const struct import_answer *answer, const void *arg);
void conversations_import(struct rpc_later *later, struct id upload, import_end_fn *end, const void *arg);

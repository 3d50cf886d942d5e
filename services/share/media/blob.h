/*
 * blob.h - contents, each once: a row with its hash, its file, and how many have it.
 *
 * In a WORKER.  Several are locked in the order of their hashes, so that two transactions do not wait for each other.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

/* One more has it.  *kept: the file that stays; `file`, unless it is that, is to be removed after the commit. */
enum err blob_keep(struct call *call, struct str hash, struct id file, int64_t size, struct id *kept) MUST_CHECK;
enum err blob_lock(struct call *call, struct str hash) MUST_CHECK;
/* One fewer has it.  *file: nobody has it any more, and it is to be removed after the commit; or nil. */
enum err blob_leave(struct call *call, struct str hash, struct id *file) MUST_CHECK;
/* Of several, which are put in order: *files are to be removed after the commit, by media_files_gone() on the loop. */
enum err blobs_leave(struct call *call, struct str_list hashes, struct id_list *files) MUST_CHECK;

/*
 * uploads.h - bodies on their way from a gateway into a file.
 *
 *      upload.begin --> BEGINS --> OPEN <--> WRITES --> (media.create) ENDS --> gone, a medium is there
 *                                   |  \________________ upload.drop, or nothing came for too long
 *                                   '--> LEAVES --> gone, and with it file, row and what it took of the quota
 *
 * The loop owns them; what waits for the disk or the database is lent to a thread, one at a time for each.  What came for
 * one that leaves is answered `unavailable`, as is what names one that an earlier process had.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"
#include "services/share/media/files.h"

struct ev_loop;
struct uploads;

/* bytes_max: of one file; idle_s: seconds without a byte after which an upload is given up. */
struct uploads *uploads_create(struct ev_loop *loop, struct files *files, int64_t bytes_max, int64_t idle_s);
void uploads_destroy(struct uploads **uploads);
void uploads_serving(struct uploads *uploads, struct rpc_server *server);

void uploads_check(const struct uploads *uploads); /* see invariant.h */

/* From the loop: a file that nobody refers to any more is removed soon. */
void uploads_remove_file(struct uploads *uploads, struct id file);

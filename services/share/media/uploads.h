/*
 * uploads.h - bodies on their way from a gateway into a file.
 *
 *      upload.begin --> BEGINS --> OPEN <--> WRITES --> uploads_end, ENDS --> gone, its content is kept
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

/* What the bytes of an upload are, once they are on disk. */
struct content {
    struct str hash;
    int64_t size;
};
/* On a worker: the rows that refer to the content, in the transaction that keeps it, and the rest of what was made. */
typedef enum err upload_keep_fn(struct call *call, const struct content *content, void *made);
/* For a LATER method whose route takes a FORM: the upload that it names ends, and the method is answered with what was made of
 * it, which lies in its call's arena. */
void uploads_end(struct rpc_later *later, struct id upload, upload_keep_fn *keep, void *made);

void uploads_check(const struct uploads *uploads); /* see invariant.h */

/* From the loop: a file that nobody refers to any more is removed soon. */
void uploads_remove_file(struct uploads *uploads, struct id file);

/*
 * uploads.h - bodies on their way from a gateway into a file.
 *
 *      upload.begin --> BEGINS --> OPEN <--> WRITES --> uploads_end, ENDS --> gone, its content is kept
 *                                   |  \________________ upload.drop, or nothing came for too long
 *                                   '--> LEAVES --> gone, and with it file, row and what it took of the quota
 *
 * One that is a part of a transfer (tus) rests where others are lost: file, row and quota stay, and transfer.open goes on with
 * the file.
 *
 * The loop owns them; what waits for the disk or the database is lent to a thread, one at a time for each.  What came for
 * one that leaves is answered `unavailable`, as is what names one that an earlier process had.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"
#include "services/share/media/content_type.h"
#include "services/share/media/files.h"

struct ev_loop;
struct uploads;

struct uploads_config {
    struct files *files;
    int64_t bytes_max;              /* of one file */
    int64_t of_kind[CONTENT_KINDS]; /* of one of that kind; 0: none is kept */
    int64_t transfer_s;             /* after its last part a transfer is given up */
    int64_t idle_s;                 /* seconds without a byte after which an upload is given up */
};

struct uploads *uploads_create(struct ev_loop *loop, const struct uploads_config *config);
void uploads_destroy(struct uploads **uploads);
void uploads_serving(struct uploads *uploads, struct rpc_server *server);

/* What the bytes of an upload are, once they are on disk. */
struct content {
    struct str hash;
    int64_t size;
    const char *type; /* its media type, by its first bytes */
};
/* On a worker: the rows that refer to the content, in the transaction that keeps it, and the rest of what was made. */
typedef enum err upload_keep_fn(struct call *call, const struct content *content, void *made);
/* For a LATER method whose route takes a FORM: the upload that it names ends, and the method is answered with what was made of
 * it, which lies in its call's arena. */
void uploads_end(struct rpc_later *later, struct id upload, upload_keep_fn *keep, void *made);

/* For one that keeps nothing of the upload: it is read, until uploads_read_end(), and leaves then.  NULL: the call is answered. */
struct upload;
struct upload *uploads_read_begin(struct rpc_later *later, struct id upload);
void uploads_read_end(struct upload *upload);
int64_t upload_size(const struct upload *upload);
/* On a thread: so many of its bytes from `at`. */
enum err upload_read(const struct upload *upload, int64_t at, char *to, size_t n) MUST_CHECK;

void uploads_check(const struct uploads *uploads); /* see invariant.h */

/* From the loop: a transfer whose row is gone leaves, with its file. */
void uploads_forget(struct uploads *uploads, struct id upload);
int64_t uploads_bytes_max(const struct uploads *uploads);
int64_t uploads_transfer_ms(const struct uploads *uploads);
/* Bytes of it that are there, of as many as its file has.  The last one counts when the medium is kept: so nobody takes for whole
 * what could not be. */
int64_t transfer_offset(int64_t length, int64_t checked_to, int64_t size);
struct str transfer_url(struct call *call, struct id id);

/* From the loop: a file that nobody refers to any more is removed soon. */
void uploads_remove_file(struct uploads *uploads, struct id file);

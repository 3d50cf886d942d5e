/*
 * files.h - the directory of media: a file for each content, under an id that is never used again.
 *
 *      begun --> written in order --> kept: in the table `blob`
 *                                 \-> removed
 *
 * A file whose id is neither in `blob` nor an upload's is nobody's: the next start collects it.  So whatever is killed
 * when, nothing half is visible and nothing stays.  One process owns the directory.  All of this may wait for the disk:
 * it is for workers, or for before the loop runs.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/id.h"

struct arena;
struct pg;
struct files;
struct file;

/* Ends the process with one line if the directory cannot be used, or is another process's. */
struct files *files_open(const char *dir);
void files_close(struct files **files);
/* Before the first upload: what a killed process left, in the table and in the directory. */
enum err files_collect(struct files *files, struct pg *pg, struct arena *arena) MUST_CHECK;

/* A new file.  Its bytes are on disk when file_sync() was OK, and its name, too.  unavailable: there is no room. */
enum err file_create(struct files *files, struct id id, struct file **out) MUST_CHECK;
/* One that was begun: the first `size` bytes of it stay, and it goes on behind them.  not_found: it has fewer. */
enum err file_open(struct files *files, struct id id, int64_t size, struct file **out) MUST_CHECK;
enum err file_cut(struct file *file, int64_t size) MUST_CHECK; /* what is behind these bytes goes */
enum err file_length(struct files *files, struct id id, int64_t *out) MUST_CHECK;
enum err file_write(struct file *file, struct str bytes) MUST_CHECK;
enum err file_sync(struct file *file, uint8_t hash[32]) MUST_CHECK; /* once; no writing after it */
/* To somebody else, to be written to: by the time that it is opened again that has ended. */
int file_descriptor(const struct file *file);
/* One that is kept, to be read by somebody else, who closes it. */
enum err file_lend(struct files *files, struct id id, int *descriptor) MUST_CHECK;
int64_t file_size(const struct file *file);
void file_close(struct file **file); /* NULL is fine */

void file_remove(struct files *files, struct id id); /* one that is not there is none */
/* Reads so many bytes from `at`.  not_found: there is no such file, or it ends before. */
enum err file_read(struct files *files, struct id id, int64_t at, char *to, size_t n) MUST_CHECK;

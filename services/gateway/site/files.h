/*
 * files.h - a directory of files in memory, as it was when it was read last.
 *
 *      thread: walk --other than before?--> read all of it, compress, hash --> loop: new requests have the new one
 *
 * So a request opens nothing and waits for no disk, and a path is only ever looked up among those that there are: there is
 * none that leads out of the directory.  docs/why/0065 has what that costs.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

#include "libshared/base/table.h"
#include "libshared/base/str.h"

#define SITE_FILES_MAX 20000

enum site_coding { AS_IS, AS_GZIP, AS_BROTLI, SITE_CODINGS };

struct site_bytes {
    char *at; /* NULL: it is not there in this coding */
    size_t len;
    char tag[32]; /* as ETag has it, with its quotes */
};
struct site_file {
    UT_hash_handle hh;
    char *path; /* "/assets/index-B1x9.js" */
    const char *type;
    time_t changed;
    bool immutable; /* its name has the hash of its content */
    struct site_bytes as[SITE_CODINGS];
};
/* Requests that are being answered from it keep it. */
struct site_files {
    size_t uses;
    struct site_file *table;
};

struct site_wanted {
    const char *dir;
    const char *immutable; /* beginning of paths that may be immutable; "": none */
    size_t bytes_max;      /* of all files, as they are */
};

/* Waits for the disk: for threads.  Changes when something in the directory does; 0: it cannot be read. */
uint64_t site_files_mark(const struct site_wanted *wanted);
/* NULL: `why`. */
struct site_files *site_files_read(const struct site_wanted *wanted, char *why, size_t size);
/* Of texts that live as long as it: for what is not in a directory. */
struct site_files *site_files_create(void);
void site_files_add(struct site_files *files, const char *path, const char *type, struct str bytes);
void site_files_drop(struct site_files *files); /* one use less; NULL is fine */
const struct site_file *site_files_find(const struct site_files *files, struct str path);

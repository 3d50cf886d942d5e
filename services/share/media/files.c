/* files.c - the directory of media. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/db/pg.h"

/* So much is written before the disk is waited for: the sender is held back by it, and the last wait is a short one. */
#define SYNC_BYTES (16 << 20)
/* Read at once of a file whose hash is made in the end. */
#define HASH_BYTES (256 << 10)
/* Names that are asked about at once. */
#define COLLECT_N  1000

struct files {
    int dir;
    struct metric *written, *read;
};

struct file {
    struct files *files;
    int fd;
    int64_t size, synced;
    EVP_MD_CTX *hash; /* of all that is written; NULL: not of what was there when it was opened */
};

static void die_of_directory(const char *dir, const char *why)
{
    fprintf(stderr, "share: MADANG_SHARE_MEDIA_DIR: %s: %s\n", dir, why);
    exit(1);
}

struct files *files_open(const char *dir)
{
    struct files *files = mem_zero(sizeof *files);

    files->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->dir < 0) die_of_directory(dir, strerror(errno));
    if (flock(files->dir, LOCK_EX | LOCK_NB) != 0) die_of_directory(dir, "another process has it");
    files->written = metric_counter("madang_share_file_bytes_total", "way=\"in\"", "Bytes of files written and read");
    files->read = metric_counter("madang_share_file_bytes_total", "way=\"out\"", "Bytes of files written and read");
    return files;
}

void files_close(struct files **files)
{
    if (*files == NULL) return;
    close((*files)->dir);
    mem_free(*files);
    *files = NULL;
}

/* --- one file --- */

static enum err err_of_disk(const char *what)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;

    LOG_BOUNDED(ERROR, "share.disk", F_TEXT("what", what), F_TEXT("why", strerror(errno)));
    return full ? ERR_STORAGE_FULL : ERR_UNAVAILABLE;
}

static EVP_MD_CTX *begin_hash(void)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    int rc = EVP_DigestInit_ex(hash, EVP_sha256(), NULL);

    assert(rc == 1);
    (void)rc;
    return hash;
}

static struct file *file_of(struct files *files, int fd)
{
    struct file *file = mem_zero(sizeof *file);

    file->files = files;
    file->fd = fd;
    return file;
}

static enum err err_of_missing(const char *what)
{
    return errno == ENOENT ? ERR_NOT_FOUND : err_of_disk(what);
}

enum err file_create(struct files *files, struct id id, struct file **out)
{
    char name[ID_TEXT_BYTES + 1];

    id_format(id, name);
    int fd = openat(files->dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return err_of_disk("create");
    *out = file_of(files, fd);
    (*out)->hash = begin_hash();
    return OK;
}

enum err file_cut(struct file *file, int64_t size)
{
    if (ftruncate(file->fd, size) != 0 || lseek(file->fd, size, SEEK_SET) != size) return err_of_disk("cut");
    file->size = file->synced = size;
    EVP_MD_CTX_free(file->hash);
    file->hash = size == 0 ? begin_hash() : NULL;
    return OK;
}

enum err file_length(struct files *files, struct id id, int64_t *out)
{
    char name[ID_TEXT_BYTES + 1];
    struct stat st;

    id_format(id, name);
    if (fstatat(files->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return err_of_missing("look");
    *out = st.st_size;
    return OK;
}

enum err file_open(struct files *files, struct id id, int64_t size, struct file **out)
{
    char name[ID_TEXT_BYTES + 1];
    struct stat st;

    id_format(id, name);
    int fd = openat(files->dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return err_of_missing("open");
    struct file *file = file_of(files, fd);
    enum err e = fstat(fd, &st) != 0 ? err_of_disk("look") : st.st_size < size ? ERR_NOT_FOUND : file_cut(file, size);
    if (e == OK)
        *out = file;
    else
        file_close(&file);
    return e;
}

int file_descriptor(const struct file *file)
{
    return file->fd;
}

enum err file_lend(struct files *files, struct id id, int *descriptor)
{
    char name[ID_TEXT_BYTES + 1];

    id_format(id, name);
    *descriptor = openat(files->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return *descriptor < 0 ? err_of_missing("open") : OK;
}

int64_t file_size(const struct file *file)
{
    return file->size;
}

enum err file_write(struct file *file, struct str bytes)
{
    if (file->hash != NULL && EVP_DigestUpdate(file->hash, bytes.at, bytes.len) != 1) return ERR_INTERNAL;
    metric_add(file->files->written, (int64_t)bytes.len);
    while (bytes.len > 0) {
        ssize_t n = write(file->fd, bytes.at, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_of_disk("write");
        bytes = str_skip(bytes, (size_t)n);
        file->size += n;
    }
    if (file->size - file->synced < SYNC_BYTES) return OK;
    file->synced = file->size;
    return fdatasync(file->fd) == 0 ? OK : err_of_disk("write");
}

static enum err read_all(int fd, int64_t at, char *to, size_t n)
{
    while (n > 0) {
        ssize_t got = pread(fd, to, n, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return err_of_disk("read");
        if (got == 0) return ERR_NOT_FOUND;
        to += got;
        at += got;
        n -= (size_t)got;
    }
    return OK;
}

static enum err hash_all(struct file *file)
{
    char *bytes = mem_alloc(HASH_BYTES);
    enum err e = OK;

    file->hash = begin_hash();
    for (int64_t at = 0; at < file->size && e == OK;) {
        int64_t left = file->size - at;
        size_t n = left < HASH_BYTES ? (size_t)left : HASH_BYTES;
        e = read_all(file->fd, at, bytes, n);
        if (e == OK && EVP_DigestUpdate(file->hash, bytes, n) != 1) e = ERR_INTERNAL;
        at += (int64_t)n;
    }
    mem_free(bytes);
    return e;
}

enum err file_sync(struct file *file, uint8_t hash[32])
{
    unsigned len = 0;

    if (file->hash == NULL) TRY(hash_all(file));
    if (EVP_DigestFinal_ex(file->hash, hash, &len) != 1 || len != 32) return ERR_INTERNAL;
    if (fsync(file->fd) != 0) return err_of_disk("sync");
    return fsync(file->files->dir) == 0 ? OK : err_of_disk("sync");
}

void file_close(struct file **file)
{
    if (*file == NULL) return;
    close((*file)->fd);
    EVP_MD_CTX_free((*file)->hash);
    mem_free(*file);
    *file = NULL;
}

void file_remove(struct files *files, struct id id)
{
    char name[ID_TEXT_BYTES + 1];

    id_format(id, name);
    if (unlinkat(files->dir, name, 0) != 0 && errno != ENOENT)
        LOG_BOUNDED(ERROR, "share.disk", F_TEXT("what", "remove"), F_TEXT("why", strerror(errno)));
}

enum err file_read(struct files *files, struct id id, int64_t at, char *to, size_t n)
{
    char name[ID_TEXT_BYTES + 1];

    id_format(id, name);
    int fd = openat(files->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return err_of_missing("open");
    enum err e = read_all(fd, at, to, n);
    if (e == OK) metric_add(files->read, (int64_t)n);
    close(fd);
    return e;
}

/* --- what a killed process left --- */

/* A commit that it had sent may still be under way: the lock waits for that. */
static const char LOCK_BLOBS[] = "LOCK TABLE blob IN SHARE MODE";

static const char GIVE_UP_UPLOADS[] =
    "WITH lost AS (DELETE FROM upload WHERE expires_at IS NULL RETURNING owner, bytes), given AS ("
    " SELECT 'media' AS quota, owner, count(*) AS amount FROM lost GROUP BY owner"
    " UNION ALL SELECT 'media_bytes', owner, sum(bytes) FROM lost GROUP BY owner)"
    " UPDATE usage u SET used = greatest(u.used - given.amount, 0) FROM given"
    " WHERE u.quota = given.quota AND u.subject = given.owner";

static const char NOBODYS[] =
    "SELECT file AS upload FROM unnest($1::uuid[]) file WHERE NOT EXISTS (SELECT FROM blob b WHERE b.file = file.file)"
    " AND NOT EXISTS (SELECT FROM upload u WHERE u.id = file.file)";

static enum err remove_nobodys(struct files *files, struct pg *pg, struct arena *arena, struct id_list names)
{
    struct upload_ref_list found = { NULL, 0 };

    if (names.len == 0) return OK;
    TRY(pg_all(pg, arena, upload_ref_shape(), &found, COLLECT_N, NOBODYS, PG_ARGS(pg_ids(arena, names))));
    for (size_t i = 0; i < found.len; i++) file_remove(files, found.at[i].upload);
    if (found.len > 0) LOG(INFO, "share.collected", F_INT("files", found.len));
    return OK;
}

static enum err collect_all(struct files *files, DIR *listing, struct pg *pg, struct arena *arena)
{
    struct id *names = arena_alloc(arena, COLLECT_N * sizeof *names);
    struct id_list list = { names, 0 };

    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (!id_parse(str_of(entry->d_name), &names[list.len])) continue;
        if (++list.len < COLLECT_N) continue;
        TRY(remove_nobodys(files, pg, arena, list));
        list.len = 0;
    }
    return remove_nobodys(files, pg, arena, list);
}

enum err files_collect(struct files *files, struct pg *pg, struct arena *arena)
{
    int fd = openat(files->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    enum err e = listing != NULL ? OK : ERR_INTERNAL;

    if (e == OK) e = pg_run(pg, arena, LOCK_BLOBS, PG_NO_ARGS, NULL);
    if (e == OK) e = pg_run(pg, arena, GIVE_UP_UPLOADS, PG_NO_ARGS, NULL);
    if (e == OK) e = collect_all(files, listing, pg, arena);
    if (e == OK)
        e = pg_commit(pg);
    else
        pg_rollback(pg);
    if (listing != NULL) closedir(listing);
    return e;
}

/* files.c - a directory of files in memory, as it was when it was read last. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/site/files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/base/fnv.h"
#include "libshared/base/hex.h"
#include "libshared/http/message/gzip.h"

#define DEPTH_MAX  16
#define PATH_BYTES 1024
#define HASH_LEAST 8  /* characters of a hash in a name */
#define TAG_BYTES  12 /* of the SHA-256 */
#define GZIP_LEAST 1024
#define TOO_MANY   "there are more files than 20000"
#define UNKNOWN    "application/octet-stream"

/* --- walking --- */

struct walk {
    bool (*file)(void *arg, int fd, const char *path, const struct stat *st); /* false: no further */
    void *arg;
    size_t n;
    char path[PATH_BYTES]; /* so far, beginning with a slash */
    const char *failed;
};

static bool walk_dir(struct walk *walk, int fd, size_t len, int depth);

/* What an editor or a checkout has hidden is not for the world. */
static bool is_hidden(const char *name)
{
    return name[0] == '.' && strcmp(name, ".well-known") != 0;
}

/* Links are not followed: what they lead to was not put here. */
static bool walk_entry(struct walk *walk, int dir, const char *name, size_t len, int depth)
{
    struct stat st;
    int more = snprintf(walk->path + len, sizeof walk->path - len, "/%s", name);

    if (is_hidden(name) || more < 0 || len + (size_t)more >= sizeof walk->path) return true;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return true;
    bool go_on = true;
    if (fstat(fd, &st) != 0) {
        close(fd);
    } else if (S_ISDIR(st.st_mode)) {
        go_on = walk_dir(walk, fd, len + (size_t)more, depth + 1);
    } else {
        if (S_ISREG(st.st_mode) && ++walk->n > SITE_FILES_MAX) {
            walk->failed = TOO_MANY;
            go_on = false;
        } else if (S_ISREG(st.st_mode)) {
            go_on = walk->file(walk->arg, fd, walk->path, &st);
        }
        close(fd);
    }
    walk->path[len] = '\0';
    return go_on;
}

/* Takes the descriptor. */
static bool walk_dir(struct walk *walk, int fd, size_t len, int depth)
{
    bool go_on = true;
    DIR *dir = depth <= DEPTH_MAX ? fdopendir(fd) : NULL;

    if (dir == NULL) {
        walk->failed = depth <= DEPTH_MAX ? strerror(errno) : "directories lie too deep in each other";
        close(fd);
        return false;
    }
    for (struct dirent *entry; go_on && (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            go_on = walk_entry(walk, dirfd(dir), entry->d_name, len, depth);
    closedir(dir);
    return go_on;
}

static bool walk_all(struct walk *walk, const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) walk->failed = strerror(errno);
    return fd >= 0 && walk_dir(walk, fd, 0, 0);
}

/* --- has something changed? --- */

static bool mark_file(void *arg, int fd, const char *path, const struct stat *st)
{
    uint64_t mark = FNV_START, *all = arg;

    (void)fd;
    for (; *path != '\0'; path++) mark = fnv_add(mark, (unsigned char)*path);
    mark = fnv_add(mark, (uint64_t)st->st_ino);
    mark = fnv_add(mark, (uint64_t)st->st_size);
    mark = fnv_add(mark, (uint64_t)st->st_mtim.tv_sec);
    mark = fnv_add(mark, (uint64_t)st->st_mtim.tv_nsec);
    *all += mark; /* whatever the order in which the directory names them */
    return true;
}

uint64_t site_files_mark(const struct site_wanted *wanted)
{
    uint64_t mark = 1;
    struct walk walk = { .file = mark_file, .arg = &mark };

    return walk_all(&walk, wanted->dir) ? mark : 0;
}

/* --- one file --- */

static struct str ending_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');

    return dot == NULL || dot < slash ? STR_NONE : str_of(dot + 1);
}

static const char *type_of(const char *path)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
#define MEDIA(ending_, type_) { ending_, type_ },
#include "services/gateway/site/media_types.def"
#undef MEDIA
    };
    struct str ending = ending_of(path);

    for (size_t i = 0; i < COUNT(types); i++)
        if (ending.len == strlen(types[i].ending) && strncasecmp(ending.at, types[i].ending, ending.len) == 0)
            return types[i].type;
    return UNKNOWN;
}

/* "index-BqT3k2aX.js", "main.3f2a9c1b.css": before the ending, behind a dot or a dash, so many letters and digits, of both. */
static bool has_hash(const char *path)
{
    struct str ending = ending_of(path);
    size_t n = 0;
    bool digit = false, letter = false;

    if (ending.at == NULL) return false;
    const char *at = ending.at - 1;
    for (; at > path && (isalnum((unsigned char)at[-1]) || at[-1] == '_'); at--, n++) {
        digit = digit || isdigit((unsigned char)at[-1]);
        letter = letter || isalpha((unsigned char)at[-1]);
    }
    return n >= HASH_LEAST && digit && letter && at > path && (at[-1] == '.' || at[-1] == '-');
}

/* Each coding is a representation of its own. */
static void name_bytes(struct site_bytes *bytes)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char text[2 * TAG_BYTES + 1];

    SHA256((const unsigned char *)bytes->at, bytes->len, hash);
    hex_format(hash, TAG_BYTES, text);
    snprintf(bytes->tag, sizeof bytes->tag, "\"%s\"", text);
}

static bool read_bytes(int fd, struct site_bytes *out, size_t len)
{
    out->at = mem_alloc(len + 1);
    while (out->len < len) {
        ssize_t n = read(fd, out->at + out->len, len - out->len);
        if (n <= 0) return false; /* it became shorter: the next look finds it changed */
        out->len += (size_t)n;
    }
    name_bytes(out);
    return true;
}

static bool is_text(const char *type)
{
    return gzip_is_worth_it(type, GZIP_LEAST, NULL, 0) || strcmp(type, "application/wasm") == 0 ||
           strcmp(type, "application/xml") == 0 || strcmp(type, "application/manifest+json") == 0;
}

static void pack_file(struct site_file *file)
{
    struct site_bytes *plain = &file->as[AS_IS], *packed = &file->as[AS_GZIP];
    struct buf out = BUF(plain->len);

    if (packed->at != NULL || plain->len < GZIP_LEAST || !is_text(file->type)) return;
    if (gzip_pack_well((struct str){ plain->at, plain->len }, &out)) {
        packed->len = out.len;
        packed->at = mem_alloc(out.len);
        memcpy(packed->at, out.at, out.len);
        name_bytes(packed);
    }
    buf_free(&out);
}

/* --- all of them --- */

struct files_reading {
    const struct site_wanted *wanted;
    struct site_files *files;
    size_t bytes;
    const char *failed;
};

static struct site_file *find_file(struct site_files *files, const char *path, size_t len)
{
    struct site_file *found;

    HASH_FIND(hh, files->table, path, len, found);
    return found;
}

static void free_file(struct site_file *file)
{
    for (size_t i = 0; i < SITE_CODINGS; i++) mem_free(file->as[i].at);
    mem_free(file->path);
    mem_free(file);
}

static bool take_file(void *arg, int fd, const char *path, const struct stat *st)
{
    struct files_reading *reading = arg;
    size_t len = strlen(path), size = (size_t)st->st_size;

    if (size > reading->wanted->bytes_max - reading->bytes) {
        reading->failed = "the files are larger than MADANG_GATEWAY_STATIC_BYTES";
        return false;
    }
    reading->bytes += size;
    struct site_file *file = mem_zero(sizeof *file);
    file->path = mem_alloc(len + 1);
    memcpy(file->path, path, len + 1);
    file->type = type_of(path);
    file->changed = st->st_mtim.tv_sec;
    struct str immutable = str_of(reading->wanted->immutable);
    file->immutable = immutable.len > 0 && str_starts(str_of(path), immutable) && has_hash(path);
    if (read_bytes(fd, &file->as[AS_IS], size))
        HASH_ADD_KEYPTR(hh, reading->files->table, file->path, len, file);
    else
        free_file(file);
    return true;
}

/* "app.js.br" is no file of its own but app.js, packed; unless that was changed since. */
static void join_packed(struct site_files *files, const char *ending, enum site_coding coding)
{
    struct site_file *packed, *next;

    HASH_ITER(hh, files->table, packed, next) {
        struct str its = ending_of(packed->path);
        if (!str_is(its, ending)) continue;
        struct site_file *file = find_file(files, packed->path, strlen(packed->path) - its.len - 1);
        if (file == NULL) continue;
        if (packed->changed >= file->changed) {
            file->as[coding] = packed->as[AS_IS];
            packed->as[AS_IS] = (struct site_bytes){ .at = NULL };
        }
        HASH_DEL(files->table, packed);
        free_file(packed);
    }
}

static void free_files(struct site_files *files)
{
    struct site_file *file, *next;

    HASH_ITER(hh, files->table, file, next) {
        HASH_DEL(files->table, file);
        free_file(file);
    }
    mem_free(files);
}

struct site_files *site_files_read(const struct site_wanted *wanted, char *why, size_t size)
{
    struct files_reading reading = { .wanted = wanted, .files = mem_zero(sizeof *reading.files) };
    struct walk walk = { .file = take_file, .arg = &reading };

    reading.files->uses = 1;
    if (!walk_all(&walk, wanted->dir)) {
        snprintf(why, size, "%s", reading.failed != NULL ? reading.failed : walk.failed);
        free_files(reading.files);
        return NULL;
    }
    join_packed(reading.files, "br", AS_BROTLI);
    join_packed(reading.files, "gz", AS_GZIP);
    struct site_file *file, *next;
    HASH_ITER(hh, reading.files->table, file, next) pack_file(file);
    return reading.files;
}

struct site_files *site_files_create(void)
{
    struct site_files *files = mem_zero(sizeof *files);

    files->uses = 1;
    return files;
}

void site_files_add(struct site_files *files, const char *path, const char *type, struct str bytes)
{
    struct site_file *file = mem_zero(sizeof *file);
    struct site_bytes *plain = &file->as[AS_IS];
    size_t len = strlen(path);

    file->path = memcpy(mem_alloc(len + 1), path, len + 1);
    file->type = type;
    file->changed = time(NULL);
    plain->at = memcpy(mem_alloc(bytes.len + 1), bytes.at, bytes.len);
    plain->len = bytes.len;
    name_bytes(plain);
    pack_file(file);
    HASH_ADD_KEYPTR(hh, files->table, file->path, len, file);
}

void site_files_drop(struct site_files *files)
{
    if (files != NULL && --files->uses == 0) free_files(files);
}

const struct site_file *site_files_find(const struct site_files *files, struct str path)
{
    const struct site_file *found = NULL;

    if (files != NULL) HASH_FIND(hh, files->table, path.at, path.len, found);
    return found;
}

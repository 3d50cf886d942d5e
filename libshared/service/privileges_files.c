/* privileges_files.c - files, by Landlock: no path but those of the row can be opened, made or removed. */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/db/pg.h"
#include "libshared/service/privileges_private.h"
#include "libshared/service/settings_rows.h"

/* Debian's headers end before these. */
#define ACCESS_TRUNCATE  (1ULL << 14)
#define ACCESS_IOCTL_DEV (1ULL << 15)
#define SCOPE_ABSTRACT   (1ULL << 0)
#define SCOPE_SIGNAL     (1ULL << 1)

#define ACCESS_READ    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_DEVICE  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define ACCESS_SOCKETS (LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define ACCESS_FILES                                                                                                   \
    (ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define ACCESS_OF_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

struct visit {
    void (*path)(void *arg, const char *path, enum use use);
    void *arg;
};

static void visit_path(const struct visit *visit, enum use use, const char *path)
{
    visit->path(visit->arg, path, use);
}

/* --- what the rows mean --- */

static const char *const SYSTEM[] = { "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime",
    "/etc/passwd", /* of which libpq asks its home */
    "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/ssl/openssl.cnf", "/etc/ssl/certs",
    "/dev/urandom", "/proc/self", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu" };

/* So much lies there besides that only the file itself is opened. */
static bool is_wide(const char *dir)
{
    char here[PATH_MAX];

    return strcmp(dir, "/") == 0 || strcmp(dir, "/etc") == 0 ||
           (getcwd(here, sizeof here) != NULL && strcmp(dir, here) == 0);
}

static void visit_parent(const struct visit *visit, const char *path)
{
    char dir[PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(path, '/');

    snprintf(dir, sizeof dir, "%.*s",
        slash == NULL   ? 1
        : slash == path ? 1
                        : (int)(slash - path),
        slash == NULL ? "." : path);
    if (realpath(dir, real) != NULL && !is_wide(real)) visit_path(visit, USE_READ, real);
}

/* A file that is renewed by another one in its place, or by a link that then leads to another one beside the first: a
 * rule of the kernel's is for a file and not for its name, so it is of the directories. */
static void visit_renewed(const struct visit *visit, const char *path)
{
    char real[PATH_MAX];

    visit_path(visit, USE_READ, path);
    visit_parent(visit, path);
    if (realpath(path, real) != NULL) visit_parent(visit, real);
}

/* Paths, separated by commas. */
static void visit_list(const struct visit *visit, const char *list)
{
    struct str rest = str_of(list);
    char path[PATH_MAX];

    while (rest.len > 0) {
        struct str one = str_trim(str_cut(&rest, ','));
        snprintf(path, sizeof path, "%.*s", STR_ARG(one));
        if (path[0] != '\0') visit_renewed(visit, path);
    }
}

static void visit_system(const struct visit *visit)
{
    for (size_t i = 0; i < COUNT(SYSTEM); i++) visit_path(visit, USE_READ, SYSTEM[i]);
    visit_path(visit, USE_DEVICE, "/dev/null");
    visit_renewed(visit, "/etc/hosts");
    visit_renewed(visit, "/etc/resolv.conf");
    if (LEAKS_ARE_LOOKED_FOR) visit_path(visit, USE_READ, "/proc/self/exe");
}

static void visit_keys(const struct visit *visit, const struct privileges *has)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s.key_secret", has->settings->common.key_dir, has->kind);
    visit_path(visit, USE_READ, path);
    snprintf(path, sizeof path, "%s/%s.key", has->settings->common.key_dir, has->kind);
    visit_path(visit, USE_READ, path);
    snprintf(path, sizeof path, "%s/peers", has->settings->common.key_dir);
    visit_path(visit, USE_READ, path);
}

static void visit_migrations(const struct visit *visit, const struct privileges *has)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", has->settings->common.migrations_dir, has->kind);
    visit_path(visit, USE_READ, path);
}

static void visit_database(void *arg, const char *path)
{
    visit_path(arg, USE_READ, path);
}

/* "ipc:///run/madang/sock/chat,tcp://..." */
static void visit_sockets(const struct visit *visit, const char *endpoints)
{
    struct str rest = str_of(endpoints);
    char dir[PATH_MAX];

    while (rest.len > 0) {
        struct str one = str_cut(&rest, ',');
        if (one.len <= 6 || !str_starts(one, STR("ipc://"))) continue;
        struct str path = str_skip(one, 6);
        const char *slash = memrchr(path.at, '/', path.len);
        snprintf(
            dir, sizeof dir, "%.*s", slash == NULL ? 1 : (int)(slash + 1 - path.at), slash == NULL ? "." : path.at);
        visit_path(visit, USE_SOCKETS, dir);
    }
}

static const char *text_of(const struct privileges *has, const struct setting_row *row)
{
    return *(const char *const *)((const char *)has->settings + row->at);
}

/* Those that its settings name. */
static void visit_read(const struct visit *visit, const struct privileges *has)
{
    for (size_t i = 0; i < n_setting_rows; i++) {
        bool is_its = strcmp(setting_rows[i].group, has->kind) == 0 || strcmp(setting_rows[i].group, "common") == 0;
        if (setting_rows[i].kind != KIND_FILE || !is_its) continue;
        const char *path = text_of(has, &setting_rows[i]);
        if (path[0] != '\0') visit_renewed(visit, path);
    }
}

static bool is_files_of(const struct setting_row *row, const char *kind)
{
    return row->kind == KIND_FILES && strcmp(row->group, kind) == 0;
}

/* The directories that its settings name for that. */
static void visit_files(const struct visit *visit, const struct privileges *has)
{
    for (size_t i = 0; i < n_setting_rows; i++)
        if (is_files_of(&setting_rows[i], has->kind)) visit_path(visit, USE_FILES, text_of(has, &setting_rows[i]));
}

bool privileges_makes_files(const struct privileges *has)
{
    for (size_t i = 0; i < n_setting_rows; i++)
        if (is_files_of(&setting_rows[i], has->kind)) return true;
    return false;
}

void privileges_each_path(
    const struct privileges *has, void (*path)(void *arg, const char *path, enum use use), void *arg)
{
    struct visit visit = { path, arg };

    if (has->reads & READS_SYSTEM) visit_system(&visit);
    if (has->reads & READS_KEYS) visit_keys(&visit, has);
    if (has->reads & READS_MIGRATIONS) visit_migrations(&visit, has);
    if (has->reads & READS_DATABASE) pg_files(has->db, visit_database, &visit);
    if (has->reads & READS_CERTIFICATE) {
        visit_list(&visit, has->settings->gateway.tls_cert);
        visit_list(&visit, has->settings->gateway.tls_key);
        visit_list(&visit, has->settings->gateway.static_dir);
        visit_list(&visit, has->settings->gateway.acme_dir);
    }
    if (has->reads & READS_KEYS) visit_read(&visit, has);
    visit_files(&visit, has);
    for (size_t i = 0; i < COUNT(has->sockets); i++)
        if (has->sockets[i] != NULL) visit_sockets(&visit, has->sockets[i]);
}

/* --- Landlock, which has no library --- */

/* The kernel's struct as of version 6; an older one is told of its beginning. */
struct ruleset {
    uint64_t files, net, scoped;
};

/* A process that makes files may cut them, where the kernel tells that apart from writing. */
static const uint64_t ACCESS[] = { [USE_READ] = ACCESS_READ,
    [USE_DEVICE] = ACCESS_DEVICE,
    [USE_SOCKETS] = ACCESS_SOCKETS,
    [USE_FILES] = ACCESS_FILES | ACCESS_TRUNCATE };

struct confinement {
    int ruleset;
    uint64_t known; /* accesses that this kernel's version has */
};

static uint64_t accesses_of(int version)
{
    uint64_t known = LANDLOCK_ACCESS_FS_REFER - 1;

    if (version >= 2) known |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) known |= ACCESS_TRUNCATE;
    if (version >= 5) known |= ACCESS_IOCTL_DEV;
    return known;
}

static int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return version > 0 ? (int)version : 0;
}

static int landlock_create(int version)
{
    struct ruleset all = { .files = accesses_of(version) };
    size_t size = version >= 6 ? sizeof all : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);

    if (version >= 6) all.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
    return (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
}

static void allow_path(void *arg, const char *path, enum use use)
{
    const struct confinement *to = arg;
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0) return; /* what is not there, or not for this user anyway */
    struct landlock_path_beneath_attr rule = { .allowed_access = ACCESS[use] & to->known, .parent_fd = fd };
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)) rule.allowed_access &= ACCESS_OF_FILE;
    if (rule.allowed_access != 0 &&
        syscall(SYS_landlock_add_rule, to->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        privileges_die(path);
    close(fd);
}

int privileges_confine_files(const struct privileges *has)
{
    int version = landlock_version();

    if (version == 0) return 0;
    struct confinement to = { landlock_create(version), accesses_of(version) };
    if (to.ruleset < 0) privileges_die("Landlock");
    privileges_each_path(has, allow_path, &to);
    if (syscall(SYS_landlock_restrict_self, to.ruleset, 0) != 0) privileges_die("Landlock");
    close(to.ruleset);
    return version;
}

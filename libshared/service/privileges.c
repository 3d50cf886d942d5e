/*
 * privileges.c - what each process may do, and how the rest is taken away.
 *
 *                        services                              gateway
 *      reads             the system's libraries, zones, certificates, resolver; /proc/self; its own secret CURVE key
 *                        and the public ones
 *                        its migrations;                       the directories of its certificate
 *                        what its conninfo names;
 *                        what its FILE settings name
 *      makes sockets in  the directories of its ipc:// endpoints
 *      makes files in    the directories of its FILES settings, and cuts them: share its media, nobody else any
 *      sockets           unix, IPv4 and IPv6 (TCP, UDP), netlink for routes
 *      listens           until it is ready
 *      starts processes, signals or traces others, changes its user, mounts, loads code into the kernel ...    none
 *                        (imager, which reads the system's libraries and has no sockets of its own: copies of itself, which read an
 *                        image each, and only compute)
 *      capabilities      none                                  none; CAP_NET_BIND_SERVICE if it has it and a port is low
 *                        (root whose files lie in a closed directory of somebody else's: CAP_DAC_READ_SEARCH)
 *      core dumps, debuggers                                   none
 *
 * The kernel's part: Landlock for files (privileges_files.c), seccomp for system calls (privileges_calls.c).
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/privileges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "libshared/base/arena.h"
#include "libshared/base/log.h"
#include "libshared/service/privileges_private.h"
#include "libshared/service/settings.h"

void privileges_die(const char *what)
{
    fprintf(stderr, "madang: %s: %s; MADANG_PRIVILEGES=off starts without\n", what, strerror(errno));
    exit(2);
}

static struct privileges privileges_of(const char *kind, const struct settings *s)
{
/* clang-format off */
#define SERVICE(name, place, parts, doc) \
    if (strcmp(kind, #name) == 0) return (struct privileges){ .kind = #name, .settings = s, \
        .reads = READS_SYSTEM | READS_KEYS | READS_MIGRATIONS | READS_DATABASE, \
        .sockets = { s->name.bind }, .db = s->name.db };
#define EDGE(name, place, doc) \
    if (strcmp(kind, #name) == 0) return (struct privileges){ .kind = #name, .settings = s, \
        .reads = READS_SYSTEM | READS_KEYS | READS_CERTIFICATE, \
        .sockets = { s->name.mesh, s->name.mesh_bind }, .low_ports = { s->name.https, s->name.http } };
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    /* clang-format on */
    if (strcmp(kind, "imager") == 0)
        return (struct privileges){ .kind = kind, .settings = s, .reads = READS_SYSTEM, .keeps_readers = true };
    fprintf(stderr, "%s: no such process\n", kind);
    exit(2);
}

static bool are_off(const struct settings *s)
{
    return strcmp(s->common.privileges, "off") == 0;
}

/* A core would hold keys and tokens, and another process of the same user could read them in memory. */
static void close_memory(void)
{
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) != 0) privileges_die("no limit for core dumps");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) privileges_die("memory stays open to debuggers");
}

void privileges_drop(const char *kind, const struct settings *settings)
{
    const struct privileges has = privileges_of(kind, settings);
    char kept[64];

    if (are_off(settings)) {
        LOG(WARN, "privileges.off");
        return;
    }
    privileges_drop_capabilities(&has, kept, sizeof kept);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) privileges_die("no_new_privs");
    int landlock = privileges_confine_files(&has);
    privileges_refuse_calls(&has);
    close_memory();
    LOG(INFO, "privileges.applied", F_INT("landlock", landlock), F_TEXT("capabilities", kept));
}

void privileges_settle(const struct settings *settings)
{
    if (!are_off(settings)) privileges_refuse_listening();
}

void privileges_only_compute(const struct settings *settings)
{
    if (!are_off(settings)) privileges_allow_computing();
}

bool privileges_sanitized(void)
{
    return LEAKS_ARE_LOOKED_FOR;
}

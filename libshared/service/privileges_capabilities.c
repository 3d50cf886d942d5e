/* privileges_capabilities.c - capabilities, which a process has that was started as root, or with some given to it. */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/service/privileges_private.h"

#define LAST_POSSIBLE 63

struct capabilities {
    struct __user_cap_data_struct part[2]; /* 32 each */
};

static struct __user_cap_header_struct *header(void)
{
    static struct __user_cap_header_struct ours;

    ours = (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
    return &ours;
}

static bool has_capability(int number)
{
    struct capabilities now = { 0 };

    return syscall(SYS_capget, header(), now.part) == 0 && (now.part[number / 32].permitted >> number % 32 & 1);
}

/* What is effective is also permitted. */
static void set_capabilities(uint64_t effective, uint64_t permitted)
{
    struct capabilities next = { 0 };

    for (int i = 0; i < 2; i++) {
        next.part[i].effective = (uint32_t)(effective >> 32 * i);
        next.part[i].permitted = (uint32_t)(permitted >> 32 * i);
    }
    if (syscall(SYS_capset, header(), next.part) != 0) privileges_die("capabilities");
}

/* A process that may not drop them is no worse off: it executes no program any more, and if it did, without new privileges. */
static void clear_bounds(void)
{
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int number = 0; number <= LAST_POSSIBLE; number++) prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
}

static bool is_low(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon != NULL && colon[1] != '\0' && strtol(colon + 1, NULL, 10) < 1024;
}

static bool wants_low_port(const struct privileges *has)
{
    for (size_t i = 0; i < COUNT(has->low_ports); i++)
        if (has->low_ports[i] != NULL && is_low(has->low_ports[i])) return true;
    return false;
}

static void look_whether_closed(void *arg, const char *path, enum use use)
{
    bool *closed = arg;

    (void)use;
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 && errno == EACCES) *closed = true;
}

void privileges_drop_capabilities(const struct privileges *has, char *kept, int size)
{
    const uint64_t bind = UINT64_C(1) << CAP_NET_BIND_SERVICE, search = UINT64_C(1) << CAP_DAC_READ_SEARCH;
    uint64_t keep = 0;
    bool closed = false;

    if (wants_low_port(has) && has_capability(CAP_NET_BIND_SERVICE)) keep |= bind;
    clear_bounds();
    /* Root with its files in somebody's closed home directory. */
    if (has_capability(CAP_DAC_READ_SEARCH)) {
        set_capabilities(0, keep | search);
        privileges_each_path(has, look_whether_closed, &closed);
        if (closed) keep |= search;
    }
    set_capabilities(keep, keep);
    snprintf(
        kept, (size_t)size, "%s%s", keep & bind ? "net_bind_service " : "", keep & search ? "dac_read_search " : "");
    if (keep != 0) kept[strlen(kept) - 1] = '\0';
}

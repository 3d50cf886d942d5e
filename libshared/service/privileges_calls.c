/*
 * privileges_calls.c - system calls, by seccomp.
 *
 * Two filters: one answers ENOSYS, as an older kernel would, where libc then takes another way; one answers EPERM, and
 * the kernel's log has a line for it (audit type 1326).  What is not refused is allowed: docs/why/0021.
 */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/service/privileges_private.h"

#define REFUSE SCMP_ACT_ERRNO(EPERM)

/* Numbers from here on are of kernels that came after this list.  From 424 on they are the same on all machines but some
 * that Debian 12 has none of. */
#define FIRST_UNKNOWN 451

/* An argument, by its number, is so. */
static struct scmp_arg_cmp arg_is(unsigned arg, enum scmp_compare how, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){ .arg = arg, .op = how, .datum_a = value };
}

/* Of the bits of `mask` these are set, and the others aren't. */
static struct scmp_arg_cmp arg_has(unsigned arg, scmp_datum_t mask, scmp_datum_t bits)
{
    return (struct scmp_arg_cmp){ .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = bits };
}

static void refuse_if(scmp_filter_ctx filter, int call, unsigned n, const struct scmp_arg_cmp *when)
{
    int rc = seccomp_rule_add_array(filter, REFUSE, call, n, when);

    if (rc == 0) return;
    errno = -rc;
    privileges_die("seccomp");
}

static void load_filter(scmp_filter_ctx filter)
{
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1); /* kernels before 4.14 can't */
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0) rc = seccomp_load(filter);
    seccomp_release(filter);
    if (rc == 0) return;
    errno = -rc;
    privileges_die("seccomp");
}

static scmp_filter_ctx begin_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (filter == NULL) privileges_die("seccomp");
    return filter;
}

/* Threads, and no processes: what clone3() and openat2() are asked for stands in memory, where no filter sees it, so libc has to
 * do without them. */
static void answer_as_older_kernel(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_UNKNOWN, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { COUNT(code), code };

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) privileges_die("seccomp");
}

static void refuse_processes(scmp_filter_ctx filter, bool but_copies)
{
    const struct scmp_arg_cmp no_thread = arg_has(0, CLONE_THREAD | (LEAKS_ARE_LOOKED_FOR ? CLONE_UNTRACED : 0), 0),
                              not_ours = arg_is(0, SCMP_CMP_NE, (scmp_datum_t)getpid()),
                              not_self = arg_is(0, SCMP_CMP_NE, 0);

    if (!but_copies) {
        refuse_if(filter, SCMP_SYS(clone), 1, &no_thread);
        refuse_if(filter, SCMP_SYS(kill), 0, NULL);
    }
    refuse_if(filter, SCMP_SYS(tgkill), 1, &not_ours);
    refuse_if(filter, SCMP_SYS(prlimit64), 1, &not_self);
    if (!LEAKS_ARE_LOOKED_FOR) refuse_if(filter, SCMP_SYS(ptrace), 0, NULL);
}

/* A process that makes files makes those with a name; where, is Landlock's. */
static void refuse_new_files(scmp_filter_ctx filter, bool but_named)
{
    const scmp_datum_t bits[] = { O_TMPFILE & ~O_DIRECTORY, O_CREAT };

    for (size_t i = 0; i < COUNT(bits) - but_named; i++) {
        const struct scmp_arg_cmp open_makes = arg_has(1, bits[i], bits[i]),
                                  openat_makes = arg_has(2, bits[i], bits[i]);
        refuse_if(filter, SCMP_SYS(open), 1, &open_makes);
        refuse_if(filter, SCMP_SYS(openat), 1, &openat_makes);
    }
}

/* socket(family, type, protocol): of `arg` every value but those of the bit set, for one family or for each (-1). */
static void refuse_others(scmp_filter_ctx filter, int family, unsigned arg, uint32_t allowed, unsigned top)
{
    struct scmp_arg_cmp when[2] = { [1] = arg_is(0, SCMP_CMP_EQ, (scmp_datum_t)family) };
    unsigned n = family < 0 ? 1 : 2;

    for (unsigned value = 0; value <= top; value++) {
        if (allowed >> value & 1) continue;
        when[0] = arg_is(arg, SCMP_CMP_EQ, value);
        refuse_if(filter, SCMP_SYS(socket), n, when);
    }
    when[0] = arg_is(arg, SCMP_CMP_GT, top);
    refuse_if(filter, SCMP_SYS(socket), n, when);
}

static void refuse_sockets(scmp_filter_ctx filter)
{
    const uint32_t families = 1u << AF_UNIX | 1u << AF_INET | 1u << AF_INET6 | 1u << AF_NETLINK;
    const uint32_t protocols = 1u << IPPROTO_IP | 1u << IPPROTO_TCP | 1u << IPPROTO_UDP;
    const int internet[] = { AF_INET, AF_INET6 };

    refuse_others(filter, -1, 0, families, AF_NETLINK);
    refuse_others(filter, AF_NETLINK, 2, 1u << 0, 0); /* NETLINK_ROUTE: a look-up of a name wants our addresses */
    for (size_t i = 0; i < COUNT(internet); i++) {
        refuse_others(filter, internet[i], 2, protocols, IPPROTO_UDP);
        for (scmp_datum_t type = SOCK_RAW; type <= SOCK_PACKET; type++) {
            const struct scmp_arg_cmp when[] = { arg_is(0, SCMP_CMP_EQ, (scmp_datum_t)internet[i]),
                arg_has(1, 0xf, type) };
            refuse_if(filter, SCMP_SYS(socket), 2, when);
        }
    }
}

/* Those of a pair need none of these. */
static void refuse_all_sockets(scmp_filter_ctx filter)
{
    static const int refused[] = { SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen) };

    for (size_t i = 0; i < COUNT(refused); i++) refuse_if(filter, refused[i], 0, NULL);
}

void privileges_refuse_calls(const struct privileges *has)
{
    static const int refused[] = {
#define REFUSED(name) SCMP_SYS(name),
#include "libshared/service/calls_refused.def"
#undef REFUSED
    };
    scmp_filter_ctx filter = begin_filter();

    for (size_t i = 0; i < COUNT(refused); i++) refuse_if(filter, refused[i], 0, NULL);
    refuse_processes(filter, has->keeps_readers);
    refuse_new_files(filter, privileges_makes_files(has));
    if (has->keeps_readers)
        refuse_all_sockets(filter);
    else
        refuse_sockets(filter);
    load_filter(filter);
    answer_as_older_kernel();
}

/* capset() drops what was needed to bind, and is not needed any more either. */
void privileges_refuse_listening(void)
{
    scmp_filter_ctx filter = begin_filter();

    refuse_if(filter, SCMP_SYS(listen), 0, NULL);
    refuse_if(filter, SCMP_SYS(capset), 0, NULL);
    load_filter(filter);
}

/* --- who only computes: here what is not allowed is refused --- */

static void answer_if(scmp_filter_ctx filter, uint32_t answer, int call, unsigned n, const struct scmp_arg_cmp *when)
{
    int rc = seccomp_rule_add_array(filter, answer, call, n, when);

    if (rc == 0) return;
    errno = -rc;
    privileges_die("seccomp");
}

static void allow_if(scmp_filter_ctx filter, int call, unsigned n, const struct scmp_arg_cmp *when)
{
    answer_if(filter, SCMP_ACT_ALLOW, call, n, when);
}

/* Memory that holds code is what it was before; more of it is its own, which RLIMIT_DATA counts. */
static void allow_memory(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp not_code = arg_has(2, PROT_EXEC, 0), own[] = { not_code, arg_has(3, MAP_SHARED, 0) };

    allow_if(filter, SCMP_SYS(mmap), COUNT(own), own);
    allow_if(filter, SCMP_SYS(mprotect), 1, &not_code);
}

static void allow_threads(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp thread = arg_has(0, CLONE_THREAD, CLONE_THREAD),
                              its_own = arg_is(0, SCMP_CMP_EQ, (scmp_datum_t)getpid()),
                              name = arg_is(0, SCMP_CMP_EQ, PR_SET_NAME);

    allow_if(filter, SCMP_SYS(clone), 1, &thread);
    answer_if(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL); /* libc does without it: see above */
    allow_if(filter, SCMP_SYS(tgkill), 1, &its_own);
    allow_if(filter, SCMP_SYS(prctl), 1, &name);
}

void privileges_allow_computing(void)
{
    static const int allowed[] = {
#define ALLOWED(name) SCMP_SYS(name),
#include "libshared/service/calls_computing.def"
#undef ALLOWED
    };
    scmp_filter_ctx filter = seccomp_init(REFUSE);

    if (filter == NULL) privileges_die("seccomp");
    for (size_t i = 0; i < COUNT(allowed); i++) allow_if(filter, allowed[i], 0, NULL);
    allow_memory(filter);
    allow_threads(filter);
    load_filter(filter);
}

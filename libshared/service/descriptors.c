/* descriptors.c - the soft limit of open files and sockets, which is low by default, and the hard one above it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/descriptors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

int64_t descriptors_ask(int64_t wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return DESCRIPTORS_LEAST;
    limit.rlim_cur = (rlim_t)wanted < limit.rlim_max ? (rlim_t)wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < DESCRIPTORS_LEAST) {
        fprintf(stderr, "madang: the hard limit of open files (ulimit -Hn) is %" PRIuMAX "; it has to be %d at least\n",
            (uintmax_t)limit.rlim_cur, DESCRIPTORS_LEAST);
        exit(2);
    }
    return (int64_t)limit.rlim_cur;
}

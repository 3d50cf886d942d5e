/* resolve.c - getaddrinfo() as an errand. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/resolve.h"

#include <netdb.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/errand.h"

struct lookup {
    void (*found)(void *arg, const char *address, const char *why);
    int failed;
    char address[NI_MAXHOST];
    char host[];
};

/* Most servers listen on IPv4, and "localhost" is ::1 as well: of a name that has both, IPv4. */
static int look_up(const char *host, struct addrinfo **all)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };

    if (getaddrinfo(host, NULL, &hints, all) == 0) return 0;
    hints.ai_family = AF_UNSPEC;
    return getaddrinfo(host, NULL, &hints, all);
}

static void ask_name_server(void *work)
{
    struct lookup *q = work;
    struct addrinfo *all = NULL;

    q->failed = look_up(q->host, &all);
    if (q->failed != 0) return;
    q->failed = getnameinfo(all->ai_addr, all->ai_addrlen, q->address, sizeof q->address, NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(all);
}

static void give_answer(void *arg, void *work)
{
    const struct lookup *q = work;

    q->found(arg, q->failed == 0 ? q->address : NULL, q->failed == 0 ? NULL : gai_strerror(q->failed));
}

struct errand *resolve_begin(
    struct ev_loop *loop, const char *host, void (*found)(void *arg, const char *address, const char *why), void *arg)
{
    static const struct errand_kind kind = { ask_name_server, give_answer, mem_free };
    size_t size = strlen(host) + 1;
    struct lookup *q = mem_zero(sizeof *q + size);

    q->found = found;
    memcpy(q->host, host, size);
    return errand_begin(loop, &kind, q, arg);
}

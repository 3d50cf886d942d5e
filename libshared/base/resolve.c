/* resolve.c - getaddrinfo() on a thread of its own for each question. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/resolve.h"

#include <ev.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/thread.h"

/* Of the thread and of the loop; who is the last to leave frees it. */
struct resolve {
    struct ev_loop *loop;
    ev_async answered;
    void (*found)(void *arg, const char *address, const char *why);
    void *arg;
    char *host;

    pthread_mutex_t lock; /* for all below */
    bool asking, ended;
    int failed;
    char address[NI_MAXHOST];
};

static void free_resolve(struct resolve *r)
{
    pthread_mutex_destroy(&r->lock);
    mem_free(r->host);
    mem_free(r);
}

static int first_address(const char *host, char out[NI_MAXHOST])
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
    int failed = getaddrinfo(host, NULL, &hints, &all);

    if (failed != 0) return failed;
    failed = getnameinfo(all->ai_addr, all->ai_addrlen, out, NI_MAXHOST, NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(all);
    return failed;
}

static void *ask(void *arg)
{
    struct resolve *r = arg;
    char address[NI_MAXHOST];
    int failed = first_address(r->host, address);

    pthread_mutex_lock(&r->lock);
    bool ended = r->ended;
    r->asking = false;
    r->failed = failed;
    if (failed == 0) memcpy(r->address, address, sizeof address);
    if (!ended) ev_async_send(r->loop, &r->answered);
    pthread_mutex_unlock(&r->lock);
    if (ended) free_resolve(r);
    return NULL;
}

static void on_answered(struct ev_loop *loop, ev_async *answered, int events)
{
    struct resolve *r = answered->data;

    (void)events;
    ev_async_stop(loop, answered);
    pthread_mutex_lock(&r->lock);
    int failed = r->failed;
    pthread_mutex_unlock(&r->lock);
    r->found(r->arg, failed == 0 ? r->address : NULL, failed == 0 ? NULL : gai_strerror(failed));
}

struct resolve *resolve_begin(
    struct ev_loop *loop, const char *host, void (*found)(void *arg, const char *address, const char *why), void *arg)
{
    struct resolve *r = mem_zero(sizeof *r);
    size_t size = strlen(host) + 1;

    *r = (struct resolve){ .loop = loop, .found = found, .arg = arg, .host = memcpy(mem_alloc(size), host, size) };
    pthread_mutex_init(&r->lock, NULL);
    ev_async_init(&r->answered, on_answered);
    r->answered.data = r;
    ev_async_start(loop, &r->answered);
    r->asking = true;
    if (!thread_start(ask, r)) { /* no thread is no address */
        r->asking = false;
        r->failed = EAI_AGAIN;
        ev_async_send(loop, &r->answered);
    }
    return r;
}

void resolve_end(struct resolve **resolve)
{
    struct resolve *r = *resolve;

    if (r == NULL) return;
    *resolve = NULL;
    ev_async_stop(r->loop, &r->answered);
    pthread_mutex_lock(&r->lock);
    bool asking = r->asking;
    r->ended = true;
    pthread_mutex_unlock(&r->lock);
    if (!asking) free_resolve(r);
}

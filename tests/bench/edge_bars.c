/*
 * edge_bars.c - what comes to an edge all at once.
 *
 *      edge_bars herd PORT COUNT 1.2|1.3   so many connections with one small request, each with the ticket of the one before
 *      edge_bars halves PORT COUNT head|body   so many requests of which the half is sent, until standard input ends
 *
 * Prints JSON.  A herd comes in LANES at a time, each a thread that waits for its answers.
 */
// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include "libshared/base/arena.h"
#include "tests/lib/tls_client.h"

#define LANES 8

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- a herd that comes back --- */

struct lane {
    pthread_t thread;
    int port, count, version, resumed;
};

static pthread_barrier_t together;

static void *run_lane(void *arg)
{
    struct lane *lane = arg;
    SSL_CTX *ctx = new_client(lane->version);

    (void)connect_once(ctx, lane->port, false); /* its first ticket */
    pthread_barrier_wait(&together);
    for (int i = 0; i < lane->count; i++) lane->resumed += connect_once(ctx, lane->port, true);
    forget_ticket();
    SSL_CTX_free(ctx);
    return NULL;
}

static int come_back(int port, int count, int version)
{
    struct lane lanes[LANES];
    int resumed = 0;

    pthread_barrier_init(&together, NULL, LANES + 1);
    for (size_t i = 0; i < LANES; i++) {
        lanes[i] = (struct lane){ .port = port, .count = count / LANES, .version = version };
        if (pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]) != 0) give_up("no thread");
    }
    pthread_barrier_wait(&together);
    double began = now_s();
    for (size_t i = 0; i < LANES; i++) {
        pthread_join(lanes[i].thread, NULL);
        resumed += lanes[i].resumed;
    }
    printf("{\"count\":%d,\"resumed\":%d,\"seconds\":%.4f}\n", count / LANES * LANES, resumed, now_s() - began);
    return 0;
}

/* --- who never comes to an end --- */

static const char half_head[] = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
static const char half_body[] = "POST /auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                "Content-Length: 400\r\n\r\n{\"api_key\":\"";

static void allow_descriptors(int count)
{
    struct rlimit limit = { (rlim_t)count + 64, (rlim_t)count + 64 };

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) give_up("not so many descriptors here");
}

/* Of these, how many has the server neither answered nor closed? */
static int count_open(const int *fds, int count)
{
    int open = 0;

    for (int i = 0; i < count; i++) {
        struct pollfd one = { .fd = fds[i], .events = POLLIN };
        open += poll(&one, 1, 0) == 0;
    }
    return open;
}

static int send_halves(int port, int count, const char *half)
{
    int *fds = mem_alloc((size_t)count * sizeof *fds);
    double began = now_s();

    allow_descriptors(count);
    for (int i = 0; i < count; i++) {
        fds[i] = dial(port);
        if (write(fds[i], half, strlen(half)) < 0) give_up("a half was not taken");
    }
    printf("{\"sent\":%d,\"open\":%d,\"seconds\":%.2f}\n", count, count_open(fds, count), now_s() - began);
    fflush(stdout);
    return getchar() == EOF ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 0, count = argc > 3 ? atoi(argv[3]) : 0; /* a program for programs */

    if (argc != 5) give_up("see the head of edge_bars.c");
    if (strcmp(what, "herd") == 0)
        return come_back(port, count, strcmp(argv[4], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
    if (strcmp(what, "halves") == 0)
        return send_halves(port, count, strcmp(argv[4], "head") == 0 ? half_head : half_body);
    give_up("see the head of edge_bars.c");
}

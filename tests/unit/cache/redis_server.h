/* redis_server.h - a real redis-server for one test program, on a socket of its own, and a loop to turn. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "tests/lib/free_port.h"

static char dir[] = "/tmp/madang-redis.XXXXXX";
static char url[120], path[100], port[8];
static pid_t server;
static struct ev_loop *loop;

/* With a password, also on `port`. */
static void start_server(const char *password)
{
    server = fork();
    if (server != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    execlp("redis-server", "redis-server", "--port", *password ? port : "0", "--bind", "127.0.0.1", "--unixsocket",
        path, "--save", "", "--dir", dir, *password ? "--requirepass" : (char *)NULL, password, (char *)NULL);
    _exit(127);
}

static void stop_server(void)
{
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    server = 0;
    unlink(path);
}

static int start(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR + 1);
    signal(SIGPIPE, SIG_IGN);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    snprintf(url, sizeof url, "unix://%s", path);
    snprintf(port, sizeof port, "%d", free_port());
    loop = ev_loop_new(EVFLAG_AUTO);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stop_server();
    ev_loop_destroy(loop);
    return rmdir(dir);
}

static void wake(struct ev_loop *l, ev_timer *t, int events)
{
    (void)l;
    (void)t;
    (void)events;
}

/* Turn the loop until it is so; false: not within five seconds. */
static bool until(bool (*is_so)(void))
{
    int64_t end_us = clock_mono_us() + 5000000;
    ev_timer tick;
    bool so;

    ev_timer_init(&tick, wake, 0.02, 0.02);
    ev_timer_start(loop, &tick);
    while (!(so = is_so()) && clock_mono_us() < end_us) ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &tick);
    return so;
}

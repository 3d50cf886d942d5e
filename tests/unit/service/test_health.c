/* test_health.c - what an operator's tools are told: alive, ready, and in numbers. */
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/turn.h"
#include "libshared/service/service.h"
#include "tests/lib/free_port.h"
#include "tests/unit/captured_log.h"

static struct ev_loop *loop;
static struct health *health;
static bool ready;
static int port;
static char answer[262144];

static bool is_ready(void *arg, struct buf *why)
{
    (void)arg;
    if (!ready) buf_add_str(why, STR("no database"));
    return ready;
}

static int begin(void **state)
{
    (void)state;
    char address[40];
    port = free_port();
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    for (int i = 0; i < 100; i++) /* numbers beyond the limit of its own connections */
        assert_true(dup(STDERR_FILENO) >= 0);
    loop = ev_loop_new(EVFLAG_AUTO);
    health = health_create(loop, address, is_ready, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    health_destroy(&health);
    ev_loop_destroy(loop);
    return 0;
}

static void stop_turning(struct ev_loop *l, ev_timer *timer, int revents)
{
    (void)timer, (void)revents;
    ev_break(l, EVBREAK_ONE);
}

static void turn_for(int ms)
{
    ev_timer timer;
    ev_timer_init(&timer, stop_turning, ms / 1000., 0.);
    ev_now_update(loop);
    ev_timer_start(loop, &timer);
    ev_run(loop, 0);
}

static int connected(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = { .tv_sec = 30 };
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* The status; the whole answer is in `answer`. */
static int get(const char *path)
{
    char request[200];
    int fd = connected(), status = 0;
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    assert_true(write(fd, request, strlen(request)) > 0);
    size_t len = 0;
    for (ssize_t n; (n = read(fd, answer + len, sizeof answer - 1 - len)) > 0;) len += (size_t)n;
    answer[len] = '\0';
    close(fd);
    assert_int_equal(sscanf(answer, "HTTP/1.%*d %d", &status), 1);
    return status;
}

/* The loop stands still while this waits: where that was for too long, it turns and is asked about again. */
static int get_of_live(const char *path)
{
    int status = get(path);
    for (int tries = 0; tries < 20 && status == 503; tries++) {
        turn_for(600);
        status = get(path);
    }
    return status;
}

static void readiness_follows_what_the_loop_says(void **state)
{
    (void)state;
    ready = false;
    turn_for(600);
    assert_int_equal(get_of_live("/healthz"), 200);
    assert_int_equal(get("/readyz"), 503);
    assert_non_null(strstr(answer, "no database"));
    ready = true;
    turn_for(600);
    assert_int_equal(get_of_live("/readyz"), 200);
    assert_int_equal(get("/nothing"), 404);
}

static void metrics_hold_the_process_and_the_loop(void **state)
{
    (void)state;
    assert_int_equal(get("/metrics"), 200);
    assert_non_null(strstr(answer, "\nprocess_resident_memory_bytes "));
    assert_non_null(strstr(answer, "\nprocess_cpu_seconds_total "));
    assert_non_null(strstr(answer, "\nprocess_open_fds 1"));
    assert_non_null(strstr(answer, "madang_loop_lag_seconds_count "));
}

static void many_idle_connections_do_not_keep_it_from_answering(void **state)
{
    (void)state;
    int fds[60];
    for (size_t i = 0; i < COUNT(fds); i++) fds[i] = connected();
    for (int i = 0; i < 3; i++) assert_int_equal(get_of_live("/healthz"), 200);
    for (size_t i = 0; i < COUNT(fds); i++) close(fds[i]);
}

static void a_stuck_loop_is_neither_alive_nor_ready(void **state)
{
    (void)state;
    usleep(3100000);
    assert_int_equal(get("/healthz"), 503);
    assert_int_equal(get("/readyz"), 503);
    turn_for(600);
    assert_int_equal(get_of_live("/healthz"), 200);
}

/* Two handlers, of which the one within the other blocks. */
static void on_blocking(struct ev_loop *l, ev_timer *timer, int revents)
{
    (void)timer, (void)revents;
    struct turn_span outer = turn_enter(), inner = turn_enter();
    usleep(150000);
    turn_leave(inner, STR("room.block"));
    turn_leave(outer, STR("room.wait"));
    ev_break(l, EVBREAK_ONE);
}

static void block_loop(void)
{
    ev_timer timer;
    ev_timer_init(&timer, on_blocking, 0., 0.);
    ev_timer_start(loop, &timer);
    ev_run(loop, 0);
    turn_for(5); /* the next wake-up ends the turn */
}

static long slow_turns(void)
{
    assert_int_equal(get("/metrics"), 200);
    static const char name[] = "\nmadang_loop_slow_total ";
    const char *at = strstr(answer, name);
    assert_non_null(at);
    return strtol(at + sizeof name - 1, NULL, 10);
}

static void a_handler_that_blocks_the_loop_is_counted_and_named(void **state)
{
    (void)state;
    long before = slow_turns();
    const char *log = captured_log(block_loop);
    assert_in_range(slow_turns() - before, 1, LONG_MAX);
    assert_non_null(strstr(log, "\"event\":\"loop.slow\""));
    assert_non_null(strstr(log, "\"handler\":\"room.block\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_follows_what_the_loop_says),
        cmocka_unit_test(metrics_hold_the_process_and_the_loop),
        cmocka_unit_test(many_idle_connections_do_not_keep_it_from_answering),
        cmocka_unit_test(a_handler_that_blocks_the_loop_is_counted_and_named),
        cmocka_unit_test(a_stuck_loop_is_neither_alive_nor_ready),
    };
    return cmocka_run_group_tests_name("health", tests, begin, end);
}

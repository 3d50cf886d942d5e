/* test_pg_listen.c - a LISTEN that ends while its server says nothing: its thread is waited for, and not for ever. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <ev.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libshared/base/clock.h"
#include "libshared/db/pg_listen.h"
#include "tests/lib/free_port.h"

static int server, port; /* takes connections, and never answers */
static struct ev_loop *loop;

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = -2; /* . and .. */

    while (readdir(tasks) != NULL) n++;
    closedir(tasks);
    return n;
}

static void on_heard(void *arg, const char *payload)
{
    (void)arg, (void)payload;
    fail_msg("there is nothing to hear");
}

static struct pg_listen *listen_to(const char *options)
{
    char conninfo[200];

    snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d %s", port, options);
    return pg_listen_create(loop, conninfo, "a_channel", on_heard, NULL);
}

static int accept_one(void)
{
    struct pollfd fd = { .fd = server, .events = POLLIN };

    assert_int_equal(poll(&fd, 1, 10000), 1);
    return accept(server, NULL, NULL);
}

static void a_thread_in_the_middle_of_its_connect_is_waited_for(void **state)
{
    struct pg_listen *listen = listen_to("connect_timeout=2");
    int client = accept_one();

    (void)state;
    assert_int_equal(threads(), 2);
    pg_listen_destroy(&listen);
    assert_null(listen);
    assert_int_equal(threads(), 1);
    close(client);
}

static void but_not_for_ever(void **state)
{
    struct pg_listen *listen = listen_to("connect_timeout=0");
    int client = accept_one();

    (void)state;
    pg_listen_destroy(&listen);
    assert_int_equal(threads(), 2);
    close(client); /* it frees what it has left, as the leak checker sees */
    for (int64_t until = clock_mono_us() + 10000000; threads() > 1 && clock_mono_us() < until;) usleep(10000);
    assert_int_equal(threads(), 1);
}

static int begin(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

    (void)state;
    port = free_port();
    address.sin_port = htons((uint16_t)port);
    loop = ev_loop_new(EVFLAG_AUTO);
    server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof address), 0);
    return listen(server, 5);
}

static int end(void **state)
{
    (void)state;
    close(server);
    ev_loop_destroy(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_thread_in_the_middle_of_its_connect_is_waited_for, begin, end),
        cmocka_unit_test_setup_teardown(but_not_for_ever, begin, end),
    };

    return cmocka_run_group_tests_name("pg_listen", tests, NULL, NULL);
}

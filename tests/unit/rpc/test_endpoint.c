/* test_endpoint.c - what may be connected to, and what may not. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/arena.h"
#include "libshared/rpc/endpoint.h"

static void hosts_with_a_port_and_paths_are_taken(void **state)
{
    static const char *const good[] = { "tcp://10.0.0.1:7110", "tcp://gateway-2.example.org:1", "tcp://[::1]:65535",
        "tcp://[2001:db8::7]:7110", "tcp://a_b:80", "ipc://.run/sock/gateway-1", "ipc:///run/madang/sock/gateway" };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!endpoint_is_valid(str_of(good[i]))) fail_msg("%s was refused", good[i]);
}

static void whatever_else_zeromq_takes_is_refused(void **state)
{
    static const char *const bad[] = { "", "tcp", "tcp://", "tcp://:7110", "tcp://host", "tcp://host:", "tcp://host:0",
        "tcp://host:65536", "tcp://host:123456", "tcp://host:7x", "tcp://host:*", "tcp://*:7110", "tcp://host: 7110",
        "tcp://eth0;host:7110", "tcp://ho st:7110", "tcp://host:7110,tcp://other:1", "tcp://host:7110/", "tcp://-h:1",
        "tcp://.h:1", "tcp://[::1:7110", "tcp://[]:7110", "tcp://[::g]:7110", "tcp://::1:7110", "TCP://host:7110",
        "inproc://a", "ws://host:7110", "udp://host:7110", "pgm://eth0;239.192.1.1:5555", "ipc://", "ipc://a b",
        "ipc://\x01", "ipc://\xc3\xa9" };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (endpoint_is_valid(str_of(bad[i]))) fail_msg("%s was taken", bad[i]);
    assert_false(endpoint_is_valid((struct str){ "tcp://h\0st:7110", 15 }));
}

static void it_has_a_bound(void **state)
{
    char text[400];

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "tcp://", 6);
    memcpy(text + 6 + ENDPOINT_HOST_MAX, ":7110", 6);
    assert_true(endpoint_is_valid(str_of(text)));
    text[6 + ENDPOINT_HOST_MAX] = 'a';
    memcpy(text + 7 + ENDPOINT_HOST_MAX, ":7110", 6);
    assert_false(endpoint_is_valid(str_of(text)));
    memcpy(text, "ipc://", 6);
    assert_true(endpoint_is_valid((struct str){ text, 6 + ENDPOINT_PATH_MAX }));
    assert_false(endpoint_is_valid((struct str){ text, 7 + ENDPOINT_PATH_MAX }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_with_a_port_and_paths_are_taken),
        cmocka_unit_test(whatever_else_zeromq_takes_is_refused),
        cmocka_unit_test(it_has_a_bound),
    };

    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}

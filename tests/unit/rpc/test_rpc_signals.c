/* test_rpc_signals.c - signals come at any time, and no call to ZeroMQ ends with them. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rpc/fixture.h"

#include <signal.h>
#include <sys/time.h>

#include "libshared/rpc/rpc_socket.h"

#define EVERY_US 25
#define CALLS    400

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void signal_every(int us)
{
    struct sigaction action = { .sa_handler = on_signal };
    struct itimerval each = { { 0, us }, { 0, us } };

    sigaction(SIGALRM, &action, NULL);
    assert_int_equal(setitimer(ITIMER_REAL, &each, NULL), 0);
}

static enum err echo(struct call *call, const void *req, void *rep)
{
    (void)call;
    *(struct room_ref *)rep = *(const struct room_ref *)req;
    return OK;
}

static const struct rpc_method methods[] = { ROOM_METHOD("echo", LOOP, .run = echo) };

/* Each opens two sockets more than the library has places for at once, so they are few. */
static void a_monitor_is_opened(void **state)
{
    (void)state;
    signal_every(EVERY_US);
    for (int i = 0; i < 150; i++) {
        struct rpc_socket socket = rpc_socket_client(fx.keys, "gateway", "store", 10);
        struct rpc_socket monitor = rpc_socket_monitor(socket.raw, ZMQ_EVENT_ALL);
        assert_int_equal(rpc_socket_connect(socket.raw, fx.endpoint), 0);
        zmq_socket_monitor(socket.raw, NULL, 0);
        rpc_socket_close(&monitor);
        rpc_socket_close(&socket);
    }
    signal_every(0);
    assert_true(signals > 0);
}

static void every_call_is_answered(void **state)
{
    static struct rpc_outcome heard[CALLS];
    struct rpc_server_config config = server_config(methods, COUNT(methods), 0);
    struct rpc_server *server = rpc_server_create(fx.loop, &config);
    struct probe probe;

    (void)state;
    probe_open(&probe, "gateway", CALLS);
    UNTIL(rpc_client_is_up(probe.client));
    for (int round = 0; round < 20; round++) {
        signal_every(EVERY_US);
        for (int i = 0; i < CALLS; i++) {
            probe_ask(&probe, "echo", false, 20000, id_new(), &heard[i]);
            if (i % 7 == 0) ev_run(fx.loop, EVRUN_NOWAIT); /* as many messages as turns, and not one batch */
        }
        UNTIL(rpc_client_pending(probe.client) == 0);
        signal_every(0);
        for (int i = 0; i < CALLS; i++) assert_int_equal(heard[i].status, OK);
    }
    assert_int_equal(probe.downs, 0);
    rpc_client_destroy(&probe.client);
    rpc_server_destroy(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_monitor_is_opened),
        cmocka_unit_test(every_call_is_answered),
    };

    return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}

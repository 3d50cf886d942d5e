/* test_rpc_pipe.c - a peer that does not read is bounded by bytes, in both directions, and nothing of it stays. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rpc/fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "libshared/base/metrics.h"
#include "libshared/rpc/rpc_batch.h"
#include "libshared/rpc/rpc_pipe.h"

#define MESSAGE    100000     /* bytes of a large one */
#define HALF       200        /* so many are well below the bound of a pipe, twice as many above it */
#define ON_THE_WAY (8u << 20) /* of messages in the buffers of the kernel and the reader's own pipe */

static char large[MESSAGE];
static struct rpc_peer *subscriber;
static struct rpc_server *server;

static enum err run_answer(struct call *call, const void *req, void *rep)
{
    subscriber = call->peer;
    *(struct room_ref *)rep = *(const struct room_ref *)req;
    return OK;
}

static const struct rpc_method METHODS[] = { ROOM_METHOD("room.answer", LOOP, .run = run_answer) };

static size_t in_pipes(void)
{
    return (size_t)metric_value(metric_gauge("madang_rpc_pipe_bytes", NULL, "Bytes that peers have not taken yet"));
}

/* --- requests to a server in a process of its own, which can be stopped --- */

static int serve(const char *dir)
{
    snprintf(fx.keys, sizeof fx.keys, "%.60s/keys", dir);
    snprintf(fx.endpoint, sizeof fx.endpoint, "ipc://%.60s/store", dir);
    fx.loop = ev_loop_new(EVFLAG_AUTO);
    log_init("served", LOG_ERROR);
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    rpc_server_create(fx.loop, &config);
    ev_run(fx.loop, 0);
    return 0;
}

static pid_t start_server(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should an assertion end us first */
        execl("/proc/self/exe", "test_rpc_pipe", "serve", fx.dir, (char *)NULL);
        _exit(1);
    }
    assert_true(pid > 0);
    return pid;
}

struct answers {
    int of[ERR_COUNT], all;
};

static void on_answer(void *arg, enum err status, struct str body)
{
    struct answers *answers = arg;
    (void)body;
    answers->of[status]++;
    answers->all++;
}

static void ask_large(struct probe *probe, int n, struct answers *answers)
{
    for (int i = 0; i < n; i++)
        rpc_client_call(probe->client,
            &(struct rpc_request){ .method = "room.answer", .budget_ms = 100, .body = { large, MESSAGE } }, on_answer,
            answers);
}

/* What is past its deadline counts for nobody who waits, and lies in the pipe. */
static void requests_to_a_stopped_service_are_bounded_by_bytes(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome after;
    struct answers first = { 0 }, second = { 0 };
    pid_t pid = start_server();
    probe_open(&probe, "gateway", 10000);
    UNTIL(probe.ups == 1);
    kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);

    ask_large(&probe, HALF, &first);
    UNTIL(first.all == HALF);
    assert_int_equal(first.of[ERR_DEADLINE], HALF);
    ask_large(&probe, HALF, &second);
    UNTIL(second.all == HALF);
    assert_in_range(second.of[ERR_OVERLOADED], HALF / 8, HALF / 2);
    assert_in_range(in_pipes(), RPC_PIPE_BYTES - 2 * MESSAGE, RPC_PIPE_BYTES + 2 * MESSAGE);

    kill(pid, SIGCONT);
    UNTIL(in_pipes() == 0);
    probe_ask(&probe, "room.answer", true, WAIT_MS, id_new(), &after);
    UNTIL(after.order);
    assert_int_equal(after.status, OK);
    assert_int_equal(probe.downs, 0);
    rpc_client_destroy(&probe.client);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void what_was_in_the_pipe_of_a_lost_connection_is_freed(void **state)
{
    (void)state;
    struct probe probe;
    struct answers answers = { 0 };
    pid_t pid = start_server();
    probe_open(&probe, "gateway", 10000);
    UNTIL(probe.ups == 1);
    kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    ask_large(&probe, HALF, &answers);
    assert_true(in_pipes() > HALF / 2 * MESSAGE);
    rpc_client_destroy(&probe.client);
    UNTIL(in_pipes() == 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* --- events and replies to a client that does not read --- */

static void begin_serving(struct probe *probe)
{
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    struct rpc_outcome heard;
    config.event_hwm = 100000;
    server = rpc_server_create(fx.loop, &config);
    probe_open(probe, "gateway", 100000);
    UNTIL(probe->ups == 1);
    probe_ask(probe, "room.answer", true, WAIT_MS, id_new(), &heard);
    UNTIL(heard.order);
}

static struct rpc_event *make_event(int64_t seq)
{
    struct message message = { .room = id_new(), .seq = seq, .id = STR("1"), .sender = STR("alice"), .at = 1 };
    message.body = (struct str){ large, 10000 };
    return rpc_event_create(message.room, seq, "message", message_shape(), &message);
}

static bool send_event(int64_t seq)
{
    struct rpc_event *event = make_event(seq);
    bool sent = rpc_event_send(server, subscriber, event);
    rpc_event_destroy(&event);
    return sent;
}

/* Its loop stands still, and ZeroMQ's threads do not. */
static void let_zeromq_take_what_it_takes(void)
{
    size_t before = SIZE_MAX;
    for (int same = 0; same < 20; same = in_pipes() == before ? same + 1 : 0) {
        before = in_pipes();
        usleep(5000);
    }
}

static void events_that_are_not_read_are_bounded_by_bytes_and_lost_aloud(void **state)
{
    (void)state;
    struct probe probe;
    int64_t seq = 0;
    begin_serving(&probe);
    while (send_event(seq + 1)) assert_true(++seq < 50000); /* nobody reads: this is the client's thread too */
    /* The last batch may go beyond the bound, and the one behind it waits outside. */
    assert_in_range(
        in_pipes(), RPC_PIPE_BYTES - MESSAGE, RPC_PIPE_BYTES + MESSAGE + 2 * (RPC_BATCH_BYTES + RPC_BATCH_EACH));
    let_zeromq_take_what_it_takes();
    assert_in_range(seq * 10000, 0, in_pipes() + ON_THE_WAY);
    UNTIL(probe.resynced);
    assert_int_equal(probe.first_gap, 0);
    assert_int_equal(probe.last_seq, seq);
    UNTIL(in_pipes() == 0);
    assert_true(send_event(seq + 1));
    UNTIL(probe.last_seq == seq + 1);
    rpc_client_destroy(&probe.client);
    rpc_server_destroy(&server);
}

static void each_may_have_what_all_leave_free(void **state)
{
    (void)state;
    struct rpc_pipe *a = rpc_pipe_create(), *b = rpc_pipe_create();
    rpc_pipe_keep(a, RPC_PIPES_BYTES / 2);
    assert_false(rpc_pipe_keeps_too_much(a));
    rpc_pipe_keep(b, RPC_PIPES_BYTES / 3);
    assert_true(rpc_pipe_keeps_too_much(a));
    assert_true(rpc_pipe_keeps_too_much(b));
    assert_true(rpc_pipe_has_room(b)); /* nothing of it is in the pipe yet */
    rpc_pipe_unkeep(a, RPC_PIPES_BYTES / 6);
    assert_false(rpc_pipe_keeps_too_much(a));
    rpc_pipe_leave(&a);
    rpc_pipe_leave(&b);
    assert_int_equal(in_pipes(), 0);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0) return serve(argv[2]);
    memset(large, 'x', sizeof large);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_may_have_what_all_leave_free),
        cmocka_unit_test(what_was_in_the_pipe_of_a_lost_connection_is_freed),
        cmocka_unit_test(requests_to_a_stopped_service_are_bounded_by_bytes),
        cmocka_unit_test(events_that_are_not_read_are_bounded_by_bytes_and_lost_aloud),
    };
    return cmocka_run_group_tests_name("rpc pipe", tests, fixture_begin, fixture_end);
}

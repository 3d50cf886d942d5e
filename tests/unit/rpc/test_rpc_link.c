/* test_rpc_link.c - pipes that break, servers that die, leave or come back, and callers whom nobody knows. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/free_port.h"
#include "libshared/rpc/rpc_socket.h"
#include "libshared/base/metrics.h"
#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/raw.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct rpc_later *held[8];
static int n_held;
static uint32_t counted;
static bool holds;

/* The reply is the number of the call. */
static enum err run_count(struct call *call, const void *req, void *rep)
{
    (void)call, (void)req;
    struct room_ref *ref = rep;
    counted++;
    memcpy(ref->room.b, &counted, sizeof counted);
    return OK;
}

static void begin_hold(struct call *call, const void *req, struct rpc_later *later)
{
    (void)call, (void)req;
    if (!holds) {
        rpc_later_done(later, OK, &(struct room_ref){ id_new() });
        return;
    }
    held[n_held++] = later;
}

/* What a request does that hits a mistake of ours. */
static enum err run_die(struct call *call, const void *req, void *rep)
{
    (void)call, (void)req, (void)rep;
    _exit(1);
}

static const struct rpc_method METHODS[] = {
    ROOM_METHOD("die.loop", LOOP, .run = run_die),
    ROOM_METHOD("count.loop", LOOP, .run = run_count),
    ROOM_METHOD("hold.later", LATER, .begin = begin_hold),
};

static uint32_t number_of(const struct rpc_outcome *heard)
{
    uint32_t n;
    memcpy(&n, heard->room.b, sizeof n);
    return n;
}

/* --- a server in a process of its own, which can be killed --- */

static int serve(const char *dir, bool hold)
{
    snprintf(fx.keys, sizeof fx.keys, "%.60s/keys", dir);
    snprintf(fx.endpoint, sizeof fx.endpoint, "ipc://%.60s/store", dir);
    fx.loop = ev_loop_new(EVFLAG_AUTO);
    log_init("served", LOG_ERROR);
    holds = hold;
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    rpc_server_create(fx.loop, &config);
    ev_run(fx.loop, 0);
    return 0;
}

static pid_t start_server(bool hold)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should an assertion end us first */
        execl("/proc/self/exe", "test_rpc_link", "serve", fx.dir, hold ? "hold" : "answer", (char *)NULL);
        _exit(1);
    }
    assert_true(pid > 0);
    return pid;
}

static void kill_server(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int begin(void **state)
{
    (void)state;
    n_held = heard_order = 0;
    counted = 0;
    holds = true;
    return 0;
}

static void safe_requests_wait_for_the_server_in_their_order_and_others_do_not(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome safe[5], once, brief;
    probe_open(&probe, "gateway", 20);
    for (int i = 0; i < 5; i++) probe_ask(&probe, "count.loop", true, WAIT_MS, id_new(), &safe[i]);
    probe_ask(&probe, "count.loop", false, WAIT_MS, id_new(), &once);
    probe_ask(&probe, "count.loop", true, 100, id_new(), &brief);
    UNTIL(once.order && brief.order);
    assert_int_equal(once.status, ERR_UNAVAILABLE);
    assert_int_equal(brief.status, ERR_DEADLINE);

    pid_t pid = start_server(false);
    UNTIL(heard_order == 7);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(safe[i].status, OK);
        assert_int_equal(number_of(&safe[i]), i + 1);
    }
    rpc_client_destroy(&probe.client);
    kill_server(pid);
}

static void when_the_server_is_killed_safe_requests_go_to_the_next_and_others_fail(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome safe, once;
    pid_t pid = start_server(true);
    probe_open(&probe, "gateway", 20);
    UNTIL(probe.ups == 1);
    struct id first = probe.instance;
    probe_ask(&probe, "hold.later", true, WAIT_MS, id_new(), &safe);
    probe_ask(&probe, "hold.later", false, WAIT_MS, id_new(), &once);
    turn_for(30);
    kill_server(pid);
    UNTIL(once.order && probe.downs == 1);
    assert_int_equal(probe.tolds, 0);
    assert_int_equal(once.status, ERR_UNAVAILABLE);
    assert_int_equal(safe.order, 0);

    pid = start_server(false);
    UNTIL(safe.order);
    assert_int_equal(safe.status, OK);
    assert_int_equal(probe.ups, 2);
    assert_false(id_eq(first, probe.instance));
    rpc_client_destroy(&probe.client);
    kill_server(pid);
}

static void wait_for_death(pid_t pid)
{
    int status;
    pid_t dead = 0;
    UNTIL(dead == pid || (dead = waitpid(pid, &status, WNOHANG)) == pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void a_request_that_its_servers_die_of_is_sent_twice_and_no_more(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome deadly, next;
    pid_t pid = start_server(false);
    probe_open(&probe, "gateway", 20);
    UNTIL(probe.ups == 1);
    probe_ask(&probe, "die.loop", true, WAIT_MS, id_new(), &deadly);
    wait_for_death(pid);
    assert_int_equal(deadly.order, 0);
    pid = start_server(false);
    wait_for_death(pid);
    UNTIL(deadly.order);
    assert_int_equal(deadly.status, ERR_UNAVAILABLE);

    pid = start_server(false);
    probe_ask(&probe, "count.loop", true, WAIT_MS, id_new(), &next);
    UNTIL(next.order);
    assert_int_equal(next.status, OK);
    assert_int_equal(probe.ups, 3);
    rpc_client_destroy(&probe.client);
    kill_server(pid);
}

static void a_head_out_of_its_bounds_is_refused(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome heard = { .order = 0 };
    char bytes[64], name[129 * 4 + 1];
    pid_t pid = start_server(false);
    probe_open(&probe, "gateway", 20);
    UNTIL(probe.ups == 1);
    memset(name, 'x', sizeof name);
    struct principal who = { .sub = { name, 129 } };
    rpc_client_call(probe.client,
        &(struct rpc_request){ .method = "count.loop",
            .safe = true,
            .budget_ms = WAIT_MS,
            .who = &who,
            .body = room_bytes(id_new(), bytes) },
        on_heard, &heard);
    UNTIL(heard.order);
    assert_int_equal(heard.status, ERR_TOO_LARGE);
    rpc_client_destroy(&probe.client);
    kill_server(pid);
}

static void destroying_a_client_ends_what_is_pending(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome a;
    probe_open(&probe, "gateway", 20);
    probe_ask(&probe, "count.loop", true, WAIT_MS, id_new(), &a);
    rpc_client_destroy(&probe.client);
    assert_int_equal(a.status, ERR_SHUTTING_DOWN);
}

static bool drained;

static void on_drained(void *arg)
{
    (void)arg;
    drained = true;
}

static void a_draining_server_finishes_and_the_next_takes_what_it_refused(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome begun, refused;
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 1);
    struct rpc_server *server = rpc_server_create(fx.loop, &config);
    probe_open(&probe, "gateway", 20);
    UNTIL(probe.ups == 1);
    probe_ask(&probe, "hold.later", false, WAIT_MS, id_new(), &begun);
    UNTIL(n_held == 1);
    drained = false;
    rpc_server_leave(server);
    rpc_server_drain(server, on_drained, NULL);
    probe_ask(&probe, "count.loop", false, WAIT_MS, id_new(), &refused);
    turn_for(200);
    assert_false(drained);
    assert_int_equal(refused.order, 0);
    rpc_later_done(held[0], OK, &(struct room_ref){ id_new() });
    UNTIL(drained && begun.order);
    assert_int_equal(begun.status, OK);

    rpc_server_destroy(&server);
    server = rpc_server_create(fx.loop, &config);
    UNTIL(refused.order);
    assert_int_equal(refused.status, OK);
    assert_int_equal(counted, 1);
    assert_int_equal(probe.downs, 1);
    assert_int_equal(probe.tolds, 1);
    rpc_client_destroy(&probe.client);
    rpc_server_destroy(&server);
}

static void send_garbage(const char *bytes, size_t len, int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_true(write(fd, bytes, len) == (ssize_t)len);
    turn_for(10);
    close(fd);
}

/* A greeting of ZMTP 3 that speaks CURVE, then a command that announces so many bytes. */
static bool is_hung_up_on(uint64_t announced, int port)
{
    unsigned char bytes[64 + 9] = { 0xff, [9] = 0x7f, [10] = 3, [12] = 'C', 'U', 'R', 'V', 'E' };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
    bytes[64] = 6; /* a command with a long size */
    for (int i = 0; i < 8; i++) bytes[65 + i] = (unsigned char)(announced >> (56 - 8 * i));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);

    ssize_t got = 1;
    struct timeval patience = { .tv_sec = 2 }; /* less than what a handshake may take */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (got > 0) got = read(fd, bytes, sizeof bytes);
    bool over = got == 0 || errno == ECONNRESET;
    close(fd);
    return over;
}

static void what_a_stranger_announces_is_bounded_before_it_has_shown_a_key(void **state)
{
    (void)state;
    char endpoints[200];
    int port = free_port();
    snprintf(endpoints, sizeof endpoints, "%s,tcp://127.0.0.1:%d", fx.endpoint, port);
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    config.endpoints = endpoints;
    struct rpc_server *server = rpc_server_create(fx.loop, &config);
    assert_true(is_hung_up_on(RPC_BODY_MAX + 1, port));
    assert_true(is_hung_up_on(UINT64_MAX, port));
    assert_false(is_hung_up_on(100, port)); /* which it waits for */
    rpc_server_destroy(&server);
}

static void strangers_and_garbage_get_nothing_and_do_no_harm(void **state)
{
    (void)state;
    struct probe probe, stranger;
    struct rpc_outcome a, b;
    char endpoints[200], noise[4096];
    int port = free_port();
    snprintf(endpoints, sizeof endpoints, "%s,tcp://127.0.0.1:%d", fx.endpoint, port);
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    config.endpoints = endpoints;
    struct rpc_server *server = rpc_server_create(fx.loop, &config);
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)(i * 2654435761u >> 7);
    send_garbage(noise, sizeof noise, port);
    send_garbage("GET / HTTP/1.1\r\n\r\n", 18, port);
    send_garbage("\xff\0\0\0\0\0\0\0\x01\x7f\3\0NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 34, port);
    probe_open(&stranger, "stranger", 20);
    probe_ask(&stranger, "count.loop", true, 500, id_new(), &a);
    probe_open(&probe, "gateway", 20);
    probe_ask(&probe, "count.loop", true, WAIT_MS, id_new(), &b);
    UNTIL(a.order && b.order);
    assert_int_equal(a.status, ERR_DEADLINE);
    assert_int_equal(stranger.ups, 0);
    assert_int_equal(b.status, OK);
    assert_int_equal(counted, 1);
    rpc_client_destroy(&stranger.client);
    rpc_client_destroy(&probe.client);
    rpc_server_destroy(&server);
}

/* Between us and the C library, and ZeroMQ and it: "slow.test", once its name server answers, is `named`. */
static atomic_bool name_server_answers;
static _Atomic(const char *) named;
static atomic_int names_asked;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (host == NULL || strcmp(host, "slow.test") != 0) return real(host, service, hints, out);
    atomic_fetch_add(&names_asked, 1);
    while (!atomic_load(&name_server_answers)) usleep(1000);
    return real(atomic_load(&named), service, hints, out);
}

static void probe_named(struct probe *probe, int port)
{
    static char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://slow.test:%d", port);
    memset(probe, 0, sizeof *probe);
    struct rpc_client_config config = {
        .self = "gateway",
        .service = "store",
        .endpoint = endpoint,
        .key_dir = fx.keys,
        .pending_max = 20,
        .up = on_up,
        .arg = probe,
    };
    probe->client = rpc_client_create(fx.loop, &config);
}

static void a_name_server_that_does_not_answer_holds_up_no_other_pipe(void **state)
{
    (void)state;
    struct probe slow, other;
    struct rpc_outcome heard;
    char endpoints[200];
    int port = free_port();
    snprintf(endpoints, sizeof endpoints, "%s,tcp://127.0.0.1:%d", fx.endpoint, port);
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    config.endpoints = endpoints;
    struct rpc_server *server = rpc_server_create(fx.loop, &config);
    atomic_store(&name_server_answers, false);
    atomic_store(&named, "127.0.0.1");
    probe_named(&slow, port);
    UNTIL(atomic_load(&names_asked) > 0);
    probe_open(&other, "gateway", 20);
    probe_ask(&other, "count.loop", true, WAIT_MS, id_new(), &heard);
    UNTIL(heard.order);
    assert_int_equal(heard.status, OK);
    assert_int_equal(slow.ups, 0);
    atomic_store(&name_server_answers, true);
    UNTIL(slow.ups == 1);
    rpc_client_destroy(&slow.client);
    rpc_client_destroy(&other.client);
    rpc_server_destroy(&server);
}

static void a_name_that_gets_another_address_is_followed(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome heard;
    char endpoint[64];
    int port = free_port();
    atomic_store(&name_server_answers, true);
    atomic_store(&named, "127.0.0.1");
    probe_named(&probe, port);
    probe_ask(&probe, "count.loop", true, WAIT_MS, id_new(), &heard);
    turn_for(50);
    assert_int_equal(probe.ups, 0);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.2:%d", port);
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    config.endpoints = endpoint;
    struct rpc_server *server = rpc_server_create(fx.loop, &config);
    atomic_store(&named, "127.0.0.2");
    UNTIL(heard.order);
    assert_int_equal(heard.status, OK);
    rpc_client_destroy(&probe.client);
    rpc_server_destroy(&server);
}

/* --- a client of ours that breaks the rules --- */

static int receive_raw(void *raw, struct arena *arena, struct frame_head *head)
{
    static char bytes[1000];
    int len = zmq_recv(raw, bytes, sizeof bytes, ZMQ_DONTWAIT);
    if (len < 0) return 0;
    assert_int_equal(frame_read((struct str){ bytes, (size_t)len }, arena, head), OK);
    zmq_recv(raw, bytes + 500, 500, 0);
    return 1;
}

static void whoever_does_not_greet_is_sent_away_and_nonsense_is_dropped(void **state)
{
    (void)state;
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    struct rpc_server *server = rpc_server_create(fx.loop, &config);
    struct arena *arena = arena_create("test", 1u << 20);
    struct buf head = BUF(1000);
    struct frame_head reply;
    int got;
    void *context = zmq_ctx_new(), *raw = open_raw(context, UNREAD_USUAL);

    zmq_send(raw, "one part", 8, 0);
    send_raw(raw, STR("\xc1\xc1\xc1"), "\x80");
    zmq_send(raw, "a", 1, ZMQ_SNDMORE);
    zmq_send(raw, "b", 1, ZMQ_SNDMORE);
    zmq_send(raw, "c", 1, 0);
    frame_put_request(&head, &(struct frame_request){ .id = 1, .method = STR("count.loop"), .budget_ms = 1000 });
    send_raw(raw, buf_str(&head), "\x80");
    got = 0;
    UNTIL(got || (got = receive_raw(raw, arena, &reply)));
    assert_int_equal(reply.kind, FRAME_EVENT);
    assert_true(str_is(reply.event.name, "goodbye"));
    assert_int_equal(counted, 0);

    buf_clear(&head);
    frame_put_request(&head, &(struct frame_request){ .id = 2, .method = STR("hello"), .budget_ms = 1000 });
    send_raw(raw, buf_str(&head), "\x80");
    got = 0;
    UNTIL(got || (got = receive_raw(raw, arena, &reply)));
    assert_int_equal(reply.kind, FRAME_REPLY);
    assert_int_equal(reply.reply.status, OK);

    zmq_close(raw);
    zmq_ctx_term(context);
    buf_free(&head);
    arena_destroy(&arena);
    rpc_server_destroy(&server);
}

static int64_t count_malformed(const char *peer)
{
    char labels[64];
    snprintf(labels, sizeof labels, "peer=\"%s\"", peer);
    return metric_value(metric_counter("madang_rpc_malformed_total", labels, "Messages from peers that made no sense"));
}

static void send_parts(void *raw, int n)
{
    for (int i = 0; i < n; i++) zmq_send(raw, "part", 4, i + 1 < n ? ZMQ_SNDMORE : 0);
}

static void a_message_of_wrong_parts_takes_nothing_from_another_peer(void **state)
{
    (void)state;
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    struct rpc_server *server = rpc_server_create(fx.loop, &config);
    struct probe probe;
    struct rpc_outcome heard[20];
    int64_t before = count_malformed("gateway");
    void *context = zmq_ctx_new(), *raw = open_raw(context, UNREAD_USUAL);
    probe_open(&probe, "operator", 40);
    UNTIL(probe.ups == 1);

    for (int i = 0; i < 20; i++) {
        send_parts(raw, i % 4 == 1 ? 1 : i % 4 + 1); /* two would be a whole message */
        probe_ask(&probe, "count.loop", false, WAIT_MS, id_new(), &heard[i]);
        rpc_client_flush(probe.client);
        usleep(5000); /* both lie in the server's socket when its loop turns */
        UNTIL(heard[i].order && count_malformed("gateway") == before + i + 1);
        assert_int_equal(heard[i].status, OK);
    }
    assert_int_equal(counted, 20);

    zmq_close(raw);
    zmq_ctx_term(context);
    rpc_client_destroy(&probe.client);
    rpc_server_destroy(&server);
}

static void a_shell_command_asks_and_waits(void **state)
{
    (void)state;
    pid_t pid = start_server(false);
    struct arena *arena = arena_create("test", 1u << 20);
    struct rpc_client_config config = {
        .self = "gateway", .service = "store", .endpoint = fx.endpoint, .key_dir = fx.keys
    };
    struct str out;
    char bytes[64];
    struct rpc_request request = { .method = "count.loop", .budget_ms = WAIT_MS, .body = room_bytes(id_new(), bytes) };
    assert_int_equal(rpc_client_ask(&config, &request, arena, &out), OK);
    assert_true(out.len > 16);
    request.method = "count.nothing";
    assert_int_equal(rpc_client_ask(&config, &request, arena, &out), ERR_NO_METHOD);
    kill_server(pid);
    request.budget_ms = 200;
    assert_int_equal(rpc_client_ask(&config, &request, arena, &out), ERR_UNAVAILABLE);
    arena_destroy(&arena);
}

#define CASE(f) cmocka_unit_test_setup(f, begin)

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "serve") == 0) return serve(argv[2], strcmp(argv[3], "hold") == 0);
    const struct CMUnitTest tests[] = {
        CASE(safe_requests_wait_for_the_server_in_their_order_and_others_do_not),
        CASE(when_the_server_is_killed_safe_requests_go_to_the_next_and_others_fail),
        CASE(a_request_that_its_servers_die_of_is_sent_twice_and_no_more),
        CASE(a_head_out_of_its_bounds_is_refused),
        CASE(destroying_a_client_ends_what_is_pending),
        CASE(a_draining_server_finishes_and_the_next_takes_what_it_refused),
        CASE(what_a_stranger_announces_is_bounded_before_it_has_shown_a_key),
        CASE(strangers_and_garbage_get_nothing_and_do_no_harm),
        CASE(whoever_does_not_greet_is_sent_away_and_nonsense_is_dropped),
        CASE(a_message_of_wrong_parts_takes_nothing_from_another_peer),
        CASE(a_name_server_that_does_not_answer_holds_up_no_other_pipe),
        CASE(a_name_that_gets_another_address_is_followed),
        CASE(a_shell_command_asks_and_waits),
    };
    return cmocka_run_group_tests_name("rpc link", tests, fixture_begin, fixture_end);
}

/* test_rpc_calls.c - what a call may meet: an answer, a refusal, a full queue, a deadline. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rpc/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static struct rpc_later *held[8];
static int n_held, after_runs, after_order[8];
static atomic_int running, gate_open, steps;
static char seen_who[40], seen_peer[40];
static atomic_bool must_fail;

static enum err run_echo(struct call *call, const void *req, void *rep)
{
    if (call->peer != NULL) /* on the loop: only there may it note */
        snprintf(seen_who, sizeof seen_who, "%.*s", STR_ARG(call->who->sub));
    if (call->peer != NULL) snprintf(seen_peer, sizeof seen_peer, "%.*s", STR_ARG(call->peer_name));
    ((struct room_ref *)rep)->room = ((const struct room_ref *)req)->room;
    return OK;
}

static enum err run_fail(struct call *call, const void *req, void *rep)
{
    (void)req, (void)rep;
    return call_fail(call, ERR_CONFLICT, "room: it is %s", "taken");
}

static enum err run_wait(struct call *call, const void *req, void *rep)
{
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&gate_open)) usleep(1000);
    return run_echo(call, req, rep);
}

/* One that takes a token, which the test gives. */
static enum err run_step(struct call *call, const void *req, void *rep)
{
    atomic_fetch_add(&running, 1);
    while (atomic_fetch_sub(&steps, 1) <= 0) {
        atomic_fetch_add(&steps, 1);
        usleep(1000);
    }
    return run_echo(call, req, rep);
}

static void note_after(struct rpc_server *server, void *context, void *arg)
{
    assert_non_null(server);
    assert_ptr_equal(context, &after_runs);
    after_order[after_runs++] = *(int *)arg;
}

static enum err run_after(struct call *call, const void *req, void *rep)
{
    for (int i = 1; i <= 2; i++) call_after(call, note_after, arena_copy(call->arena, &i, sizeof i));
    enum err e = run_echo(call, req, rep);
    return atomic_load(&must_fail) ? ERR_CONFLICT : e;
}

static enum err run_greedy(struct call *call, const void *req, void *rep)
{
    memset(arena_alloc(call->arena, 2u << 20), 'x', 2u << 20);
    call_after(call, note_after, arena_copy(call->arena, &(int){ 1 }, sizeof(int)));
    return run_echo(call, req, rep);
}

static void begin_hold(struct call *call, const void *req, struct rpc_later *later)
{
    (void)call, (void)req;
    held[n_held++] = later;
}

/* --- a method of three steps: what each of them was, and where --- */

static char stepped[8];
static pthread_t step_threads[8], loop_thread;
static enum err step_fails;

static enum err note_step(void *arg, char step)
{
    size_t n = strlen(stepped);

    step_threads[n] = pthread_self();
    stepped[n] = step;
    return step == 'b' ? *(enum err *)arg : OK;
}

static enum err step_a(struct pg *pg, struct arena *at, void *arg)
{
    assert_null(pg); /* this server has no database */
    assert_non_null(arena_alloc(at, 100));
    return note_step(arg, 'a');
}

static enum err step_b(struct pg *pg, struct arena *at, void *arg)
{
    (void)pg, (void)at;
    return note_step(arg, 'b');
}

static enum err step_c(struct pg *pg, struct arena *at, void *arg)
{
    (void)pg, (void)at;
    return note_step(arg, 'c');
}

static void end_steps(void *arg, enum err e)
{
    struct rpc_later *later = held[--n_held];

    assert_true(pthread_equal(pthread_self(), loop_thread));
    step_fails = e;
    rpc_later_done(later, e, &(struct room_ref){ .room = id_new() });
    (void)arg;
}

static void begin_steps(struct call *call, const void *req, struct rpc_later *later)
{
    static const struct rpc_step list[] = { { WORKER, step_a }, { BLOCKING, step_b }, { WORKER, step_c }, { 0 } };

    (void)call, (void)req;
    held[n_held++] = later;
    rpc_later_steps(later, list, end_steps, &step_fails);
}

static const struct rpc_method METHODS[] = {
    ROOM_METHOD("steps.later", LATER, .begin = begin_steps),
    ROOM_METHOD("echo.loop", LOOP, .run = run_echo),
    ROOM_METHOD("echo.worker", WORKER, .run = run_echo),
    ROOM_METHOD("echo.blocking", BLOCKING, .run = run_echo),
    ROOM_METHOD("wait.blocking", BLOCKING, .run = run_wait),
    ROOM_METHOD("fail.loop", LOOP, .run = run_fail),
    ROOM_METHOD("fail.worker", WORKER, .run = run_fail),
    ROOM_METHOD("wait.worker", WORKER, .run = run_wait),
    ROOM_METHOD("step.worker", WORKER, .run = run_step),
    ROOM_METHOD("after.worker", WORKER, .run = run_after),
    ROOM_METHOD("hold.later", LATER, .begin = begin_hold),
    ROOM_METHOD("greedy.worker", WORKER, .run = run_greedy),
};

static struct rpc_server *server;
static struct probe gateway;

static int begin(void **state)
{
    (void)state;
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 2);
    config.context = &after_runs;
    config.blocking = 2;
    loop_thread = pthread_self();
    server = rpc_server_create(fx.loop, &config);
    n_held = after_runs = heard_order = 0;
    atomic_store(&gate_open, 0);
    atomic_store(&steps, 0);
    atomic_store(&running, 0);
    atomic_store(&must_fail, false);
    probe_open(&gateway, "gateway", 20);
    UNTIL(rpc_client_is_up(gateway.client));
    return 0;
}

static int end(void **state)
{
    (void)state;
    atomic_store(&gate_open, 1);
    rpc_client_destroy(&gateway.client);
    rpc_server_destroy(&server);
    return 0;
}

static void a_call_is_answered_on_the_loop_and_on_a_worker(void **state)
{
    (void)state;
    struct rpc_outcome a, b;
    struct id one = id_new(), two = id_new();
    probe_ask(&gateway, "echo.loop", false, WAIT_MS, one, &a);
    probe_ask(&gateway, "echo.worker", false, WAIT_MS, two, &b);
    UNTIL(a.order && b.order);
    assert_int_equal(a.status, OK);
    assert_true(id_eq(a.room, one));
    assert_int_equal(b.status, OK);
    assert_true(id_eq(b.room, two));
    assert_string_equal(seen_who, "alice");
    assert_string_equal(seen_peer, "gateway");
}

static void a_failure_says_why_and_which_field(void **state)
{
    (void)state;
    struct rpc_outcome a, b;
    probe_ask(&gateway, "fail.loop", false, WAIT_MS, id_new(), &a);
    probe_ask(&gateway, "fail.worker", false, WAIT_MS, id_new(), &b);
    UNTIL(a.order && b.order);
    assert_int_equal(a.status, ERR_CONFLICT);
    assert_string_equal(a.code, "conflict");
    assert_string_equal(a.message, "room: it is taken");
    assert_int_equal(b.status, ERR_CONFLICT);
}

static void an_unknown_method_is_no_method(void **state)
{
    (void)state;
    struct rpc_outcome a;
    probe_ask(&gateway, "echo.nowhere", false, WAIT_MS, id_new(), &a);
    UNTIL(a.order);
    assert_int_equal(a.status, ERR_NO_METHOD);
}

static void a_body_of_another_shape_is_refused(void **state)
{
    (void)state;
    struct rpc_outcome a = { 0 }, b = { 0 };
    rpc_client_call(gateway.client,
        &(struct rpc_request){ .method = "echo.loop", .budget_ms = WAIT_MS, .body = STR("\x80") }, on_heard, &a);
    rpc_client_call(gateway.client,
        &(struct rpc_request){ .method = "echo.worker", .budget_ms = WAIT_MS, .body = STR("\xc1") }, on_heard, &b);
    UNTIL(a.order && b.order);
    assert_int_equal(a.status, ERR_INVALID_ARGUMENT);
    assert_int_equal(b.status, ERR_MALFORMED);
}

static void a_peer_may_call_only_what_names_it_and_the_operator_all(void **state)
{
    (void)state;
    struct probe chat, operator;
    struct rpc_outcome a, b;
    probe_open(&chat, "chat", 20);
    probe_open(&operator, "operator", 20);
    UNTIL(rpc_client_is_up(chat.client) && rpc_client_is_up(operator.client));
    probe_ask(&chat, "echo.loop", false, WAIT_MS, id_new(), &a);
    probe_ask(&operator, "echo.loop", false, WAIT_MS, id_new(), &b);
    UNTIL(a.order && b.order);
    assert_int_equal(a.status, ERR_FORBIDDEN);
    assert_int_equal(b.status, OK);
    rpc_client_destroy(&chat.client);
    rpc_client_destroy(&operator.client);
}

static void nobody_waits_beyond_the_deadline(void **state)
{
    (void)state;
    struct rpc_outcome a;
    int64_t began_us = clock_mono_us();
    probe_ask(&gateway, "hold.later", false, 200, id_new(), &a);
    UNTIL(a.order && n_held == 1);
    assert_int_equal(a.status, ERR_DEADLINE);
    assert_true(clock_mono_us() - began_us >= 200000);
    assert_int_equal(rpc_client_pending(gateway.client), 0);
    rpc_later_done(held[0], OK, &(struct room_ref){ id_new() }); /* too late, and harmless */
    turn_for(20);
}

static void work_past_its_deadline_is_not_done(void **state)
{
    (void)state;
    struct rpc_outcome a, b, c, behind;
    probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &a);
    probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &b);
    UNTIL(atomic_load(&running) == 2);
    probe_ask(&gateway, "wait.worker", false, 50, id_new(), &c);
    probe_ask(&gateway, "echo.loop", false, WAIT_MS, id_new(), &behind);
    UNTIL(c.order && behind.order);
    turn_for(60); /* the server counts from when it read the request, which was later */
    atomic_store(&gate_open, 1);
    UNTIL(a.order && b.order);
    turn_for(20);
    assert_int_equal(c.status, ERR_DEADLINE);
    assert_int_equal(atomic_load(&running), 2); /* it never ran */
}

static void a_full_worker_queue_is_overloaded_at_once(void **state)
{
    (void)state;
    struct rpc_outcome some[7];
    for (int i = 0; i < 2; i++) probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &some[i]);
    UNTIL(atomic_load(&running) == 2);
    for (int i = 2; i < 7; i++) /* the queue takes four */
        probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &some[i]);
    UNTIL(some[6].order);
    assert_int_equal(some[6].status, ERR_OVERLOADED);
    assert_true(some[6].retry_after_ms > 0);
    assert_int_equal(heard_order, 1);
    atomic_store(&gate_open, 1);
    UNTIL(heard_order == 7);
    for (int i = 0; i < 6; i++) assert_int_equal(some[i].status, OK);
}

/* Both threads of one pool are taken: the other goes on. */
static void workers_and_blocking_threads_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct rpc_outcome slow[4], quick;
    for (int i = 0; i < 2; i++) probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &slow[i]);
    UNTIL(atomic_load(&running) == 2);
    probe_ask(&gateway, "echo.blocking", false, WAIT_MS, id_new(), &quick);
    UNTIL(quick.order);
    assert_int_equal(quick.status, OK);
    atomic_store(&gate_open, 1);
    UNTIL(slow[0].order && slow[1].order);
    atomic_store(&gate_open, 0);
    for (int i = 2; i < 4; i++) probe_ask(&gateway, "wait.blocking", false, WAIT_MS, id_new(), &slow[i]);
    UNTIL(atomic_load(&running) == 4);
    probe_ask(&gateway, "echo.worker", false, WAIT_MS, id_new(), &quick);
    UNTIL(quick.order);
    assert_int_equal(quick.status, OK);
    atomic_store(&gate_open, 1);
    UNTIL(slow[2].order && slow[3].order);
}

static void a_full_blocking_queue_is_overloaded_at_once(void **state)
{
    (void)state;
    struct rpc_outcome some[7];
    for (int i = 0; i < 2; i++) probe_ask(&gateway, "wait.blocking", false, WAIT_MS, id_new(), &some[i]);
    UNTIL(atomic_load(&running) == 2);
    for (int i = 2; i < 7; i++) probe_ask(&gateway, "wait.blocking", false, WAIT_MS, id_new(), &some[i]);
    UNTIL(some[6].order);
    assert_int_equal(some[6].status, ERR_OVERLOADED);
    assert_int_equal(heard_order, 1);
    atomic_store(&gate_open, 1);
    UNTIL(heard_order == 7);
    for (int i = 0; i < 6; i++) assert_int_equal(some[i].status, OK);
}

static void whoever_has_too_much_waiting_is_overloaded_alone(void **state)
{
    (void)state;
    struct rpc_outcome hers[7], his;
    for (int i = 0; i < 2; i++) probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &hers[i]);
    UNTIL(atomic_load(&running) == 2);
    for (int i = 2; i < 7; i++) probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &hers[i]);
    UNTIL(hers[6].order);
    assert_int_equal(hers[6].status, ERR_OVERLOADED);
    probe_ask_as(&gateway, "bo", "wait.worker", false, WAIT_MS, id_new(), &his);
    turn_for(20);
    assert_int_equal(his.order, 0);
    atomic_store(&gate_open, 1);
    UNTIL(heard_order == 8);
    assert_int_equal(his.status, OK);
}

/* Who has no name is an address, and a host has 2^64 of IPv6. */
static void all_addresses_of_a_host_are_one_of_those_who_wait(void **state)
{
    (void)state;
    struct rpc_outcome hold[2], hers[5], his;
    for (int i = 0; i < 2; i++) probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &hold[i]);
    UNTIL(atomic_load(&running) == 2);
    for (int i = 0; i < 5; i++) {
        char address[32];
        snprintf(address, sizeof address, "2001:db8::%d", i + 1);
        struct principal who = { .kind = STR("anonymous"), .address = str_of(address) };
        probe_ask_for(&gateway, &who, "wait.worker", false, WAIT_MS, id_new(), &hers[i]);
    }
    struct principal neighbour = { .kind = STR("anonymous"), .address = STR("2001:db8:0:1::1") };
    probe_ask_for(&gateway, &neighbour, "wait.worker", false, WAIT_MS, id_new(), &his);
    UNTIL(hers[4].order);
    assert_int_equal(hers[4].status, ERR_OVERLOADED);
    atomic_store(&gate_open, 1);
    UNTIL(heard_order == 8);
    assert_int_equal(his.status, OK);
}

/* Both workers are on slow reads of hers, and more of them wait than a client may ask in a while. */
static void one_read_waits_for_one_slow_read_of_another_and_not_for_all(void **state)
{
    (void)state;
    struct rpc_outcome hers[6], his;
    for (int i = 0; i < 2; i++) probe_ask(&gateway, "step.worker", false, WAIT_MS, id_new(), &hers[i]);
    UNTIL(atomic_load(&running) == 2);
    for (int i = 2; i < 6; i++) probe_ask(&gateway, "step.worker", false, WAIT_MS, id_new(), &hers[i]);
    probe_ask_as(&gateway, "bo", "echo.worker", false, WAIT_MS, id_new(), &his);
    turn_for(50);
    assert_int_equal(his.order, 0);
    atomic_store(&steps, 1);
    UNTIL(his.order);
    assert_int_equal(his.order, 2); /* behind the one that was let go, or beside it */
    atomic_store(&steps, 100);
    UNTIL(heard_order == 7);
    for (int i = 2; i < 6; i++) assert_true(hers[i].order > hers[1].order || hers[i].order > hers[0].order);
}

static void the_full_queue_takes_from_who_has_most(void **state)
{
    (void)state;
    static const char *const many[] = { "ada", "bo", "cy", "di" };
    struct rpc_outcome hold[2], some[4][4], last;
    for (int i = 0; i < 2; i++) probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &hold[i]);
    UNTIL(atomic_load(&running) == 2);
    for (size_t who = 0; who < 4; who++)
        for (int i = 0; i < 4; i++)
            probe_ask_as(&gateway, many[who], "wait.worker", false, WAIT_MS, id_new(), &some[who][i]);
    probe_ask_as(&gateway, "eve", "wait.worker", false, WAIT_MS, id_new(), &last);
    UNTIL(heard_order == 1); /* the newest of one of them, and not hers */
    assert_int_equal(last.order, 0);
    int refused = 0;
    for (size_t who = 0; who < 4; who++) refused += some[who][3].status == ERR_OVERLOADED && some[who][3].order == 1;
    assert_int_equal(refused, 1);
    atomic_store(&gate_open, 1);
    UNTIL(heard_order == 2 + 16 + 1);
    assert_int_equal(last.status, OK);
}

static void too_many_later_requests_are_overloaded(void **state)
{
    (void)state;
    struct rpc_outcome some[4];
    for (int i = 0; i < 4; i++) probe_ask(&gateway, "hold.later", false, WAIT_MS, id_new(), &some[i]);
    UNTIL(some[3].order);
    assert_int_equal(some[3].status, ERR_OVERLOADED);
    assert_int_equal(n_held, 3);
    struct id room = id_new();
    rpc_later_done(held[2], OK, &(struct room_ref){ room });
    rpc_later_done(held[0], ERR_NOT_FOUND, NULL);
    call_fail(rpc_later_call(held[1]), ERR_CONFLICT, "no");
    rpc_later_done(held[1], ERR_CONFLICT, NULL);
    UNTIL(heard_order == 4);
    assert_true(id_eq(some[2].room, room));
    assert_int_equal(some[0].status, ERR_NOT_FOUND);
    assert_string_equal(some[1].message, "no");
    assert_int_equal(some[2].order, 2); /* in the order of the answers */
}

static void over_pending_max_the_client_itself_is_overloaded(void **state)
{
    (void)state;
    struct rpc_outcome some[21];
    for (int i = 0; i < 21; i++) probe_ask(&gateway, "echo.loop", false, WAIT_MS, id_new(), &some[i]);
    UNTIL(heard_order == 21);
    assert_int_equal(some[20].status, ERR_OVERLOADED);
    assert_int_equal(some[19].status, OK);
}

static void what_runs_after_the_commit_runs_before_the_reply_and_not_after_a_failure(void **state)
{
    (void)state;
    struct rpc_outcome a, b;
    probe_ask(&gateway, "after.worker", false, WAIT_MS, id_new(), &a);
    while (!a.order) {
        if (after_runs == 0) assert_int_equal(a.order, 0);
        turn_for(1);
    }
    assert_int_equal(after_runs, 2);
    assert_int_equal(after_order[0], 1);
    assert_int_equal(after_order[1], 2);
    atomic_store(&must_fail, true);
    probe_ask(&gateway, "after.worker", false, WAIT_MS, id_new(), &b);
    UNTIL(b.order);
    assert_int_equal(b.status, ERR_CONFLICT);
    assert_int_equal(after_runs, 2);
}

static int works_done;
static enum err works_status;

static enum err do_work(struct pg *pg, struct arena *arena, void *arg)
{
    assert_null(pg); /* this server has no database */
    assert_non_null(arena_alloc(arena, 100));
    return *(enum err *)arg;
}

static void work_done(void *arg, enum err e)
{
    (void)arg;
    works_done++;
    works_status = e;
}

static void work_for_a_worker_comes_back_to_the_loop(void **state)
{
    (void)state;
    enum err wanted = ERR_CONFLICT;
    works_done = 0;
    assert_true(rpc_server_work(server, STR_NONE, do_work, work_done, &wanted));
    assert_int_equal(works_done, 0);
    UNTIL(works_done == 1);
    assert_int_equal(works_status, ERR_CONFLICT);
}

static void work_for_a_blocking_thread_comes_back_to_the_loop(void **state)
{
    (void)state;
    struct rpc_outcome slow[2];
    enum err wanted = ERR_NOT_FOUND;
    works_done = 0;
    for (int i = 0; i < 2; i++) probe_ask(&gateway, "wait.worker", false, WAIT_MS, id_new(), &slow[i]);
    UNTIL(atomic_load(&running) == 2);
    assert_true(rpc_server_work_blocking(server, STR_NONE, do_work, work_done, &wanted));
    assert_int_equal(works_done, 0);
    UNTIL(works_done == 1); /* although no worker is free */
    assert_int_equal(works_status, ERR_NOT_FOUND);
    atomic_store(&gate_open, 1);
    UNTIL(slow[0].order && slow[1].order);
}

/* One that has time for the first of its steps, and none for a second that waits. */
static void ask_for_a_first_step_in_time(struct rpc_outcome *late)
{
    for (int64_t budget_ms = 50; budget_ms < WAIT_MS; budget_ms *= 2) {
        memset(stepped, 0, sizeof stepped);
        step_fails = OK;
        probe_ask(&gateway, "steps.later", false, budget_ms, id_new(), late);
        UNTIL(late->order && (stepped[0] != '\0' || step_fails == ERR_DEADLINE));
        if (step_fails == OK) return;
    }
    fail_msg("no step was taken in %d ms", WAIT_MS);
}

static void a_method_of_steps_takes_one_after_the_other_and_ends_on_the_loop(void **state)
{
    (void)state;
    struct rpc_outcome whole, cut, late, hold[2];

    memset(stepped, 0, sizeof stepped);
    step_fails = OK;
    probe_ask(&gateway, "steps.later", false, WAIT_MS, id_new(), &whole);
    UNTIL(whole.order);
    assert_int_equal(whole.status, OK);
    assert_string_equal(stepped, "abc");
    assert_false(pthread_equal(step_threads[0], step_threads[1]));

    memset(stepped, 0, sizeof stepped);
    step_fails = ERR_NOT_FOUND;
    probe_ask(&gateway, "steps.later", false, WAIT_MS, id_new(), &cut);
    UNTIL(cut.order);
    assert_int_equal(cut.status, ERR_NOT_FOUND);
    assert_string_equal(stepped, "ab");

    for (int i = 0; i < 2; i++) probe_ask(&gateway, "wait.blocking", false, WAIT_MS, id_new(), &hold[i]);
    UNTIL(atomic_load(&running) == 2);
    ask_for_a_first_step_in_time(&late);
    UNTIL(late.order); /* its client has given it up, while its second step waits for a thread */
    atomic_store(&gate_open, 1);
    UNTIL(step_fails == ERR_DEADLINE);
    assert_string_equal(stepped, "a");
    UNTIL(hold[0].order && hold[1].order);
}

static void many_calls_in_flight_each_get_their_own_answer(void **state)
{
    (void)state;
    struct probe busy;
    static struct rpc_outcome some[900];
    static struct id rooms[900];
    probe_open(&busy, "gateway", 5000);
    UNTIL(rpc_client_is_up(busy.client));
    for (int i = 0; i < 900; i++) {
        rooms[i] = id_new();
        probe_ask(&busy, "echo.loop", i % 2, WAIT_MS, rooms[i], &some[i]);
    }
    UNTIL(heard_order == 900);
    for (int i = 0; i < 900; i++) assert_int_equal(some[i].status, OK);
    for (int i = 0; i < 900; i++) assert_true(id_eq(some[i].room, rooms[i]));
    rpc_client_destroy(&busy.client);
}

static void answering_without_sockets_is_the_same(void **state)
{
    (void)state;
    char bytes[64];
    struct id room = id_new();
    struct rpc_thread on = { arena_create("test", 1u << 20), NULL };
    struct buf out = BUF(1000);
    struct frame_request head = { .id = 1, .method = STR("echo.worker"), .budget_ms = 1000 };
    assert_int_equal(
        rpc_server_answer(METHODS, COUNT(METHODS), NULL, &on, &head, STR("gateway"), room_bytes(room, bytes), &out),
        OK);
    assert_true(out.len > 16);
    buf_clear(&out);
    assert_int_equal(
        rpc_server_answer(METHODS, COUNT(METHODS), NULL, &on, &head, STR("chat"), room_bytes(room, bytes), &out),
        ERR_FORBIDDEN);
    assert_true(out.len > 0);
    buf_free(&out);
    arena_destroy(&on.arena);
}

/* -2^56 ms are a time far ahead in microseconds, in 64 bits. */
static void a_budget_below_zero_is_none(void **state)
{
    (void)state;
    static const int64_t budgets[] = { 0, -1, -(INT64_C(1) << 56), INT64_MIN };
    char bytes[64];
    struct rpc_thread on = { arena_create("test", 1u << 20), NULL };
    struct buf out = BUF(1000);

    for (size_t i = 0; i < COUNT(budgets); i++) {
        struct frame_request head = { .id = 1, .method = STR("echo.worker"), .budget_ms = budgets[i] };
        buf_clear(&out);
        assert_int_equal(rpc_server_answer(METHODS, COUNT(METHODS), NULL, &on, &head, STR("gateway"),
                             room_bytes(id_new(), bytes), &out),
            ERR_DEADLINE);
    }
    struct frame_request head = { .id = 1, .method = STR("echo.worker"), .budget_ms = INT64_MAX };
    buf_clear(&out);
    assert_int_equal(
        rpc_server_answer(METHODS, COUNT(METHODS), NULL, &on, &head, STR("gateway"), room_bytes(id_new(), bytes), &out),
        OK);
    buf_free(&out);
    arena_destroy(&on.arena);
}

static void a_call_over_its_arena_is_too_large_and_nothing_runs_after_it(void **state)
{
    (void)state;
    char bytes[64];
    struct rpc_thread on = { arena_create("test", 1u << 20), NULL };
    struct buf out = BUF(1000);
    struct frame_request head = { .id = 1, .method = STR("greedy.worker"), .budget_ms = 1000 };
    struct failure failure;
    assert_int_equal(
        rpc_server_answer(METHODS, COUNT(METHODS), NULL, &on, &head, STR("gateway"), room_bytes(id_new(), bytes), &out),
        ERR_TOO_LARGE);
    rpc_failure_read(buf_str(&out), on.arena, &failure);
    assert_true(str_is(failure.code, "too_large"));
    assert_int_equal(after_runs, 0);

    buf_clear(&out);
    head.method = STR("echo.worker");
    assert_int_equal(
        rpc_server_answer(METHODS, COUNT(METHODS), NULL, &on, &head, STR("gateway"), room_bytes(id_new(), bytes), &out),
        OK);
    buf_free(&out);
    arena_destroy(&on.arena);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_call_is_answered_on_the_loop_and_on_a_worker),
        CASE(a_failure_says_why_and_which_field),
        CASE(an_unknown_method_is_no_method),
        CASE(a_body_of_another_shape_is_refused),
        CASE(a_peer_may_call_only_what_names_it_and_the_operator_all),
        CASE(nobody_waits_beyond_the_deadline),
        CASE(work_past_its_deadline_is_not_done),
        CASE(a_full_worker_queue_is_overloaded_at_once),
        CASE(workers_and_blocking_threads_do_not_wait_for_each_other),
        CASE(a_full_blocking_queue_is_overloaded_at_once),
        CASE(work_for_a_blocking_thread_comes_back_to_the_loop),
        CASE(a_method_of_steps_takes_one_after_the_other_and_ends_on_the_loop),
        CASE(whoever_has_too_much_waiting_is_overloaded_alone),
        CASE(all_addresses_of_a_host_are_one_of_those_who_wait),
        CASE(one_read_waits_for_one_slow_read_of_another_and_not_for_all),
        CASE(the_full_queue_takes_from_who_has_most),
        CASE(too_many_later_requests_are_overloaded),
        CASE(over_pending_max_the_client_itself_is_overloaded),
        CASE(what_runs_after_the_commit_runs_before_the_reply_and_not_after_a_failure),
        CASE(work_for_a_worker_comes_back_to_the_loop),
        CASE(many_calls_in_flight_each_get_their_own_answer),
        CASE(answering_without_sockets_is_the_same),
        CASE(a_budget_below_zero_is_none),
        CASE(a_call_over_its_arena_is_too_large_and_nothing_runs_after_it),
    };
    return cmocka_run_group_tests_name("rpc calls", tests, fixture_begin, fixture_end);
}

/* test_rpc_events.c - events: behind the reply, in order, lost aloud, and ending with their peer. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rpc/fixture.h"

static struct rpc_server *server;
static struct rpc_peer *subscriber;
static struct rpc_later *held;
static int gone;
static size_t body_bytes; /* of each event */

static enum err run_subscribe(struct call *call, const void *req, void *rep)
{
    subscriber = call->peer;
    *(struct room_ref *)rep = *(const struct room_ref *)req;
    return OK;
}

static void begin_hold(struct call *call, const void *req, struct rpc_later *later)
{
    (void)req;
    subscriber = call->peer;
    held = later;
}

static void on_gone(void *context, struct rpc_peer *peer)
{
    (void)context;
    if (peer == subscriber) gone++;
}

static const struct rpc_method METHODS[] = {
    ROOM_METHOD("room.subscribe", LOOP, .run = run_subscribe),
    ROOM_METHOD("hold.later", LATER, .begin = begin_hold),
};

static int begin(void **state)
{
    (void)state;
    gone = heard_order = 0;
    body_bytes = 10000;
    subscriber = NULL;
    held = NULL;
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    config.peer_gone = on_gone;
    config.event_hwm = 50;
    server = rpc_server_create(fx.loop, &config);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rpc_server_destroy(&server);
    return 0;
}

static bool send_event(int64_t seq)
{
    static char text[20000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 == 0 ? '\xc3' : '\xa9'; /* bytes are bounded by characters */
    struct id stream = id_new();
    struct message message = {
        .room = stream, .seq = seq, .id = STR("1"), .sender = STR("alice"), .at = 1, .body = { text, body_bytes }
    };
    struct rpc_event *event = rpc_event_create(stream, seq, "message", message_shape(), &message);
    bool sent = rpc_event_send(server, subscriber, event);
    rpc_event_destroy(&event);
    return sent;
}

static void send_until_refused(void)
{
    int64_t end_us = clock_mono_us() + 5000000;
    while (send_event(1) && clock_mono_us() < end_us) turn_for(5);
}

static void open_and_ask(struct probe *probe, const char *method, struct rpc_outcome *heard)
{
    probe_open(probe, "gateway", 20);
    UNTIL(probe->ups == 1);
    probe_ask(probe, method, true, WAIT_MS, id_new(), heard);
}

static void events_follow_the_reply_in_their_order(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome a;
    open_and_ask(&probe, "room.subscribe", &a);
    while (subscriber == NULL) ev_run(fx.loop, EVRUN_ONCE);
    for (int64_t seq = 1; seq <= 20; seq++) assert_true(send_event(seq));
    while (probe.events == 0) ev_run(fx.loop, EVRUN_ONCE);
    assert_int_equal(a.order, 1); /* heard before the first event */
    UNTIL(probe.events == 20);
    assert_int_equal(probe.first_gap, 0);
    assert_int_equal(probe.last_seq, 20);
    assert_string_equal(probe.last_event, "message");
    rpc_client_destroy(&probe.client);
}

/* False: nobody read for so long that the connection was given up, on a machine that has no time. */
static bool pipe_loses_events_aloud(void)
{
    struct probe probe;
    struct rpc_outcome a, b;
    open_and_ask(&probe, "room.subscribe", &a);
    UNTIL(a.order);
    int64_t seq = 1;
    while (send_event(seq)) /* nobody reads: this is the client's thread too */
        assert_true(++seq < 100000);
    assert_false(send_event(seq + 1));
    assert_false(probe.resynced);
    probe_ask(&probe, "room.subscribe", true, WAIT_MS, id_new(), &b);
    UNTIL(b.order && (probe.resynced || probe.ups > 1)); /* a reply is never lost */
    bool is_one = probe.ups == 1;
    if (is_one) {
        assert_int_equal(b.status, OK);
        assert_int_equal(probe.first_gap, 0);
        assert_int_equal(probe.last_seq, seq - 1);
        assert_true(send_event(seq + 2));
        UNTIL(probe.last_seq == seq + 2 || probe.ups > 1);
    }
    rpc_client_destroy(&probe.client);
    return is_one;
}

static void a_full_pipe_loses_events_aloud(void **state)
{
    (void)state;
    for (int attempt = 0; attempt < 10; attempt++)
        if (pipe_loses_events_aloud()) return;
    fail_msg("no connection was kept");
}

static void a_peer_that_hung_up_is_gone_at_the_next_large_event(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome a;
    body_bytes = 20000;
    open_and_ask(&probe, "room.subscribe", &a);
    UNTIL(a.order);
    rpc_client_destroy(&probe.client);
    send_until_refused();
    assert_int_equal(gone, 0); /* never from within rpc_event_send */
    assert_false(send_event(2));
    UNTIL(gone == 1);
}

static void a_peer_that_hung_up_is_gone_after_the_turn_of_the_next_small_event(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome a;
    int64_t end_us = clock_mono_us() + WAIT_MS * 1000;
    body_bytes = 100;
    open_and_ask(&probe, "room.subscribe", &a);
    UNTIL(a.order);
    rpc_client_destroy(&probe.client);
    while (gone == 0 && clock_mono_us() < end_us) {
        (void)send_event(1);
        assert_int_equal(gone, 0);
        turn_for(5);
    }
    assert_int_equal(gone, 1);
}

static void a_peer_is_not_gone_while_a_request_of_its_is_unanswered(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome a;
    open_and_ask(&probe, "hold.later", &a);
    UNTIL(held != NULL);
    rpc_client_destroy(&probe.client);
    send_until_refused();
    turn_for(30);
    assert_int_equal(gone, 0);
    assert_false(send_event(2)); /* and the pointer is good */
    rpc_later_done(held, OK, &(struct room_ref){ id_new() });
    UNTIL(gone == 1);
}

/* --- a reader's share of a turn --- */

static struct {
    struct probe probe;
    unsigned turn;
    int in_turn, most, turns; /* events of this turn, of any turn; turns that had some */
} busy;

/* What an event causes takes its time: a fan-out to many sockets. */
static void on_costly(void *arg, const struct frame_event *head, struct str body)
{
    int64_t until_us = clock_mono_us() + 1000;

    on_event(arg, head, body);
    if (busy.turn != ev_iteration(fx.loop)) {
        busy.turn = ev_iteration(fx.loop);
        busy.in_turn = 0;
        busy.turns++;
    }
    if (++busy.in_turn > busy.most) busy.most = busy.in_turn;
    while (clock_mono_us() < until_us) continue;
}

static void a_reader_of_costly_events_leaves_the_turn_to_others(void **state)
{
    (void)state;
    struct rpc_outcome a;
    struct rpc_client_config config = { .self = "gateway",
        .service = "store",
        .endpoint = fx.endpoint,
        .key_dir = fx.keys,
        .pending_max = 200,
        .up = on_up,
        .event = on_costly,
        .arg = &busy.probe };
    memset(&busy, 0, sizeof busy);
    busy.probe.client = rpc_client_create(fx.loop, &config);
    UNTIL(busy.probe.ups == 1);
    probe_ask(&busy.probe, "room.subscribe", true, WAIT_MS, id_new(), &a);
    UNTIL(a.order);
    for (int64_t seq = 1; seq <= 40; seq++) assert_true(send_event(seq));
    usleep(100000); /* ZeroMQ's own thread brings them all: they are there at once */
    UNTIL(busy.probe.events == 40);
    assert_int_equal(busy.probe.first_gap, 0);
    assert_in_range(busy.most, 1, 2);
    assert_true(busy.turns >= 20);
    rpc_client_destroy(&busy.probe.client);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(events_follow_the_reply_in_their_order),
        CASE(a_reader_of_costly_events_leaves_the_turn_to_others),
        CASE(a_full_pipe_loses_events_aloud),
        CASE(a_peer_that_hung_up_is_gone_at_the_next_large_event),
        CASE(a_peer_that_hung_up_is_gone_after_the_turn_of_the_next_small_event),
        CASE(a_peer_is_not_gone_while_a_request_of_its_is_unanswered),
    };
    return cmocka_run_group_tests_name("rpc events", tests, fixture_begin, fixture_end);
}

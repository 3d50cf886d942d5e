/* test_rpc_batch.c - what a turn has for a peer is one message, and nobody notices. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/metrics.h"
#include "libshared/rpc/rpc_batch.h"
#include "libshared/wire/frame.h"
#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/raw.h"

#define MANY 600

static uint32_t counted;
static struct arena *arena;

/* The reply is the number of the call. */
static enum err run_count(struct call *call, const void *req, void *rep)
{
    (void)call, (void)req;
    struct room_ref *ref = rep;
    counted++;
    memcpy(ref->room.b, &counted, sizeof(counted));
    return OK;
}

/* The reply, and an event behind it. */
static enum err run_tell(struct call *call, const void *req, void *rep)
{
    struct room_ref *ref = rep;
    *ref = *(const struct room_ref *)req;
    struct rpc_event *event = rpc_event_create(ref->room, 1, "told", room_ref_shape(), ref);
    (void)rpc_event_send(call->server, call->peer, event);
    rpc_event_destroy(&event);
    return OK;
}

static enum err run_large(struct call *call, const void *req, void *rep)
{
    (void)call, (void)req;
    counted++;
    *(struct room_ref *)rep = (struct room_ref){ .room = { { (uint8_t)counted } } };
    return OK;
}

/* Small and large events in turn: the large ones go alone. */
static enum err run_mix(struct call *call, const void *req, void *rep)
{
    static char text[20000];
    *(struct room_ref *)rep = *(const struct room_ref *)req;
    for (size_t i = 0; i < sizeof(text); i++) text[i] = i % 2 == 0 ? '\xc3' : '\xa9';
    for (int64_t seq = 1; seq <= 9; seq++) {
        struct message message = { .room = id_new(),
            .seq = seq,
            .id = STR("1"),
            .sender = STR("alice"),
            .at = 1,
            .body = { text, seq % 3 == 0 ? 20000 : 200 } };
        struct rpc_event *event = rpc_event_create(message.room, seq, "mixed", message_shape(), &message);
        assert_true(rpc_event_send(call->server, call->peer, event));
        rpc_event_destroy(&event);
    }
    return OK;
}

static const struct rpc_method METHODS[] = {
    ROOM_METHOD("mix.loop", LOOP, .run = run_mix),
    ROOM_METHOD("count.loop", LOOP, .run = run_count),
    ROOM_METHOD("tell.loop", LOOP, .run = run_tell),
    { .name = "large.loop",
        .req = message_shape,
        .rep = room_ref_shape,
        .where = LOOP,
        .run = run_large,
        .callers = "gateway" },
};

static struct rpc_server *server;

static int begin(void **state)
{
    (void)state;
    counted = 0;
    heard_order = 0;
    arena = arena_create("test", 16u << 20);
    return 0;
}

static int begin_served(void **state)
{
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    server = rpc_server_create(fx.loop, &config);
    return begin(state);
}

static int end(void **state)
{
    (void)state;
    rpc_server_destroy(&server);
    arena_destroy(&arena);
    return 0;
}

static uint32_t number_of(const struct heard *heard)
{
    uint32_t n;
    memcpy(&n, heard->room.b, sizeof(n));
    return n;
}

/* --- two healthy ends --- */

static void ask_large(struct probe *probe, size_t bytes, struct heard *heard)
{
    static char text[20000];
    struct buf body = BUF(1 << 20);
    for (size_t i = 0; i < sizeof(text); i++) text[i] = i % 2 == 0 ? '\xc3' : '\xa9'; /* its bound is of characters */
    memset(heard, 0, sizeof(*heard));
    struct message message = {
        .room = id_new(), .seq = 1, .id = STR("1"), .sender = STR("alice"), .at = 1, .body = { text, bytes }
    };
    assert_int_equal(wire_encode(message_shape(), &message, &body), OK);
    struct rpc_request request = { .method = "large.loop", .safe = true, .budget_ms = 8000, .body = buf_str(&body) };
    rpc_client_call(probe->client, &request, on_heard, heard);
    buf_free(&body);
}

static void many_in_one_turn_small_and_large_keep_their_order_in_both_directions(void **state)
{
    (void)state;
    static struct heard heard[MANY];
    struct probe probe;
    probe_open(&probe, "gateway", MANY);
    UNTIL(probe.ups == 1);
    for (int i = 0; i < MANY; i++) {
        if (i % 50 == 7)
            ask_large(&probe, i % 100 == 7 ? 20000 : 15000, &heard[i]);
        else
            ask(&probe, "count.loop", false, 8000, id_new(), &heard[i]);
    }
    UNTIL(heard_order == MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(heard[i].status, OK);
        assert_int_equal(heard[i].order, i + 1);
        if (i % 50 != 7) assert_int_equal(number_of(&heard[i]), i + 1);
    }
    rpc_client_destroy(&probe.client);
}

static void large_events_do_not_overtake_small_ones(void **state)
{
    (void)state;
    struct probe probe;
    struct heard heard;
    probe_open(&probe, "gateway", 20);
    UNTIL(probe.ups == 1);
    ask(&probe, "mix.loop", false, 8000, id_new(), &heard);
    UNTIL(heard.order && probe.events == 9);
    assert_int_equal(probe.first_gap, 0);
    assert_int_equal(probe.last_seq, 9);
    rpc_client_destroy(&probe.client);
}

static struct probe *calls_in_up;
static struct heard first_of_up;

static void on_up_ask(void *arg, struct id instance)
{
    on_up(arg, instance);
    ask(calls_in_up, "count.loop", true, 8000, id_new(), &first_of_up);
}

static void what_a_new_connection_begins_with_goes_ahead_of_what_waited_for_it(void **state)
{
    (void)state;
    struct probe probe = { .ups = 0 };
    struct heard waited[3];
    struct rpc_client_config config = { .self = "gateway",
        .service = "store",
        .endpoint = fx.endpoint,
        .key_dir = fx.keys,
        .pending_max = 20,
        .up = on_up_ask,
        .arg = &probe };
    calls_in_up = &probe;
    probe.client = rpc_client_create(fx.loop, &config);
    for (int i = 0; i < 3; i++) ask(&probe, "count.loop", true, 8000, id_new(), &waited[i]);
    UNTIL(heard_order == 4);
    assert_int_equal(number_of(&first_of_up), 1);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(number_of(&waited[i]), i + 2);
    rpc_client_destroy(&probe.client);
}

static void one_out_of_its_bounds_among_others_is_refused_alone(void **state)
{
    (void)state;
    struct probe probe;
    struct heard heard[5];
    char name[129 * 4 + 1];
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = 0;
    probe_open(&probe, "gateway", 20);
    UNTIL(probe.ups == 1);
    for (int i = 0; i < 5; i++)
        ask_as(&probe, i % 2 == 0 ? name : "alice", "count.loop", false, 8000, id_new(), &heard[i]);
    UNTIL(heard_order == 5);
    for (int i = 0; i < 5; i++) assert_int_equal(heard[i].status, i % 2 == 0 ? ERR_TOO_LARGE : OK);
    assert_int_equal(counted, 2);
    rpc_client_destroy(&probe.client);
}

/* --- a client as a script: what the server makes of batches, and whom it sends them --- */

struct raw_reply {
    struct frame_head head;
    struct str body; /* of one message, or of a batch */
};

/* The next message, while the server's loop turns. */
static struct raw_reply receive_raw(void *raw)
{
    static char bytes[2][200000];
    struct raw_reply reply = { .head = { .kind = 0 } };
    bool more;
    int len = -1;
    UNTIL(len >= 0 || (len = receive_frame(raw, 0, bytes[0], sizeof(bytes[0]), &more)) >= 0);
    assert_true(more);
    assert_int_equal(frame_read((struct str){ bytes[0], (size_t)len }, arena, &reply.head), OK);
    len = receive_frame(raw, 1000, bytes[1], sizeof(bytes[1]), &more);
    assert_true(len >= 0 && !more);
    reply.body = (struct str){ bytes[1], (size_t)len };
    return reply;
}

static void greet(void *raw, bool batches)
{
    struct buf head = BUF(1000), body = BUF(1000);
    frame_put_request(&head, &(struct frame_request){ .id = 1, .method = STR("hello"), .budget_ms = 1000 });
    if (batches)
        assert_int_equal(wire_encode(greeting_shape(), &(struct greeting){ .batches = true }, &body), OK);
    else
        buf_add_char(&body, '\x80');
    zmq_send(raw, head.at, head.len, ZMQ_SNDMORE);
    zmq_send(raw, body.at, body.len, 0);
    struct raw_reply reply = receive_raw(raw);
    assert_true(reply.head.kind == FRAME_REPLY && reply.head.reply.status == OK);
    struct hello hello;
    struct wire_error why = { .field = "" };
    assert_int_equal(wire_decode(hello_shape(), reply.body, arena, &hello, &why), OK);
    assert_true(hello.batches);
    buf_free(&head);
    buf_free(&body);
}

static void add_request(struct buf *batch, uint64_t id, const char *method, int64_t budget_ms)
{
    char bytes[64];
    struct buf head = BUF(1000);
    frame_put_request(&head,
        &(struct frame_request){ .id = id, .method = str_of(method), .budget_ms = budget_ms, .trace = STR("t") });
    frame_batch_add(batch, buf_str(&head), room_bytes(id_new(), bytes));
    buf_free(&head);
}

static void send_batch(void *raw, struct str batch, uint64_t n)
{
    struct buf head = BUF(100);
    frame_put_batch(&head, &(struct frame_batch){ n });
    zmq_send(raw, head.at, head.len, ZMQ_SNDMORE);
    zmq_send(raw, batch.at, batch.len, 0);
    buf_free(&head);
}

static struct raw_reply next_of(struct str *batch)
{
    struct raw_reply reply;
    struct str head;
    assert_true(frame_batch_next(batch, &head, &reply.body));
    assert_int_equal(frame_read(head, arena, &reply.head), OK);
    return reply;
}

static void a_batch_is_answered_with_one_each_by_its_own_deadline_and_events_in_their_place(void **state)
{
    (void)state;
    void *context = zmq_ctx_new(), *raw = open_raw(context);
    struct buf batch = BUF(10000);
    greet(raw, true);
    add_request(&batch, 11, "tell.loop", 1000);
    add_request(&batch, 12, "count.loop", 0); /* nobody waits any more */
    add_request(&batch, 13, "tell.loop", 1000);
    send_batch(raw, buf_str(&batch), 3);
    struct raw_reply all = receive_raw(raw);
    assert_int_equal(all.head.kind, FRAME_BATCH);
    assert_int_equal(all.head.batch.n, 5);
    assert_int_equal(next_of(&all.body).head.kind, FRAME_EVENT); /* told before its call was answered */
    struct raw_reply first = next_of(&all.body), late = next_of(&all.body);
    assert_true(first.head.reply.id == 11 && first.head.reply.status == OK);
    assert_true(late.head.reply.id == 12 && late.head.reply.status == ERR_DEADLINE);
    assert_int_equal(next_of(&all.body).head.kind, FRAME_EVENT);
    assert_int_equal(next_of(&all.body).head.reply.id, 13);
    assert_int_equal(all.body.len, 0);
    assert_int_equal(counted, 0);
    zmq_close(raw);
    zmq_ctx_term(context);
    buf_free(&batch);
}

static void whoever_did_not_say_that_it_reads_batches_gets_none(void **state)
{
    (void)state;
    void *context = zmq_ctx_new(), *raw = open_raw(context);
    struct buf batch = BUF(10000);
    greet(raw, false);
    for (uint64_t id = 2; id < 5; id++) add_request(&batch, id, "count.loop", 1000);
    send_batch(raw, buf_str(&batch), 3); /* reading is another matter */
    for (uint64_t id = 2; id < 5; id++) {
        struct raw_reply reply = receive_raw(raw);
        assert_true(reply.head.kind == FRAME_REPLY && reply.head.reply.id == id);
    }
    zmq_close(raw);
    zmq_ctx_term(context);
    buf_free(&batch);
}

static int64_t count_malformed(void)
{
    return metric_value(
        metric_counter("madang_rpc_malformed_total", "peer=\"gateway\"", "Messages from peers that made no sense"));
}

static void a_batch_ends_where_it_is_cut_wrongly_and_what_is_no_request_costs_no_other(void **state)
{
    (void)state;
    void *context = zmq_ctx_new(), *raw = open_raw(context);
    struct buf batch = BUF(10000), nested = BUF(100);
    int64_t before = count_malformed();
    greet(raw, true);

    send_batch(raw, STR("\xc4\x05six"), 1); /* cut short */
    send_batch(raw, STR(""), 1);
    UNTIL(count_malformed() == before + 2);

    frame_put_batch(&nested, &(struct frame_batch){ 1 });
    add_request(&batch, 21, "count.loop", 1000);
    frame_batch_add(&batch, buf_str(&nested), STR("\x80"));
    add_request(&batch, 22, "count.loop", 1000);
    send_batch(raw, buf_str(&batch), 3);
    struct raw_reply all = receive_raw(raw);
    assert_int_equal(all.head.kind, FRAME_BATCH);
    assert_int_equal(next_of(&all.body).head.reply.id, 21);
    assert_int_equal(next_of(&all.body).head.reply.id, 22);
    assert_int_equal(count_malformed(), before + 3);
    assert_int_equal(counted, 2);

    buf_clear(&batch);
    add_request(&batch, 23, "count.loop", 1000);
    send_batch(raw, buf_str(&batch), 1);
    assert_int_equal(receive_raw(raw).head.reply.id, 23);
    zmq_close(raw);
    zmq_ctx_term(context);
    buf_free(&batch);
    buf_free(&nested);
}

/* --- a server as a script: what a client sends, and when --- */

static struct {
    void *context, *raw;
    char id[5], bytes[200000];
} script;

/* One message to the server, as its head and body; false: none came. */
static bool serve_one(int wait_ms, struct frame_head *head, struct str *body)
{
    static char head_bytes[4000];
    bool more;
    if (receive_frame(script.raw, wait_ms, script.id, sizeof(script.id), &more) != 5) return false;
    int len = receive_frame(script.raw, 1000, head_bytes, sizeof(head_bytes), &more);
    assert_true(len > 0 && more);
    assert_int_equal(frame_read((struct str){ head_bytes, (size_t)len }, arena, head), OK);
    len = receive_frame(script.raw, 1000, script.bytes, sizeof(script.bytes), &more);
    assert_true(len >= 0 && !more);
    *body = (struct str){ script.bytes, (size_t)len };
    return true;
}

static void answer_hello(uint64_t id, bool batches)
{
    struct buf head = BUF(100), body = BUF(1000);
    struct hello hello = { STR("store"), id_new(), batches };
    frame_put_reply(&head, &(struct frame_reply){ id, OK });
    assert_int_equal(wire_encode(hello_shape(), &hello, &body), OK);
    zmq_send(script.raw, script.id, 5, ZMQ_SNDMORE);
    zmq_send(script.raw, head.at, head.len, ZMQ_SNDMORE);
    zmq_send(script.raw, body.at, body.len, 0);
    buf_free(&head);
    buf_free(&body);
}

static void open_script(struct probe *probe, bool batches)
{
    struct frame_head head;
    struct str body;
    bool greeted = false;
    script.context = zmq_ctx_new();
    script.raw = bind_raw(script.context);
    probe_open(probe, "gateway", 2000);
    UNTIL(greeted || (greeted = serve_one(0, &head, &body)));
    assert_true(str_is(head.request.method, "hello"));
    answer_hello(head.request.id, batches);
    UNTIL(probe->ups == 1);
}

static void close_script(struct probe *probe)
{
    rpc_client_destroy(&probe->client);
    zmq_close(script.raw);
    zmq_ctx_term(script.context);
}

static void a_call_that_is_alone_leaves_in_its_own_turn_as_itself(void **state)
{
    (void)state;
    struct probe probe;
    struct heard heard;
    struct frame_head head;
    struct str body;
    open_script(&probe, true);
    ask(&probe, "count.loop", false, 8000, id_new(), &heard);
    ev_run(fx.loop, EVRUN_NOWAIT); /* one turn, and the loop stands still */
    assert_true(serve_one(5000, &head, &body));
    assert_int_equal(head.kind, FRAME_REQUEST);
    assert_true(str_is(head.request.method, "count.loop"));
    close_script(&probe);
}

static void a_flush_does_not_wait_for_the_end_of_the_turn(void **state)
{
    (void)state;
    struct probe probe;
    struct heard heard;
    struct frame_head head;
    struct str body;
    open_script(&probe, true);
    ask(&probe, "count.loop", false, 8000, id_new(), &heard);
    rpc_client_flush(probe.client);
    assert_true(serve_one(5000, &head, &body));
    assert_int_equal(head.kind, FRAME_REQUEST);
    close_script(&probe);
}

static void batches_are_bounded_in_number_and_bytes_and_lose_nothing(void **state)
{
    (void)state;
    static struct heard heard[MANY];
    struct probe probe;
    struct frame_head head;
    struct str body, one_head, one;
    uint64_t last = 0;
    int n = 0, batches = 0;
    open_script(&probe, true);
    for (int i = 0; i < MANY; i++) {
        if (i < MANY / 2)
            ask(&probe, "count.loop", false, 8000, id_new(), &heard[i]);
        else
            ask_large(&probe, 10000, &heard[i]);
    }
    ev_run(fx.loop, EVRUN_NOWAIT);
    while (n < MANY && serve_one(5000, &head, &body)) {
        assert_int_equal(head.kind, FRAME_BATCH);
        assert_in_range(head.batch.n, 2, RPC_BATCH_MESSAGES);
        assert_true(body.len <= RPC_BATCH_BYTES + RPC_BATCH_EACH + 4096);
        uint64_t in_this = 0;
        for (; body.len > 0; in_this++, n++) {
            struct frame_head each;
            assert_true(frame_batch_next(&body, &one_head, &one));
            assert_int_equal(frame_read(one_head, arena, &each), OK);
            assert_true(each.request.id > last); /* in their order */
            last = each.request.id;
        }
        assert_int_equal(in_this, head.batch.n);
        batches++;
    }
    assert_int_equal(n, MANY);
    assert_in_range(batches, 2, 60);
    close_script(&probe);
}

static void a_server_of_a_former_version_gets_each_by_itself(void **state)
{
    (void)state;
    struct probe probe;
    struct heard heard[5];
    struct frame_head head;
    struct str body;
    open_script(&probe, false);
    for (int i = 0; i < 5; i++) ask(&probe, "count.loop", false, 8000, id_new(), &heard[i]);
    ev_run(fx.loop, EVRUN_NOWAIT);
    for (int i = 0; i < 5; i++) {
        assert_true(serve_one(5000, &head, &body));
        assert_int_equal(head.kind, FRAME_REQUEST);
    }
    close_script(&probe);
}

static void say_goodbye(void)
{
    struct buf head = BUF(100);
    frame_put_event(&head, &(struct frame_event){ .name = STR("goodbye") });
    zmq_send(script.raw, script.id, 5, ZMQ_SNDMORE);
    zmq_send(script.raw, head.at, head.len, ZMQ_SNDMORE);
    zmq_send(script.raw, "\x80", 1, 0);
    buf_free(&head);
}

struct late_caller {
    struct probe *probe;
    struct heard heard;
    bool called;
};

/* Before the loop sleeps, and before the timer that makes the connection anew. */
static void call_while_down(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    struct late_caller *caller = prepare->data;
    (void)loop, (void)events;
    if (caller->called || rpc_client_is_up(caller->probe->client)) return;
    caller->called = true;
    ask(caller->probe, "count.loop", true, 8000, id_new(), &caller->heard);
}

static void what_is_called_while_a_loss_is_settled_goes_with_what_was_lost(void **state)
{
    (void)state;
    struct probe probe;
    struct heard lost[4];
    struct late_caller caller = { .probe = &probe };
    struct frame_head head;
    struct str body;
    ev_prepare prepare;
    bool there = false;
    open_script(&probe, true);
    for (int i = 0; i < 4; i++) ask(&probe, "count.loop", i == 3, 8000, id_new(), &lost[i]); /* one is SAFE */
    ev_run(fx.loop, EVRUN_NOWAIT);
    assert_true(serve_one(5000, &head, &body));
    ev_prepare_init(&prepare, call_while_down);
    prepare.data = &caller;
    ev_prepare_start(fx.loop, &prepare);
    say_goodbye();
    UNTIL(there || (there = serve_one(0, &head, &body)));
    assert_true(caller.called && str_is(head.request.method, "hello"));
    answer_hello(head.request.id, true);
    there = false;
    UNTIL(there || (there = serve_one(0, &head, &body)));
    assert_int_equal(head.kind, FRAME_BATCH);
    assert_int_equal(head.batch.n, 2);
    for (int i = 0; i < 3; i++) assert_int_equal(lost[i].status, ERR_UNAVAILABLE);
    assert_int_equal(lost[3].order, 0);
    ev_prepare_stop(fx.loop, &prepare);
    close_script(&probe);
}

#define SERVED(f)   cmocka_unit_test_setup_teardown(f, begin_served, end)
#define SCRIPTED(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(many_in_one_turn_small_and_large_keep_their_order_in_both_directions),
        SERVED(large_events_do_not_overtake_small_ones),
        SERVED(what_a_new_connection_begins_with_goes_ahead_of_what_waited_for_it),
        SERVED(one_out_of_its_bounds_among_others_is_refused_alone),
        SERVED(a_batch_is_answered_with_one_each_by_its_own_deadline_and_events_in_their_place),
        SERVED(whoever_did_not_say_that_it_reads_batches_gets_none),
        SERVED(a_batch_ends_where_it_is_cut_wrongly_and_what_is_no_request_costs_no_other),
        SCRIPTED(a_call_that_is_alone_leaves_in_its_own_turn_as_itself),
        SCRIPTED(a_flush_does_not_wait_for_the_end_of_the_turn),
        SCRIPTED(batches_are_bounded_in_number_and_bytes_and_lose_nothing),
        SCRIPTED(what_is_called_while_a_loss_is_settled_goes_with_what_was_lost),
        SCRIPTED(a_server_of_a_former_version_gets_each_by_itself),
    };
    return cmocka_run_group_tests_name("rpc batch", tests, fixture_begin, fixture_end);
}

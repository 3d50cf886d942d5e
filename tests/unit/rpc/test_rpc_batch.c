/* test_rpc_batch.c - what a turn has for a peer is one message, and nobody notices. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/metrics.h"
#include "libshared/rpc/rpc_batch.h"
#include "libshared/wire/frame.h"
#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/raw.h"

#ifdef __SANITIZE_THREAD__
#define MANY 120 /* large messages take minutes there, and their deadlines pass */
#else
#define MANY 600
#endif

static uint32_t counted;
static struct arena *arena;

/* The reply is the number of the call. */
static enum err run_count(struct call *call, const void *req, void *rep)
{
    (void)call, (void)req;
    struct room_ref *ref = rep;
    counted++;
    memcpy(ref->room.b, &counted, sizeof counted);
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

/* What tells our people apart, as bytes. */
static struct id describe(const struct principal *who)
{
    struct id out = { { 0 } };
    out.b[0] = who->session.len > 0 ? (uint8_t)who->session.at[0] : 0;
    out.b[1] = (uint8_t)who->sub.len;
    out.b[2] = who->narrowed;
    out.b[3] = (uint8_t)who->quotas.len;
    out.b[4] = who->quotas.len > 0 ? (uint8_t)who->quotas.at[0].limit : 0;
    out.b[5] = 1;
    return out;
}

static enum err run_who(struct call *call, const void *req, void *rep)
{
    (void)req;
    *(struct room_ref *)rep = (struct room_ref){ .room = describe(call->who) };
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
    for (size_t i = 0; i < sizeof text; i++) text[i] = i % 2 == 0 ? '\xc3' : '\xa9';
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
    ROOM_METHOD("who.loop", LOOP, .run = run_who),
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

static uint32_t number_of(const struct rpc_outcome *heard)
{
    uint32_t n;
    memcpy(&n, heard->room.b, sizeof n);
    return n;
}

/* --- two healthy ends --- */

static void ask_large(struct probe *probe, size_t bytes, struct rpc_outcome *heard)
{
    static char text[20000];
    struct buf body = BUF(1 << 20);
    for (size_t i = 0; i < sizeof text; i++) text[i] = i % 2 == 0 ? '\xc3' : '\xa9'; /* its bound is of characters */
    memset(heard, 0, sizeof *heard);
    struct message message = {
        .room = id_new(), .seq = 1, .id = STR("1"), .sender = STR("alice"), .at = 1, .body = { text, bytes }
    };
    assert_int_equal(wire_encode(message_shape(), &message, &body), OK);
    struct rpc_request request = { .method = "large.loop", .safe = true, .budget_ms = WAIT_MS, .body = buf_str(&body) };
    rpc_client_call(probe->client, &request, on_heard, heard);
    buf_free(&body);
}

static void many_in_one_turn_small_and_large_keep_their_order_in_both_directions(void **state)
{
    (void)state;
    static struct rpc_outcome heard[MANY];
    struct probe probe;
    probe_open(&probe, "gateway", MANY);
    UNTIL(probe.ups == 1);
    for (int i = 0; i < MANY; i++) {
        if (i % 50 == 7)
            ask_large(&probe, i % 100 == 7 ? 20000 : 15000, &heard[i]);
        else
            probe_ask(&probe, "count.loop", false, WAIT_MS, id_new(), &heard[i]);
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
    struct rpc_outcome heard;
    probe_open(&probe, "gateway", 20);
    UNTIL(probe.ups == 1);
    probe_ask(&probe, "mix.loop", false, WAIT_MS, id_new(), &heard);
    UNTIL(heard.order && probe.events == 9);
    assert_int_equal(probe.first_gap, 0);
    assert_int_equal(probe.last_seq, 9);
    rpc_client_destroy(&probe.client);
}

static struct probe *calls_in_up;
static struct rpc_outcome first_of_up;

static void on_up_ask(void *arg, struct id instance)
{
    on_up(arg, instance);
    probe_ask(calls_in_up, "count.loop", true, WAIT_MS, id_new(), &first_of_up);
}

static void what_a_new_connection_begins_with_goes_ahead_of_what_waited_for_it(void **state)
{
    (void)state;
    struct probe probe = { .ups = 0 };
    struct rpc_outcome waited[3];
    struct rpc_client_config config = { .self = "gateway",
        .service = "store",
        .endpoint = fx.endpoint,
        .key_dir = fx.keys,
        .pending_max = 20,
        .up = on_up_ask,
        .arg = &probe };
    calls_in_up = &probe;
    probe.client = rpc_client_create(fx.loop, &config);
    for (int i = 0; i < 3; i++) probe_ask(&probe, "count.loop", true, WAIT_MS, id_new(), &waited[i]);
    UNTIL(heard_order == 4);
    assert_int_equal(number_of(&first_of_up), 1);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(number_of(&waited[i]), i + 2);
    rpc_client_destroy(&probe.client);
}

static void call_as(struct probe *probe, const struct principal *who, struct rpc_outcome *heard)
{
    char bytes[64];
    struct rpc_request request = {
        .method = "who.loop", .budget_ms = WAIT_MS, .who = who, .body = room_bytes(id_new(), bytes)
    };
    memset(heard, 0, sizeof *heard);
    rpc_client_call(probe->client, &request, on_heard, heard);
}

/* Many in one turn, of several who are alike in all but one field; one of them is out of its bounds and refused. */
static void each_request_is_whose_it_is(void **state)
{
    (void)state;
    enum { PEOPLE = 5, EACH = 30 };
    static struct rpc_outcome heard[PEOPLE * EACH];
    static char subject[129 * 4 + 1];
    struct quota_limit quota = { STR("files"), 3 };
    struct principal people[PEOPLE] = { { .session = STR("ada"), .sub = STR("ada") },
        { .session = STR("bob"), .sub = STR("ada") }, { .session = STR("bob"), .sub = STR("ada"), .narrowed = true },
        { .session = STR("eve"), .sub = { subject, sizeof subject - 1 } },
        { .session = STR("kim"), .quotas = { &quota, 1 } } };
    struct probe probe;
    memset(subject, 'x', sizeof subject);
    probe_open(&probe, "gateway", 2000);
    UNTIL(probe.ups == 1);
    for (int i = 0; i < PEOPLE * EACH; i++) call_as(&probe, &people[i % PEOPLE], &heard[i]);
    UNTIL(heard_order == PEOPLE * EACH);
    for (int i = 0; i < PEOPLE * EACH; i++) {
        if (i % PEOPLE == 3)
            assert_int_equal(heard[i].status, ERR_TOO_LARGE);
        else
            assert_true(heard[i].status == OK && id_eq(heard[i].room, describe(&people[i % PEOPLE])));
    }
    rpc_client_destroy(&probe.client);
}

static void one_out_of_its_bounds_among_others_is_refused_alone(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome heard[5];
    char name[129 * 4 + 1];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    probe_open(&probe, "gateway", 20);
    UNTIL(probe.ups == 1);
    for (int i = 0; i < 5; i++)
        probe_ask_as(&probe, i % 2 == 0 ? name : "alice", "count.loop", false, WAIT_MS, id_new(), &heard[i]);
    UNTIL(heard_order == 5);
    for (int i = 0; i < 5; i++) assert_int_equal(heard[i].status, i % 2 == 0 ? ERR_TOO_LARGE : OK);
    assert_int_equal(counted, 2);
    rpc_client_destroy(&probe.client);
}

/* --- a client as a script: what the server makes of batches, and whom it sends them --- */

struct raw_reply {
    struct frame_head head;
    struct str head_bytes, body; /* of one message, or of a batch */
};

static int n_received; /* messages */

/* The next message, while the server's loop turns. */
static struct raw_reply receive_raw(void *raw)
{
    static char bytes[2][200000];
    struct raw_reply reply = { .head = { .kind = 0 } };
    bool more;
    int len = -1;
    UNTIL(len >= 0 || (len = receive_frame(raw, 0, bytes[0], sizeof bytes[0], &more)) >= 0);
    assert_true(more);
    reply.head_bytes = (struct str){ bytes[0], (size_t)len };
    assert_int_equal(frame_read(reply.head_bytes, arena, &reply.head), OK);
    len = receive_frame(raw, 1000, bytes[1], sizeof bytes[1], &more);
    assert_true(len >= 0 && !more);
    reply.body = (struct str){ bytes[1], (size_t)len };
    n_received++;
    return reply;
}

/* So many of them, as if they had come in one batch: where the server's turn ended, another one began. */
static struct str receive_all(void *raw, uint64_t n)
{
    static struct buf all = BUF(200000);
    uint64_t got = 0;
    buf_clear(&all);
    while (got < n) {
        struct raw_reply reply = receive_raw(raw);
        if (reply.head.kind == FRAME_BATCH) {
            got += reply.head.batch.n;
            buf_add_str(&all, reply.body);
        } else {
            got++;
            frame_batch_add(&all, reply.head_bytes, reply.body);
        }
    }
    assert_int_equal(got, n);
    return buf_str(&all);
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

static void add_same(struct buf *batch, uint64_t id, uint64_t same_who)
{
    char bytes[64];
    struct buf head = BUF(1000);
    frame_put_request(
        &head, &(struct frame_request){
                   .id = id, .method = STR("who.loop"), .budget_ms = 1000, .trace = STR("t"), .same_who = same_who });
    frame_batch_add(batch, buf_str(&head), room_bytes(id_new(), bytes));
    buf_free(&head);
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
    void *context = zmq_ctx_new(), *raw = open_raw(context, UNREAD_USUAL);
    struct buf batch = BUF(10000);
    greet(raw, true);
    add_request(&batch, 11, "tell.loop", WAIT_MS);
    add_request(&batch, 12, "count.loop", 0); /* nobody waits any more */
    add_request(&batch, 13, "tell.loop", WAIT_MS);
    /* As one message, as long as nobody takes the processor away from us until the reader's share of the turn is over. */
    for (int tries = 0, came = 0; came != 1; tries++) {
        int before = n_received;
        assert_true(tries < 50);
        send_batch(raw, buf_str(&batch), 3);
        struct str all = receive_all(raw, 5);
        came = n_received - before;
        assert_int_equal(next_of(&all).head.kind, FRAME_EVENT); /* told before its call was answered */
        struct raw_reply first = next_of(&all), late = next_of(&all);
        assert_true(first.head.reply.id == 11 && first.head.reply.status == OK);
        assert_true(late.head.reply.id == 12 && late.head.reply.status == ERR_DEADLINE);
        assert_int_equal(next_of(&all).head.kind, FRAME_EVENT);
        assert_int_equal(next_of(&all).head.reply.id, 13);
        assert_int_equal(all.len, 0);
    }
    assert_int_equal(counted, 0);
    zmq_close(raw);
    zmq_ctx_term(context);
    buf_free(&batch);
}

static void whoever_did_not_say_that_it_reads_batches_gets_none(void **state)
{
    (void)state;
    void *context = zmq_ctx_new(), *raw = open_raw(context, UNREAD_USUAL);
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

/* Of itself, of one that comes later or not at all, of one that is no request, and outside of a batch. */
static void a_number_that_names_nobody_is_refused_alone(void **state)
{
    (void)state;
    static const uint64_t wrong[] = { 2, 3, 7, 257, UINT64_MAX };
    void *context = zmq_ctx_new(), *raw = open_raw(context, UNREAD_USUAL);
    struct buf batch = BUF(10000), nested = BUF(100);
    greet(raw, true);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int64_t before = count_malformed();
        buf_clear(&batch);
        add_request(&batch, 31, "count.loop", 1000);
        add_same(&batch, 32, wrong[i]);
        add_same(&batch, 33, 1);
        send_batch(raw, buf_str(&batch), 3);
        struct str all = receive_all(raw, 2);
        assert_int_equal(next_of(&all).head.reply.id, 31);
        assert_int_equal(next_of(&all).head.reply.id, 33);
        assert_int_equal(all.len, 0);
        assert_int_equal(count_malformed(), before + 1);
    }
    int64_t before = count_malformed();
    buf_clear(&batch);
    frame_put_batch(&nested, &(struct frame_batch){ 1 });
    frame_batch_add(&batch, buf_str(&nested), STR("\x80"));
    add_same(&batch, 34, 1);
    send_batch(raw, buf_str(&batch), 2);
    UNTIL(count_malformed() == before + 2);
    zmq_send(raw, "\x96\x01\x05\xa8who.loop\x0a\xa1t\x01", 16, ZMQ_SNDMORE);
    zmq_send(raw, "\x80", 1, 0);
    UNTIL(count_malformed() == before + 3);
    zmq_close(raw);
    zmq_ctx_term(context);
    buf_free(&batch);
    buf_free(&nested);
}

static void a_batch_ends_where_it_is_cut_wrongly_and_what_is_no_request_costs_no_other(void **state)
{
    (void)state;
    void *context = zmq_ctx_new(), *raw = open_raw(context, UNREAD_USUAL);
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
    struct str all = receive_all(raw, 2);
    assert_int_equal(next_of(&all).head.reply.id, 21);
    assert_int_equal(next_of(&all).head.reply.id, 22);
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

static void a_call_that_is_alone_leaves_in_its_own_turn_as_itself(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome heard;
    struct frame_head head;
    struct str body;
    open_script(&probe, true, UNREAD_USUAL);
    probe_ask(&probe, "count.loop", false, WAIT_MS, id_new(), &heard);
    ev_run(fx.loop, EVRUN_NOWAIT); /* one turn, and the loop stands still */
    assert_true(serve_one(WAIT_MS, &head, &body));
    assert_int_equal(head.kind, FRAME_REQUEST);
    assert_true(str_is(head.request.method, "count.loop"));
    close_script(&probe);
}

static void a_flush_does_not_wait_for_the_end_of_the_turn(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome heard;
    struct frame_head head;
    struct str body;
    open_script(&probe, true, UNREAD_USUAL);
    probe_ask(&probe, "count.loop", false, WAIT_MS, id_new(), &heard);
    rpc_client_flush(probe.client);
    assert_true(serve_one(WAIT_MS, &head, &body));
    assert_int_equal(head.kind, FRAME_REQUEST);
    close_script(&probe);
}

/* It reads batches, and knows no numbers in the place of who asks. */
static void a_server_that_does_not_take_numbers_gets_who_asks_each_time(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome heard[3];
    struct frame_head head;
    struct str body, one_head, one;
    open_script(&probe, true, UNREAD_USUAL);
    for (int i = 0; i < 3; i++) probe_ask_as(&probe, "alice", "count.loop", false, WAIT_MS, id_new(), &heard[i]);
    ev_run(fx.loop, EVRUN_NOWAIT);
    assert_true(serve_one(WAIT_MS, &head, &body));
    assert_int_equal(head.kind, FRAME_BATCH);
    for (int i = 0; i < 3; i++) {
        assert_true(frame_batch_next(&body, &one_head, &one));
        assert_int_equal(frame_read(one_head, arena, &head), OK);
        assert_true(head.request.same_who == 0 && str_is(head.request.who.sub, "alice"));
    }
    close_script(&probe);
}

static void batches_are_bounded_in_number_and_bytes_and_lose_nothing(void **state)
{
    (void)state;
    static struct rpc_outcome heard[MANY];
    struct probe probe;
    struct frame_head head;
    struct str body, one_head, one;
    uint64_t last = 0;
    int n = 0, batches = 0;
    open_script(&probe, true, UNREAD_USUAL);
    for (int i = 0; i < MANY; i++) {
        if (i < MANY / 2)
            probe_ask(&probe, "count.loop", false, WAIT_MS, id_new(), &heard[i]);
        else
            ask_large(&probe, 10000, &heard[i]);
    }
    while (n < MANY) {
        bool there = false;
        UNTIL(there || (there = serve_one(0, &head, &body))); /* what the pipe did not take goes when it has room */
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
    assert_in_range(batches, 2, 60);
    close_script(&probe);
}

static void a_server_of_a_former_version_gets_each_by_itself(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome heard[5];
    struct frame_head head;
    struct str body;
    open_script(&probe, false, UNREAD_USUAL);
    for (int i = 0; i < 5; i++) probe_ask(&probe, "count.loop", false, WAIT_MS, id_new(), &heard[i]);
    ev_run(fx.loop, EVRUN_NOWAIT);
    for (int i = 0; i < 5; i++) {
        assert_true(serve_one(WAIT_MS, &head, &body));
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
    struct rpc_outcome heard;
    bool called;
};

/* Before the loop sleeps, and before the timer that makes the connection anew. */
static void call_while_down(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    struct late_caller *caller = prepare->data;
    (void)loop, (void)events;
    if (caller->called || rpc_client_is_up(caller->probe->client)) return;
    caller->called = true;
    probe_ask(caller->probe, "count.loop", true, WAIT_MS, id_new(), &caller->heard);
}

static void what_is_called_while_a_loss_is_settled_goes_with_what_was_lost(void **state)
{
    (void)state;
    struct probe probe;
    struct rpc_outcome lost[4];
    struct late_caller caller = { .probe = &probe };
    struct frame_head head;
    struct str body;
    ev_prepare prepare;
    bool there = false;
    open_script(&probe, true, UNREAD_USUAL);
    for (int i = 0; i < 4; i++) probe_ask(&probe, "count.loop", i == 3, WAIT_MS, id_new(), &lost[i]); /* one is SAFE */
    ev_run(fx.loop, EVRUN_NOWAIT);
    assert_true(serve_one(WAIT_MS, &head, &body));
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
        SERVED(each_request_is_whose_it_is),
        SERVED(a_number_that_names_nobody_is_refused_alone),
        SERVED(a_batch_is_answered_with_one_each_by_its_own_deadline_and_events_in_their_place),
        SERVED(whoever_did_not_say_that_it_reads_batches_gets_none),
        SERVED(a_batch_ends_where_it_is_cut_wrongly_and_what_is_no_request_costs_no_other),
        SCRIPTED(a_call_that_is_alone_leaves_in_its_own_turn_as_itself),
        SCRIPTED(a_flush_does_not_wait_for_the_end_of_the_turn),
        SCRIPTED(a_server_that_does_not_take_numbers_gets_who_asks_each_time),
        SCRIPTED(batches_are_bounded_in_number_and_bytes_and_lose_nothing),
        SCRIPTED(what_is_called_while_a_loss_is_settled_goes_with_what_was_lost),
        SCRIPTED(a_server_of_a_former_version_gets_each_by_itself),
    };
    return cmocka_run_group_tests_name("rpc batch", tests, fixture_begin, fixture_end);
}

/* test_rooms.c - rooms against a chat and a store that say what the test wants, when it wants: what each socket hears. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/gateway/methods.h"
#include "services/gateway/rooms/rooms_private.h"

#define QUESTIONS_MAX 64
#define SOCKETS       5

/* --- the sockets: what they were sent, in order --- */

struct sio_socket {
    struct subscriber subscriber;
    bool slow, joined, refused;
    int64_t start;        /* the seq behind which it hears */
    int64_t heard, wrong; /* the newest; how often one came that was not the next */
    int64_t seated_at;
    size_t held;
};

enum err sio_hold(struct sio_socket *socket, size_t bytes)
{
    socket->held += bytes;
    return OK;
}
void sio_hold_anyway(struct sio_socket *socket, size_t bytes)
{
    socket->held += bytes;
}
void sio_release(struct sio_socket *socket, size_t bytes)
{
    assert_true(socket->held >= bytes);
    socket->held -= bytes;
}

static int64_t seq_of(const struct eio_packet *packet)
{
    struct str text = eio_packet_text_payload(packet);
    const char *at = memmem(text.at, text.len, "\"seq\":", 6);

    assert_non_null(at);
    return strtoll(at + 6, NULL, 10);
}

void sio_send(struct sio_socket *socket, struct eio_packet *packet)
{
    int64_t seq = seq_of(packet);

    if (socket->start < 0) socket->start = socket->heard = seq - 1;
    if (seq != socket->heard + 1) socket->wrong++;
    socket->heard = seq;
}

bool sio_is_slow(const struct sio_socket *socket)
{
    return socket->slow;
}

void sio_send_with_offset(struct sio_socket *socket, struct eio_packet *packet)
{
    sio_send(socket, packet);
}
void sio_send_parts(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n)
{
    (void)socket, (void)packets, (void)n;
}
void sio_emit(struct sio_socket *socket, const char *name, struct str args)
{
    (void)socket, (void)name, (void)args;
}
void sio_set_offsets(struct sio_socket *socket, const struct sio_offsets *offsets)
{
    (void)socket, (void)offsets;
}
const char *sio_sid(const struct sio_socket *socket)
{
    (void)socket;
    return "sid";
}
struct str sio_nsp(const struct sio_socket *socket)
{
    (void)socket;
    return STR("/chat");
}

/* --- chat and store: their questions wait for the test --- */

struct question {
    enum method_index method;
    int64_t after, limit;
    size_t n_rooms;
    rpc_reply_fn *reply;
    void *arg;
};
static struct question questions[QUESTIONS_MAX];
static size_t n_questions;

void method_ask_for(struct rpc_client *to, enum method_index method, struct str subject, const void *record,
    rpc_reply_fn *reply, void *arg)
{
    struct question question = { .method = method, .reply = reply, .arg = arg };

    (void)to, (void)subject;
    if (method == M_log_since) {
        question.after = ((const struct log_query *)record)->after;
        question.limit = ((const struct log_query *)record)->limit;
    }
    if (method == M_log_heads) question.n_rooms = ((const struct log_rooms *)record)->rooms.len;
    if (method == M_room_unsubscribe) {
        reply(arg, OK, STR_NONE);
        return;
    }
    assert_true(n_questions < QUESTIONS_MAX);
    questions[n_questions++] = question;
}

void method_ask(struct rpc_client *to, enum method_index method, const void *record, rpc_reply_fn *reply, void *arg)
{
    method_ask_for(to, method, STR_NONE, record, reply, arg);
}

static struct rooms *rooms;
static struct ev_loop *loop;
static struct id room;
static int64_t head; /* of the log */
static struct sio_socket sockets[SOCKETS];

static struct message message_at(int64_t seq)
{
    return (struct message){
        .room = room, .seq = seq, .id = STR("an-id"), .sender = STR("ada"), .body = STR("x"), .at = 1
    };
}

static void answer_with(const struct question *question, const struct wire_shape *shape, const void *record)
{
    struct buf body = BUF(1u << 20);

    assert_int_equal(wire_encode(shape, record, &body), OK);
    question->reply(question->arg, OK, buf_str(&body));
    buf_free(&body);
}

static void answer_since(const struct question *question, int64_t most)
{
    struct message messages[FILL_LIMIT];
    size_t n = 0;

    if (most > question->limit) most = question->limit;
    for (int64_t seq = question->after + 1; seq <= head && (int64_t)n < most; seq++) messages[n++] = message_at(seq);
    answer_with(question, message_page_shape(), &(struct message_page){ .messages = { messages, n }, .head = head });
}

/* The i-th question is answered as the log is now, with at most so many messages; `e`: it fails. */
static void answer(size_t i, enum err e, int64_t most)
{
    struct question question = questions[i];

    memmove(&questions[i], &questions[i + 1], (--n_questions - i) * sizeof *questions);
    if (e != OK)
        question.reply(question.arg, e, STR_NONE);
    else if (question.method == M_log_since)
        answer_since(&question, most);
    else if (question.method == M_log_heads)
        answer_with(
            &question, log_heads_shape(), &(struct log_heads){ .heads = { &(struct log_head){ room, head }, 1 } });
    else
        question.reply(question.arg, OK, STR_NONE);
}

/* Timers that are due fire; then all that is asked is answered, until nothing is asked any more. */
static void settle(void)
{
    for (int quiet = 0; quiet < 3; quiet++) {
        ev_run(loop, EVRUN_NOWAIT);
        while (n_questions > 0) {
            answer(0, OK, 1000);
            quiet = 0;
        }
    }
}

/* Chat says that the messages from `first` to the head are there. */
static void announce(int64_t first)
{
    struct message messages[FILL_LIMIT];
    struct buf body = BUF(1u << 20);
    size_t n = 0;

    for (int64_t seq = first; seq <= head; seq++) messages[n++] = message_at(seq);
    struct publication pub = { .room = room, .messages = { messages, n } };
    assert_int_equal(wire_encode(publication_shape(), &pub, &body), OK);
    assert_true(rooms_take_event(rooms, &(struct frame_event){ .name = STR("room.messages") }, buf_str(&body)));
    buf_free(&body);
}

static void on_joined(void *arg, enum err e, int64_t seq)
{
    struct sio_socket *socket = arg;

    socket->joined = e == OK;
    socket->refused = e != OK;
    socket->seated_at = seq;
}

static void sit(struct sio_socket *socket, int64_t since)
{
    socket->joined = socket->refused = false;
    socket->start = socket->heard = since;
    socket->wrong = 0;
    subscriber_join(&socket->subscriber, room, since, on_joined, socket);
}

static int set_up(void **state)
{
    (void)state;
    loop = ev_loop_new(EVFLAG_AUTO);
    rooms = rooms_create(loop, NULL, NULL, 10);
    room = id_new();
    head = 0;
    n_questions = 0;
    for (size_t i = 0; i < SOCKETS; i++) {
        sockets[i] = (struct sio_socket){ .start = -1 };
        subscriber_begin(&sockets[i].subscriber, rooms, &sockets[i], STR("ada"));
    }
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        subscriber_end(&sockets[i].subscriber);
        assert_int_equal(sockets[i].held, 0);
    }
    while (n_questions > 0) answer(0, ERR_UNAVAILABLE, 0);
    rooms_destroy(&rooms);
    ev_loop_destroy(loop);
    (void)state;
    return 0;
}

/* Live in a room of three messages. */
static struct sio_socket *live_socket(void)
{
    head = 3;
    sit(&sockets[0], -1);
    settle();
    assert_true(sockets[0].joined && sockets[0].seated_at == 3 && sockets[0].heard == -1);
    return &sockets[0];
}

static void nothing_is_delivered_across_a_gap(void **state)
{
    (void)state;
    struct sio_socket *socket = live_socket();

    head = 5;
    announce(5); /* the fourth was lost on the way */
    assert_int_equal(socket->heard, -1);
    assert_int_equal(n_questions, 1);
    assert_true(questions[0].method == M_log_since && questions[0].after == 3);
    head = 7;
    announce(6);
    assert_int_equal(socket->heard, -1);
    answer(0, OK, 1); /* a short page: the fourth alone */
    assert_true(socket->start == 3 && socket->heard == 7 && socket->wrong == 0);
}

static void what_is_announced_twice_is_heard_once(void **state)
{
    (void)state;
    struct sio_socket *socket = live_socket();

    head = 4;
    announce(4);
    announce(4);
    head = 6;
    announce(4);
    assert_true(socket->start == 3 && socket->heard == 6 && socket->wrong == 0);
}

/* Nobody asks for it any more, so nobody would drop it. */
static void what_was_held_ahead_and_comes_again_is_not_kept(void **state)
{
    (void)state;
    struct sio_socket *socket = live_socket();

    head = 5;
    announce(5); /* the fourth is late */
    assert_true(local_room_find(rooms, room)->ahead.n == 1);
    announce(4);
    assert_true(socket->start == 3 && socket->heard == 5 && socket->wrong == 0);
    assert_int_equal(local_room_find(rooms, room)->ahead.n, 0);
    settle();
}

static void more_than_is_kept_ahead_of_a_gap_comes_from_the_store(void **state)
{
    (void)state;
    struct sio_socket *socket = live_socket();

    for (head = 5; head < 5 + 2 * BACKLOG_MAX; head++) announce(head);
    head--;
    assert_int_equal(socket->heard, -1);
    settle();
    assert_true(socket->start == 3 && socket->heard == head && socket->wrong == 0);
}

static void a_slow_reader_is_sent_nothing_until_it_has_read(void **state)
{
    (void)state;
    struct sio_socket *socket = live_socket();

    head = 4;
    announce(4);
    socket->slow = true;
    for (head = 5; head <= 9; head++) announce(head);
    head = 9;
    settle();
    assert_int_equal(socket->heard, 4);
    socket->slow = false;
    subscriber_drained(&socket->subscriber);
    settle();
    assert_true(socket->heard == 9 && socket->wrong == 0);
    head = 10;
    announce(10);
    assert_true(socket->heard == 10 && socket->wrong == 0);
}

static void a_slow_reader_does_not_hold_up_the_others(void **state)
{
    (void)state;
    live_socket();
    sit(&sockets[1], -1);
    settle();
    sockets[0].slow = true;
    head = 4;
    announce(4);
    assert_int_equal(sockets[0].heard, -1);
    assert_int_equal(sockets[1].heard, 4);
}

static void what_was_missed_before_a_join_comes_before_what_is_new(void **state)
{
    (void)state;
    live_socket();
    sit(&sockets[1], 1);
    head = 4;
    announce(4); /* while the page is on its way */
    settle();
    assert_true(sockets[1].joined && sockets[1].heard == 4 && sockets[1].wrong == 0);
    assert_true(sockets[0].heard == 4 && sockets[0].wrong == 0);
}

static void an_answer_that_is_older_than_the_loss_does_not_count(void **state)
{
    (void)state;
    struct sio_socket *socket = live_socket();

    rooms_store_up(rooms);
    ev_run(loop, EVRUN_NOWAIT);
    assert_true(n_questions == 1 && questions[0].method == M_log_heads);
    rooms_store_up(rooms); /* a second store died, and the question is on its way already */
    answer(0, OK, 0);
    head = 4;
    settle();
    assert_true(socket->heard == 4 && socket->wrong == 0);
}

/* --- any order of anything --- */

static bool one_in(int n)
{
    return random() % n == 0;
}

static void one_step(void)
{
    struct sio_socket *socket = &sockets[random() % SOCKETS];

    if (one_in(3)) {
        int64_t first = ++head - random() % 3;
        if (!one_in(4)) announce(first > 0 ? first : 1); /* now and then chat dies before it has said so */
    }
    if (n_questions > 0 && one_in(2))
        answer((size_t)random() % n_questions, one_in(5) ? ERR_UNAVAILABLE : OK, 1 + random() % 5);
    if (one_in(20) && !subscriber_is_in(&socket->subscriber, room))
        sit(socket, socket->heard >= 0 ? socket->heard : -1);
    if (one_in(100) && subscriber_is_in(&socket->subscriber, room) && socket->joined)
        subscriber_leave(&socket->subscriber, room);
    if (one_in(15)) socket->slow = !socket->slow;
    if (!socket->slow && one_in(3)) subscriber_drained(&socket->subscriber);
    if (one_in(150)) rooms_chat_up(rooms);
    if (one_in(150)) rooms_store_up(rooms);
    if (one_in(10)) ev_run(loop, EVRUN_NOWAIT);
}

/* The timer by which what failed is tried again, without the wait. */
static void calm_down(void)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        sockets[i].slow = false;
        subscriber_drained(&sockets[i].subscriber);
    }
    rooms_chat_up(rooms);
    settle();
    ev_sleep(RETRY_S + 0.05);
    ev_now_update(loop);
    settle();
}

static void whoever_sits_hears_each_message_once_in_order_whatever_gets_lost(void **state)
{
    for (unsigned seed = 1; seed <= 8; seed++) {
        srandom(seed);
        for (int i = 0; i < 3000; i++) one_step();
        calm_down();
        for (size_t i = 0; i < SOCKETS; i++) {
            if (sockets[i].wrong != 0)
                fail_msg("seed %u: socket %zu heard %ld out of turn", seed, i, (long)sockets[i].wrong);
            if (!subscriber_is_in(&sockets[i].subscriber, room) || !sockets[i].joined || sockets[i].heard < 0) continue;
            if (sockets[i].heard != head)
                fail_msg("seed %u: socket %zu heard up to %ld of %ld", seed, i, (long)sockets[i].heard, (long)head);
        }
        tear_down(state);
        set_up(state);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_delivered_across_a_gap),
        TEST(what_is_announced_twice_is_heard_once),
        TEST(more_than_is_kept_ahead_of_a_gap_comes_from_the_store),
        TEST(what_was_held_ahead_and_comes_again_is_not_kept),
        TEST(a_slow_reader_is_sent_nothing_until_it_has_read),
        TEST(a_slow_reader_does_not_hold_up_the_others),
        TEST(what_was_missed_before_a_join_comes_before_what_is_new),
        TEST(an_answer_that_is_older_than_the_loss_does_not_count),
        TEST(whoever_sits_hears_each_message_once_in_order_whatever_gets_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_rooms.c - rooms against a chat and a store that say what the test wants, when it wants: what each socket hears. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/gateway/methods.h"
#include "services/gateway/rooms/rooms_private.h"

#define QUESTIONS_MAX 64
#define SOCKETS       5

static const struct service_part CHAT = { SERVICE_chat, 0, 1 };

/* --- the sockets: what they were sent, in order --- */

struct sio_socket {
    struct subscriber subscriber;
    char subject[4];
    const char *address;
    bool member;
    int64_t entitled;  /* no member: the head when it ceased to be one */
    bool enters;       /* chat has said that it is a member, and it has no subscription yet */
    uint64_t stamp;    /* when chat was asked */
    int64_t forbidden; /* how often it heard what is for members */
    int removals;      /* that it was told of */
    bool slow, joined, refused, over;
    bool in, in_many;     /* the room, as its features know; other rooms besides, which they are not asked about */
    int64_t start;        /* the seq behind which it hears */
    int64_t heard, wrong; /* the newest; how often one came that was not the next */
    int64_t seated_at;
    char offset[40]; /* that came with the last one */
    size_t held;
    char receipts[400]; /* the last that it was told of who has read */
    int n_receipts;
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

static bool take_receipts(struct sio_socket *socket, const struct eio_packet *packet)
{
    struct str text = eio_packet_text_payload(packet);

    if (memmem(text.at, text.len, "\"receipts\"", 10) == NULL) return false;
    snprintf(socket->receipts, sizeof socket->receipts, "%.*s", STR_ARG(text));
    socket->n_receipts++;
    return true;
}

void sio_send(struct sio_socket *socket, struct eio_packet *packet)
{
    if (take_receipts(socket, packet)) return;
    int64_t seq = seq_of(packet);

    if (socket->start < 0) socket->start = socket->heard = seq - 1;
    if (seq != socket->heard + 1) socket->wrong++;
    if (!socket->member && seq > socket->entitled) socket->forbidden++;
    socket->heard = seq;
}

bool sio_is_slow(const struct sio_socket *socket)
{
    return socket->slow;
}

void sio_send_with_offset(struct sio_socket *socket, struct eio_packet *packet)
{
    struct str text = eio_packet_text_payload(packet);
    const char *at = memrchr(text.at, ',', text.len);

    assert_true(sscanf(at, ",\"%39[^\"]\"]", socket->offset) == 1);
    sio_send(socket, packet);
}
void sio_send_parts(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n)
{
    (void)socket, (void)packets, (void)n;
}
void sio_emit(struct sio_socket *socket, const char *name, struct str args)
{
    (void)args;
    assert_string_equal(name, "room:removed");
    socket->removals++;
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
struct str sio_address(const struct sio_socket *socket)
{
    return str_of(socket->address);
}
struct str sio_nsp(const struct sio_socket *socket)
{
    (void)socket;
    return STR("/chat");
}

/* --- its features, which hear of rooms in pairs --- */

void *sio_user(const struct sio_socket *socket)
{
    return (void *)(uintptr_t)socket;
}
void client_entered(struct client *client, struct id room)
{
    struct sio_socket *socket = (void *)client;

    if (socket->in_many) return;
    assert_true(!socket->in && subscriber_is_in(&socket->subscriber, room));
    socket->in = true;
}
void client_left(struct client *client, struct id room)
{
    struct sio_socket *socket = (void *)client;

    if (socket->in_many) return;
    assert_true(socket->in && subscriber_is_in(&socket->subscriber, room));
    socket->in = false;
}

static size_t charged, most_missed; /* messages that they missed; over so many in all it is over the rate */

bool client_charge_missed(const struct client *client, size_t n, struct rate_state *over)
{
    (void)client;
    charged += n;
    if (charged <= most_missed) return true;
    *over = (struct rate_state){ .name = "read_rows", .limit = (int64_t)most_missed, .retry_after_ms = 1 };
    return false;
}

/* --- chat and store: their questions wait for the test --- */

struct rooms_question {
    enum method_index method;
    int64_t after, limit;
    size_t n_rooms;
    size_t n_asked; /* member.roles: which sockets it is about, and what they were when it was asked */
    struct sio_socket *asked[SOCKETS];
    bool were_members[SOCKETS];
    rpc_reply_fn *reply;
    void *arg;
};
static struct rooms_question questions[QUESTIONS_MAX];
static size_t n_questions;
static struct sio_socket sockets[SOCKETS];
static bool listens; /* chat tells this gateway what happens in the room */

static void note_asked(struct rooms_question *question, const struct access_queries *queries)
{
    assert_in_range(queries->asked.len, 1, SOCKETS);
    for (size_t i = 0; i < queries->asked.len; i++) {
        struct sio_socket *socket = &sockets[queries->asked.at[i].subject.at[1] - '0'];
        question->asked[i] = socket;
        question->were_members[i] = socket->member;
    }
    question->n_asked = queries->asked.len;
}

void method_ask_for(const struct service_pipes *to, enum method_index method, struct str subject, const void *record,
    rpc_reply_fn *reply, void *arg)
{
    struct rooms_question question = { .method = method, .reply = reply, .arg = arg };

    (void)to, (void)subject;
    if (method == M_store_log_since) {
        question.after = ((const struct log_query *)record)->after;
        question.limit = ((const struct log_query *)record)->limit;
    }
    if (method == M_store_log_heads) question.n_rooms = ((const struct log_rooms *)record)->rooms.len;
    if (method == M_chat_member_roles) note_asked(&question, record);
    if (method == M_chat_room_unsubscribe) {
        listens = false;
        reply(arg, OK, STR_NONE);
        return;
    }
    assert_true(n_questions < QUESTIONS_MAX);
    questions[n_questions++] = question;
}

void method_ask(
    const struct service_pipes *to, enum method_index method, const void *record, rpc_reply_fn *reply, void *arg)
{
    method_ask_for(to, method, STR_NONE, record, reply, arg);
}

static struct rooms *rooms;
static struct ev_loop *loop;
static struct id room;
static int64_t head; /* of the log */

static struct message message_at(int64_t seq)
{
    return (struct message){
        .room = room, .seq = seq, .id = STR("an-id"), .sender = STR("ada"), .body = STR("x"), .at = 1
    };
}

static void answer_with(const struct rooms_question *question, const struct wire_shape *shape, const void *record)
{
    struct buf body = BUF(1u << 20);

    assert_int_equal(wire_encode(shape, record, &body), OK);
    question->reply(question->arg, OK, buf_str(&body));
    buf_free(&body);
}

static void answer_since(const struct rooms_question *question, int64_t most)
{
    struct message messages[FILL_LIMIT];
    size_t n = 0;

    if (most > question->limit) most = question->limit;
    for (int64_t seq = question->after + 1; seq <= head && (int64_t)n < most; seq++) messages[n++] = message_at(seq);
    answer_with(question, message_page_shape(), &(struct message_page){ .messages = { messages, n }, .head = head });
}

/* Chat has read it at once, or just before it answers. */
static void answer_roles(const struct rooms_question *question, bool read_early)
{
    struct room_role roles[SOCKETS];

    for (size_t i = 0; i < question->n_asked; i++) {
        bool is = read_early ? question->were_members[i] : question->asked[i]->member;
        roles[i] = (struct room_role){ .room = room, .role = is ? STR("member") : STR("") };
    }
    answer_with(question, room_roles_shape(), &(struct room_roles){ .roles = { roles, question->n_asked } });
}

static bool read_early;

/* The i-th question is answered as the log is now, with at most so many messages; `e`: it fails. */
static void answer(size_t i, enum err e, int64_t most)
{
    struct rooms_question question = questions[i];

    memmove(&questions[i], &questions[i + 1], (--n_questions - i) * sizeof *questions);
    if (e != OK)
        question.reply(question.arg, e, STR_NONE);
    else if (question.method == M_store_log_since)
        answer_since(&question, most);
    else if (question.method == M_store_log_heads)
        answer_with(
            &question, log_heads_shape(), &(struct log_heads){ .heads = { &(struct log_head){ room, head }, 1 } });
    else if (question.method == M_chat_member_roles)
        answer_roles(&question, read_early);
    else {
        listens = true;
        question.reply(question.arg, OK, STR_NONE);
    }
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
    assert_true(rooms_take_event(rooms, CHAT, &(struct frame_event){ .name = STR("room.messages") }, buf_str(&body)));
    buf_free(&body);
}

static void set_member(struct sio_socket *socket, bool is)
{
    struct access_change change = {
        .room = room, .subject = str_of(socket->subject), .role = is ? STR("member") : STR("")
    };
    struct buf body = BUF(1000);

    if (socket->member == is) return;
    socket->member = is;
    if (!is) socket->entitled = head;
    assert_int_equal(wire_encode(access_change_shape(), &change, &body), OK);
    if (listens)
        assert_true(
            rooms_take_event(rooms, CHAT, &(struct frame_event){ .name = STR("access.changed") }, buf_str(&body)));
    buf_free(&body);
}

static void chat_dies(void)
{
    listens = false;
    rooms_chat_up(rooms, CHAT);
}

static void on_joined(void *arg, enum err e, struct joined_at at, const struct rate_state *over)
{
    struct sio_socket *socket = arg;

    socket->joined = e == OK;
    socket->refused = e != OK;
    socket->over = over != NULL;
    socket->seated_at = at.seq;
}

/* Chat is asked; for whom it has said that he is a member, a subscription is taken later. */
static void enter(struct sio_socket *socket)
{
    socket->enters = socket->member;
    socket->stamp = rooms_membership_stamp(rooms, room);
}

static void add_subscription(struct sio_socket *socket, int64_t since)
{
    socket->enters = false;
    socket->joined = socket->refused = false;
    socket->start = socket->heard = since;
    socket->wrong = 0;
    subscriber_join(&socket->subscriber, room, (struct membership){ socket->stamp, 0 }, since, on_joined, socket);
}

static void join_room(struct sio_socket *socket, int64_t since)
{
    enter(socket);
    add_subscription(socket, since);
}

/* A connection is taken up again that has heard so far. */
static void resume(struct sio_socket *socket, int64_t heard)
{
    socket->enters = false;
    socket->joined = true;
    socket->start = socket->heard = heard;
    socket->wrong = 0;
    subscriber_resume(&socket->subscriber, &(struct room_start){ room, socket->subscriber.next_room_no++, heard },
        (struct membership){ socket->stamp, 0 }, heard);
}

static int set_up(void **state)
{
    (void)state;
    loop = ev_loop_new(EVFLAG_AUTO);
    rooms = rooms_create(loop, NULL, NULL, (struct rooms_bounds){ 10, 2 });
    room = id_new();
    head = 0;
    n_questions = charged = 0;
    most_missed = SIZE_MAX;
    listens = read_early = false;
    for (size_t i = 0; i < SOCKETS; i++) {
        sockets[i] = (struct sio_socket){
            .start = -1, .member = true, .address = "192.0.2.1", .subject = { 's', (char)('0' + i) }
        };
        subscriber_begin(&sockets[i].subscriber, rooms, &sockets[i], str_of(sockets[i].subject));
    }
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        subscriber_end(&sockets[i].subscriber);
        assert_int_equal(sockets[i].held, 0);
        assert_false(sockets[i].in);
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
    join_room(&sockets[0], -1);
    settle();
    assert_true(sockets[0].joined && sockets[0].seated_at == 3 && sockets[0].heard == -1);
    return &sockets[0];
}

/* It has what came before, and nothing of the page that is too much. */
static void a_join_that_reads_more_than_its_rate_is_refused(void **state)
{
    struct sio_socket *socket = &sockets[0];

    (void)state;
    head = 250;
    most_missed = 150;
    join_room(socket, 0);
    settle();
    assert_true(socket->refused && socket->over && !subscriber_is_in(&socket->subscriber, room));
    assert_true(socket->heard == 100 && socket->wrong == 0);
    assert_int_equal(charged, 200);
    most_missed = SIZE_MAX;
    join_room(socket, 100);
    settle();
    assert_true(socket->joined && !socket->over && socket->heard == 250 && socket->wrong == 0);
}

static bool joins(struct sio_socket *socket, struct id which)
{
    room = which;
    join_room(socket, -1);
    settle();
    assert_true(socket->joined != socket->refused);
    return socket->joined;
}

/* Two, here.  Who leaves one in which another stays may have one more, and who stays has it now. */
static void a_subject_has_so_many_rooms_listened_to_and_leaves_them_to_others(void **state)
{
    struct id a = id_new(), b = id_new(), c = id_new();

    (void)state;
    sockets[0].in_many = sockets[1].in_many = true;
    assert_true(joins(&sockets[0], a) && joins(&sockets[0], b));
    assert_false(joins(&sockets[0], c));
    assert_true(joins(&sockets[1], b));
    assert_true(subscriber_leave(&sockets[0].subscriber, b));
    assert_true(joins(&sockets[0], c));
    assert_true(joins(&sockets[0], b)); /* it is listened to already */
    assert_true(joins(&sockets[1], id_new()));
    assert_false(joins(&sockets[1], id_new()));
    for (size_t i = 2; i < 4; i++) { /* six are all for the address */
        sockets[i].in_many = true;
        assert_int_equal(joins(&sockets[i], id_new()) + joins(&sockets[i], id_new()), i == 2 ? 2 : 0);
    }
    sockets[4].in_many = true;
    sockets[4].address = "192.0.2.2";
    assert_true(joins(&sockets[4], id_new()));
}

static void what_a_slow_reader_missed_is_counted_and_sent(void **state)
{
    struct sio_socket *socket = live_socket();

    (void)state;
    most_missed = 0;
    socket->slow = true;
    head = 203;
    announce(4);
    socket->slow = false;
    subscriber_drained(&socket->subscriber);
    settle();
    assert_true(socket->start == 3 && socket->heard == 203 && socket->wrong == 0);
    assert_int_equal(charged, 200);
}

static void nothing_is_delivered_across_a_gap(void **state)
{
    (void)state;
    struct sio_socket *socket = live_socket();

    head = 5;
    announce(5); /* the fourth was lost on the way */
    assert_int_equal(socket->heard, -1);
    assert_int_equal(n_questions, 1);
    assert_true(questions[0].method == M_store_log_since && questions[0].after == 3);
    head = 7;
    announce(6);
    assert_int_equal(socket->heard, -1);
    answer(0, OK, 1); /* a short page: the fourth alone */
    assert_true(socket->start == 3 && socket->heard == 7 && socket->wrong == 0);
}

/* Two are alike, and others differ from them in one thing each: another room besides, another epoch, another number of the room. */
static void each_socket_hears_its_own_offset(void **state)
{
    static const char epochs[SOCKETS] = { 'a', 'a', 'a', 'b', 'a' };
    static const uint32_t numbers[SOCKETS] = { 0, 0, 0, 0, 7 };
    struct id other = id_new();

    (void)state;
    head = 3;
    sockets[2].in_many = true;
    for (size_t i = 0; i < SOCKETS; i++) {
        subscriber_track(&sockets[i].subscriber, epochs[i], numbers[i]);
        join_room(&sockets[i], -1);
        settle();
    }
    subscriber_resume(&sockets[2].subscriber, &(struct room_start){ other, 5, 0 }, (struct membership){ 0, 0 }, 2);
    settle();
    for (head = 4; head < 6; head++) {
        announce(head);
        assert_string_equal(sockets[0].offset, head == 4 ? "a0.4" : "a0.5");
        assert_string_equal(sockets[1].offset, sockets[0].offset);
        assert_string_equal(sockets[3].offset, head == 4 ? "b0.4" : "b0.5");
        assert_string_equal(sockets[4].offset, head == 4 ? "a7.4" : "a7.5");
        assert_string_equal(sockets[2].offset, head == 4 ? "a0.4-5.2" : "a0.5-5.2");
    }
    sockets[1].subscriber.lost = true;
    announce(head);
    assert_string_equal(sockets[0].offset, "a0.6");
    assert_string_equal(sockets[1].offset, "a-");
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
    join_room(&sockets[1], -1);
    settle();
    sockets[0].slow = true;
    head = 4;
    announce(4);
    assert_int_equal(sockets[0].heard, -1);
    assert_int_equal(sockets[1].heard, 4);
}

static void say_who_has_read(struct receipt_item *items, size_t n)
{
    const struct receipt_news news = { room, { items, n } };
    struct buf body = BUF(65536);

    assert_int_equal(wire_encode(receipt_news_shape(), &news, &body), OK);
    assert_true(rooms_take_event(rooms, CHAT, &(struct frame_event){ .name = STR("receipt.moved") }, buf_str(&body)));
    buf_free(&body);
}

static bool is_told(const struct sio_socket *socket, const char *word)
{
    return strstr(socket->receipts, word) != NULL;
}

static void who_has_read_is_told_to_others_who_may_see_it(void **state)
{
    (void)state;
    struct str apart[] = { STR("s2"), STR("s3") };
    struct receipt_item items[] = { { STR("s0"), 5, 1000, { apart, 2 } }, { STR("s1"), 6, 1000, { apart, 1 } } };

    live_socket();
    for (size_t i = 1; i < SOCKETS; i++) join_room(&sockets[i], -1);
    settle();
    say_who_has_read(items, 2);
    assert_true(!is_told(&sockets[0], "\"s0\"") && is_told(&sockets[0], "\"s1\""));
    assert_true(is_told(&sockets[1], "\"s0\"") && !is_told(&sockets[1], "\"s1\""));
    assert_int_equal(sockets[2].n_receipts, 0);
    assert_true(!is_told(&sockets[3], "\"s0\"") && is_told(&sockets[3], "\"s1\""));
    assert_true(is_told(&sockets[4], "\"s0\"") && is_told(&sockets[4], "\"s1\""));
}

static void a_slow_reader_is_told_once_that_it_has_missed_who_has_read(void **state)
{
    (void)state;
    struct str apart[] = { STR("s1") };
    struct receipt_item item = { STR("s2"), 5, 1000, { apart, 1 } };

    live_socket();
    join_room(&sockets[1], -1);
    settle();
    sockets[0].slow = sockets[1].slow = true;
    for (int i = 0; i < 3; i++) say_who_has_read(&item, 1);
    assert_int_equal(sockets[0].n_receipts, 0);
    for (size_t i = 0; i < 2; i++) {
        sockets[i].slow = false;
        subscriber_drained(&sockets[i].subscriber);
    }
    settle();
    assert_true(sockets[0].n_receipts == 1 && is_told(&sockets[0], "\"missed\":true") && !is_told(&sockets[0], "s2"));
    assert_int_equal(sockets[1].n_receipts, 0); /* nothing that it might have seen */
}

static void what_was_missed_before_a_join_comes_before_what_is_new(void **state)
{
    (void)state;
    live_socket();
    join_room(&sockets[1], 1);
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

    rooms_recheck(rooms, CHAT);
    ev_run(loop, EVRUN_NOWAIT);
    assert_true(n_questions == 1 && questions[0].method == M_store_log_heads);
    rooms_recheck(rooms, CHAT); /* a second store died, and the question is on its way already */
    answer(0, OK, 0);
    head = 4;
    settle();
    assert_true(socket->heard == 4 && socket->wrong == 0);
}

/* --- memberships that end --- */

static void answer_next(enum method_index method, enum err e)
{
    for (int i = 0; i < 3 && n_questions == 0; i++) ev_run(loop, EVRUN_NOWAIT);
    assert_int_not_equal(n_questions, 0);
    assert_int_equal(questions[0].method, method);
    answer(0, e, 1000);
}

static bool sits(const struct sio_socket *socket)
{
    return subscriber_is_in(&socket->subscriber, room);
}

static void a_membership_that_ends_before_the_room_is_listened_to_refuses_the_join(void **state)
{
    struct sio_socket *socket = &sockets[0];

    (void)state;
    head = 3;
    join_room(socket, 0);
    set_member(socket, false);
    assert_false(listens);
    head = 4;
    settle();
    assert_true(socket->refused && !socket->joined && !sits(socket));
    assert_true(socket->heard == 0 && socket->removals == 0);
}

static void a_membership_that_ended_before_a_connection_is_taken_up_is_seen_before_anything_is_heard(void **state)
{
    struct sio_socket *socket = &sockets[0];

    (void)state;
    head = 3;
    enter(socket);
    set_member(socket, false);
    head = 5;
    resume(socket, 3);
    settle();
    assert_true(!sits(socket) && socket->heard == 3 && socket->removals == 1);
}

static void answer_one(enum method_index method)
{
    size_t i = 0;

    while (i < n_questions && questions[i].method != method) i++;
    assert_true(i < n_questions);
    answer(i, OK, 1000);
}

/* A connection is taken up again in a room of five messages, of which it has heard three; the head is known. */
static struct sio_socket *unsure_socket(void)
{
    head = 5;
    enter(&sockets[0]);
    resume(&sockets[0], 3);
    answer_next(M_chat_room_subscribe, OK);
    for (int i = 0; i < 3; i++) ev_run(loop, EVRUN_NOWAIT);
    answer_one(M_store_log_heads);
    return &sockets[0];
}

static void nothing_is_fetched_for_whom_chat_has_not_answered_about(void **state)
{
    struct sio_socket *socket = unsure_socket();

    (void)state;
    assert_true(n_questions == 1 && questions[0].method == M_chat_member_roles);
    answer_next(M_chat_member_roles, OK);
    settle();
    assert_int_equal(socket->heard, 5);
}

static void an_answer_of_a_chat_that_is_gone_does_not_count(void **state)
{
    struct sio_socket *socket = unsure_socket();

    (void)state;
    chat_dies();
    answer_one(M_chat_member_roles);
    for (size_t i = 0; i < n_questions; i++) assert_int_not_equal(questions[i].method, M_store_log_since);
    set_member(socket, false); /* as the next one knows */
    settle();
    assert_true(!sits(socket) && socket->heard == 3);
}

static void who_comes_back_into_a_room_that_others_listen_to_is_asked_about_too(void **state)
{
    struct sio_socket *late = &sockets[1];

    (void)state;
    live_socket();
    enter(late);
    set_member(late, false); /* it has no subscription yet that could be taken away */
    head = 5;
    announce(4);
    resume(late, 3);
    settle();
    assert_true(!sits(late) && late->heard == 3 && late->removals == 1);
    assert_true(sits(&sockets[0]) && sockets[0].heard == 5);
}

static void a_membership_that_ends_after_the_answer_is_heard_of(void **state)
{
    struct sio_socket *socket = &sockets[0];

    (void)state;
    head = 3;
    enter(socket);
    resume(socket, 3);
    answer_next(M_chat_room_subscribe, OK);
    read_early = true;
    for (int i = 0; i < 3; i++) ev_run(loop, EVRUN_NOWAIT); /* both are asked, and chat has read: a member */
    set_member(socket, false);
    assert_false(sits(socket));
    head = 4;
    settle();
    assert_true(!sits(socket) && socket->heard == 3 && socket->removals == 1);
}

static void who_was_removed_and_added_again_stays(void **state)
{
    struct sio_socket *socket = &sockets[0];

    (void)state;
    head = 3;
    enter(socket);
    set_member(socket, false);
    resume(socket, 3);
    answer_next(M_chat_room_subscribe, OK);
    set_member(socket, true);
    head = 4;
    settle();
    assert_true(sits(socket) && socket->heard == 4 && socket->removals == 0);
}

static void an_answer_that_is_older_than_a_second_join_does_not_count(void **state)
{
    struct sio_socket *socket = &sockets[0];

    (void)state;
    head = 3;
    enter(socket);
    set_member(socket, false);
    resume(socket, 3);
    answer_next(M_chat_room_subscribe, OK);
    read_early = true;
    for (int i = 0; i < 3; i++) ev_run(loop, EVRUN_NOWAIT); /* chat has read: no member */
    set_member(socket, true);
    join_room(socket, -1);
    assert_true(socket->joined);
    settle();
    assert_true(sits(socket) && socket->removals == 0);
}

static void who_joins_where_the_room_was_listened_to_all_the_while_is_not_asked_about(void **state)
{
    (void)state;
    live_socket();
    join_room(&sockets[1], -1);
    for (int i = 0; i < 3; i++) ev_run(loop, EVRUN_NOWAIT);
    assert_true(sockets[1].joined && n_questions == 0);
}

static void what_ended_while_chat_was_away_is_noticed_when_it_is_back(void **state)
{
    struct sio_socket *socket = live_socket();

    (void)state;
    join_room(&sockets[1], -1);
    settle();
    listens = false;
    set_member(socket, false);
    chat_dies();
    settle();
    assert_true(!sits(socket) && socket->removals == 1);
    assert_true(sits(&sockets[1]) && sockets[1].removals == 0);
}

static void who_cannot_be_asked_about_is_refused_or_asked_about_again(void **state)
{
    (void)state;
    head = 3;
    join_room(&sockets[0], -1);
    enter(&sockets[1]);
    resume(&sockets[1], 2);
    answer_next(M_chat_room_subscribe, OK);
    answer_next(M_chat_member_roles, ERR_OVERLOADED);
    assert_true(sockets[0].refused && !sits(&sockets[0]));
    ev_sleep(RETRY_S + 0.05);
    ev_now_update(loop);
    settle();
    assert_true(sits(&sockets[1]) && sockets[1].heard == 3);
}

static void one_question_is_for_all_who_sit_down_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOCKETS; i++) {
        enter(&sockets[i]);
        resume(&sockets[i], 0);
    }
    answer_next(M_chat_room_subscribe, OK);
    for (int i = 0; i < 3; i++) ev_run(loop, EVRUN_NOWAIT);
    assert_true(n_questions == 2 && questions[0].n_asked + questions[1].n_asked == SOCKETS);
}

static void features_know_who_is_in_a_room_from_its_answer_on(void **state)
{
    (void)state;
    head = 3;
    join_room(&sockets[0], 1);
    answer(0, OK, 0); /* chat: it is subscribed */
    ev_run(loop, EVRUN_NOWAIT);
    assert_false(sockets[0].in);
    settle();
    assert_true(sockets[0].joined && sockets[0].in);
    sockets[0].slow = true;
    head = 4;
    announce(4); /* it falls behind, and catches up: it was there all the time */
    sockets[0].slow = false;
    subscriber_drained(&sockets[0].subscriber);
    settle();
    assert_true(sockets[0].heard == 4 && sockets[0].in);
    assert_true(subscriber_leave(&sockets[0].subscriber, room));
    assert_false(sockets[0].in);
}

static void features_hear_nothing_of_a_join_that_failed(void **state)
{
    (void)state;
    live_socket();
    join_room(&sockets[1], 1);
    assert_true(n_questions == 1 && questions[0].method == M_store_log_since);
    answer(0, ERR_UNAVAILABLE, 0);
    assert_true(sockets[1].refused && !sockets[1].in && sockets[0].in);
}

/* --- any order of anything --- */

static bool one_in(int n)
{
    return random() % n == 0;
}

/* Chat may die, and what it had to say with it: then members that are none any more hear on until it is back. */
static void one_step(bool chat_may_die)
{
    struct sio_socket *socket = &sockets[random() % SOCKETS];

    read_early = one_in(2);
    if (one_in(40)) set_member(socket, !socket->member);

    if (one_in(3)) {
        int64_t first = ++head - random() % 3;
        if (!one_in(4)) announce(first > 0 ? first : 1); /* now and then chat dies before it has said so */
    }
    if (n_questions > 0 && one_in(2))
        answer((size_t)random() % n_questions, one_in(5) ? ERR_UNAVAILABLE : OK, 1 + random() % 5);
    if (socket->enters && one_in(3) && one_in(2))
        resume(socket, socket->heard >= 0 ? socket->heard : 0);
    else if (socket->enters && one_in(3))
        add_subscription(socket, socket->heard >= 0 ? socket->heard : -1);
    if (one_in(10) && !subscriber_is_in(&socket->subscriber, room)) enter(socket);
    if (one_in(100) && subscriber_is_in(&socket->subscriber, room) && socket->joined)
        subscriber_leave(&socket->subscriber, room);
    if (one_in(15)) socket->slow = !socket->slow;
    if (!socket->slow && one_in(3)) subscriber_drained(&socket->subscriber);
    if (chat_may_die && one_in(150)) chat_dies();
    if (one_in(150)) rooms_recheck(rooms, CHAT);
    if (one_in(10)) ev_run(loop, EVRUN_NOWAIT);
}

/* The timer by which what failed is tried again, without the wait. */
static void calm_down(void)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        sockets[i].slow = false;
        subscriber_drained(&sockets[i].subscriber);
    }
    chat_dies();
    settle();
    ev_sleep(RETRY_S + 0.05);
    ev_now_update(loop);
    settle();
}

static void whoever_sits_hears_each_message_once_in_order_whatever_gets_lost(void **state)
{
    for (unsigned seed = 1; seed <= 10; seed++) {
        srandom(seed);
        bool chat_may_die = seed % 2 == 0;
        for (int i = 0; i < 3000; i++) one_step(chat_may_die);
        for (size_t i = 0; i < SOCKETS && !chat_may_die; i++)
            if (sockets[i].forbidden != 0) fail_msg("seed %u: socket %zu heard what is for members", seed, i);
        calm_down();
        for (size_t i = 0; i < SOCKETS; i++) {
            if (subscriber_is_in(&sockets[i].subscriber, room) && !sockets[i].member)
                fail_msg("seed %u: socket %zu sits there and is no member", seed, i);
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
        TEST(a_join_that_reads_more_than_its_rate_is_refused),
        TEST(what_a_slow_reader_missed_is_counted_and_sent),
        TEST(a_subject_has_so_many_rooms_listened_to_and_leaves_them_to_others),
        TEST(each_socket_hears_its_own_offset),
        TEST(what_is_announced_twice_is_heard_once),
        TEST(more_than_is_kept_ahead_of_a_gap_comes_from_the_store),
        TEST(what_was_held_ahead_and_comes_again_is_not_kept),
        TEST(a_slow_reader_is_sent_nothing_until_it_has_read),
        TEST(a_slow_reader_does_not_hold_up_the_others),
        TEST(who_has_read_is_told_to_others_who_may_see_it),
        TEST(a_slow_reader_is_told_once_that_it_has_missed_who_has_read),
        TEST(what_was_missed_before_a_join_comes_before_what_is_new),
        TEST(an_answer_that_is_older_than_the_loss_does_not_count),
        TEST(a_membership_that_ends_before_the_room_is_listened_to_refuses_the_join),
        TEST(a_membership_that_ended_before_a_connection_is_taken_up_is_seen_before_anything_is_heard),
        TEST(nothing_is_fetched_for_whom_chat_has_not_answered_about),
        TEST(an_answer_of_a_chat_that_is_gone_does_not_count),
        TEST(who_comes_back_into_a_room_that_others_listen_to_is_asked_about_too),
        TEST(a_membership_that_ends_after_the_answer_is_heard_of),
        TEST(who_was_removed_and_added_again_stays),
        TEST(an_answer_that_is_older_than_a_second_join_does_not_count),
        TEST(who_joins_where_the_room_was_listened_to_all_the_while_is_not_asked_about),
        TEST(what_ended_while_chat_was_away_is_noticed_when_it_is_back),
        TEST(who_cannot_be_asked_about_is_refused_or_asked_about_again),
        TEST(one_question_is_for_all_who_sit_down_at_once),
        TEST(features_know_who_is_in_a_room_from_its_answer_on),
        TEST(features_hear_nothing_of_a_join_that_failed),
        TEST(whoever_sits_hears_each_message_once_in_order_whatever_gets_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

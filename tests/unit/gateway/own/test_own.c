/* test_own.c - the stream of one's own rooms, with a chat that answers what the test wants, when it wants: what is asked, and who is told. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/clock.h"
#include "services/gateway/features.h"
#include "services/gateway/own/own.h"
#include "services/gateway/rooms/rooms.h"
#include "tests/lib/heap.h"

#define QUESTIONS_MAX 64
#define HEARD_MAX     512
#define ROOMS_MAX     400
#define AWAY_MS       1000
#define PATIENCE_US   30000000
#define MINUTE_MS     60000

static const struct service_part CHAT = { SERVICE_chat, 0, 1 };

/* --- sockets: what they heard, in order --- */

struct sio_socket {
    struct client client;
    max_align_t slot[8];
    const char *nsp;
    bool is_slow, may_not;
    struct id joined; /* a room */
    size_t n;
    struct {
        char event[16];
        struct id room;
    } heard[HEARD_MAX];
};

static struct id room_of(struct str text)
{
    struct id room;
    const char *at = memmem(text.at, text.len, "\"id\":\"", 6);

    at = at != NULL ? at + 6 : (const char *)memmem(text.at, text.len, "\"room\":\"", 8) + 8;
    assert_true(id_parse((struct str){ at, ID_TEXT_BYTES }, &room));
    return room;
}

void sio_send(struct sio_socket *socket, struct eio_packet *packet)
{
    struct str text = eio_packet_text_payload(packet);
    const char *at = memmem(text.at, text.len, "[\"", 2);

    assert_true(!socket->is_slow && socket->n < HEARD_MAX);
    assert_int_equal(sscanf(at, "[\"%15[^\"]", socket->heard[socket->n].event), 1);
    socket->heard[socket->n++].room = room_of(text);
}
bool sio_is_slow(const struct sio_socket *socket)
{
    return socket->is_slow;
}
struct str sio_nsp(const struct sio_socket *socket)
{
    return str_of(socket->nsp);
}
void *client_slot(struct client *client, unsigned feature)
{
    assert_int_equal(feature, FEATURE_own);
    return client->socket->slot;
}
bool client_may(const struct client *client, struct str event, struct str room, enum policy_action action)
{
    assert_true(str_is(event, "room:join") && room.len == ID_TEXT_BYTES && action == POLICY_SUBSCRIBE);
    return !client->socket->may_not;
}
struct subscriber *client_subscriber(struct client *client)
{
    return (void *)client->socket;
}
bool subscriber_is_in(const struct subscriber *subscriber, struct id room)
{
    return id_eq(((const struct sio_socket *)(const void *)subscriber)->joined, room);
}
/* The bearer of the test's sockets is its subject's name. */
struct str bearer_subject(const struct bearer *bearer)
{
    return bearer == NULL ? STR_NONE : str_of((const char *)bearer);
}

static struct ev_loop *loop;

/* --- chat: its questions wait for the test --- */

struct question {
    enum method_index method;
    char subject[16];
    size_t n;
    struct id rooms[ROOMS_MAX];
    int64_t since;
    struct id after;
    ev_tstamp at;
    rpc_reply_fn *reply;
    void *arg;
};
static struct question questions[QUESTIONS_MAX];
static size_t n_questions, unanswered;

void method_ask_for(const struct service_pipes *to, enum method_index method, struct str subject, const void *record,
    rpc_reply_fn *reply, void *arg)
{
    struct question *question = &questions[n_questions++];

    (void)to;
    unanswered++;
    assert_true(n_questions <= QUESTIONS_MAX);
    *question = (struct question){ .method = method, .at = ev_now(loop), .reply = reply, .arg = arg };
    snprintf(question->subject, sizeof question->subject, "%.*s", STR_ARG(subject));
    if (method == M_chat_own_rooms) {
        const struct own_rooms_query *query = record;
        question->n = query->rooms.len;
        memcpy(question->rooms, query->rooms.at, question->n * sizeof *question->rooms);
    } else {
        const struct own_since_query *query = record;
        assert_int_equal(method, M_chat_own_since);
        question->since = query->since;
        question->after = query->after;
    }
}

static struct question take_question(void)
{
    struct question first = questions[0];

    assert_true(n_questions > 0);
    memmove(questions, questions + 1, --n_questions * sizeof *questions);
    return first;
}

static void answer_with(const struct question *question, const struct wire_shape *shape, const void *record)
{
    struct buf body = BUF(1u << 20);

    assert_int_equal(wire_encode(shape, record, &body), OK);
    unanswered--;
    question->reply(question->arg, OK, buf_str(&body));
    buf_free(&body);
}

/* They see so many of the rooms that they are asked about, and ask to be let into so many of the others. */
static void answer_rooms_and_asked(const struct question *question, size_t n, size_t n_asked)
{
    static struct room rooms[ROOMS_MAX];

    assert_int_equal(question->method, M_chat_own_rooms);
    for (size_t i = 0; i < n; i++)
        rooms[i] = (struct room){ .id = question->rooms[i],
            .name = STR("a room"),
            .created_by = STR("ada"),
            .created_at = 1,
            .head = 7,
            .read = 3,
            .unread = 4 };
    answer_with(question, own_rooms_shape(),
        &(struct own_rooms){ .rooms = { rooms, n }, .asked = { (struct id *)question->rooms + n, n_asked } });
}

static void answer_rooms(const struct question *question, size_t n)
{
    answer_rooms_and_asked(question, n, 0);
}

static void answer_places(const struct question *question, const struct id *rooms, size_t n, const char *what)
{
    static struct missed_room places[ROOMS_MAX];

    assert_int_equal(question->method, M_chat_own_since);
    for (size_t i = 0; i < n; i++) places[i] = (struct missed_room){ rooms[i], str_of(what) };
    answer_with(question, missed_rooms_shape(), &(struct missed_rooms){ .places = { places, n } });
}

static void fail_question(const struct question *question)
{
    unanswered--;
    question->reply(question->arg, ERR_UNAVAILABLE, STR_NONE);
}

/* --- the gateway --- */

static struct own_stream *own;
static struct sio_socket sockets[40];
static struct id rooms[ROOMS_MAX];

static struct sio_socket *connect_in(size_t i, const char *subject, const char *nsp)
{
    struct sio_socket *socket = &sockets[i];

    *socket = (struct sio_socket){ .nsp = nsp };
    socket->client.socket = socket;
    socket->client.rights.bearer = (struct bearer *)(uintptr_t)subject;
    assert_true(own_feature.slot_bytes <= sizeof socket->slot);
    own_feature.open(own, &socket->client, NULL);
    return socket;
}

static struct sio_socket *connect_as(size_t i, const char *subject)
{
    return connect_in(i, subject, "/chat");
}

static void disconnect(struct sio_socket *socket)
{
    own_feature.closed(own, &socket->client, "transport close");
    socket->client.socket = NULL;
}

static void tell_some(const char *const *subjects, size_t n, const char *what, struct id room)
{
    struct str names[40];
    struct buf body = BUF(1u << 16);

    for (size_t i = 0; i < n; i++) names[i] = str_of(subjects[i]);
    const struct own_news news = { room, str_of(what), { names, n }, clock_ms() };
    assert_int_equal(wire_encode(own_news_shape(), &news, &body), OK);
    assert_true(
        own_feature.service_event(own, CHAT, &(struct frame_event){ .name = STR("own.changed") }, buf_str(&body)));
    buf_free(&body);
}

static void tell(const char *subject, const char *what, struct id room)
{
    tell_some(&subject, 1, what, room);
}

static struct question next_question(void)
{
    int64_t until_us = clock_mono_us() + PATIENCE_US;

    while (n_questions == 0) {
        assert_true(clock_mono_us() < until_us);
        ev_run(loop, EVRUN_ONCE);
    }
    return take_question();
}

/* While something is due a timer runs. */
static void nothing_is_asked(void)
{
    ev_run(loop, 0);
    assert_int_equal(n_questions, 0);
}

static void heard(struct sio_socket *socket, const char *event, struct id room)
{
    for (size_t i = 0; i < socket->n; i++)
        if (strcmp(socket->heard[i].event, event) == 0 && id_eq(socket->heard[i].room, room)) {
            socket->heard[i] = socket->heard[--socket->n];
            return;
        }
    fail_msg("%s was not heard", event);
}

static int set_up(void **state)
{
    (void)state;
    loop = ev_loop_new(EVFLAG_AUTO);
    own = own_create(loop, NULL, AWAY_MS, OWN_PLACES_MAX);
    n_questions = unanswered = 0;
    memset(sockets, 0, sizeof sockets);
    for (size_t i = 0; i < ROOMS_MAX; i++) rooms[i] = id_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sockets); i++)
        if (sockets[i].client.socket != NULL) disconnect(&sockets[i]);
    while (n_questions > 0) {
        struct question question = take_question();
        fail_question(&question);
    }
    own_feature.stop(own);
    if (unanswered == 0) own_feature.destroy(own); /* a test that failed has taken the question with it */
    ev_loop_destroy(loop);
    return 0;
}

/* --- what is told --- */

static void however_much_changes_one_question_is_asked_and_each_socket_is_told(void **state)
{
    struct sio_socket *phone = connect_as(0, "ada"), *laptop = connect_as(1, "ada"), *bo = connect_as(2, "bo");

    (void)state;
    for (int i = 0; i < 10; i++)
        for (size_t room = 0; room < 3; room++) tell("ada", i % 2 ? "said" : "changed", rooms[room]);
    struct question first = next_question();
    assert_true(strcmp(first.subject, "ada") == 0 && first.n == 3);
    tell("ada", "added", rooms[3]);
    tell("ada", "read", rooms[4]);
    answer_rooms(&first, 3);
    for (size_t room = 0; room < 3; room++) {
        heard(phone, "room:changed", rooms[room]);
        heard(laptop, "room:changed", rooms[room]);
    }
    struct question second = next_question();
    assert_int_equal(second.n, 2);
    assert_true(second.at - first.at > 0.999);
    answer_rooms(&second, 2);
    heard(phone, "room:added", rooms[3]);
    heard(phone, "read:changed", rooms[4]);
    nothing_is_asked();
    assert_int_equal(phone->n + bo->n, 0);
    disconnect(phone);
    disconnect(laptop);
    disconnect(bo);
}

static void who_joined_a_room_is_not_told_of_what_is_said_there(void **state)
{
    struct sio_socket *phone = connect_as(0, "ada"), *laptop = connect_as(1, "ada");

    (void)state;
    phone->joined = laptop->joined = rooms[0];
    tell("ada", "said", rooms[0]);
    nothing_is_asked();
    laptop->joined = rooms[1];
    tell("ada", "said", rooms[0]);
    struct question question = next_question();
    answer_rooms(&question, 1);
    assert_int_equal(phone->n, 0);
    heard(laptop, "room:changed", rooms[0]);
    tell("ada", "changed", rooms[0]);
    question = next_question();
    answer_rooms(&question, 1);
    heard(phone, "room:changed", rooms[0]);
    disconnect(phone);
    disconnect(laptop);
}

static void who_may_not_join_a_room_or_is_elsewhere_hears_nothing(void **state)
{
    struct sio_socket *capped = connect_as(0, "ada"), *elsewhere = connect_in(1, "ada", "/system");
    struct sio_socket *nobody = connect_as(2, NULL);

    (void)state;
    capped->may_not = true;
    tell("ada", "changed", rooms[0]);
    struct question question = next_question();
    answer_rooms(&question, 1);
    tell("ada", "removed", rooms[0]);
    nothing_is_asked();
    assert_int_equal(capped->n + elsewhere->n + nobody->n, 0);
    disconnect(capped);
    disconnect(elsewhere);
    disconnect(nobody);
}

static void an_end_is_told_at_once_and_what_was_asked_before_it_is_not(void **state)
{
    struct sio_socket *ada = connect_as(0, "ada"), *inside = connect_as(1, "ada");

    (void)state;
    inside->joined = rooms[0];
    tell("ada", "changed", rooms[0]);
    tell("ada", "changed", rooms[1]);
    struct question question = next_question();
    tell("ada", "said", rooms[0]);
    tell("ada", "removed", rooms[0]);
    heard(ada, "room:removed", rooms[0]);
    assert_int_equal(inside->n, 0); /* rooms.c tells who has joined it */
    answer_rooms(&question, 2);
    heard(ada, "room:changed", rooms[1]);
    nothing_is_asked();
    assert_int_equal(ada->n, 0);
    disconnect(ada);
    disconnect(inside);
}

static void what_ended_before_it_was_asked_about_is_not(void **state)
{
    struct sio_socket *ada = connect_as(0, "ada");

    (void)state;
    tell("ada", "changed", rooms[0]);
    tell("ada", "removed", rooms[0]);
    heard(ada, "room:removed", rooms[0]);
    nothing_is_asked();
    tell("ada", "changed", rooms[1]);
    struct question question = next_question();
    assert_int_equal(question.n, 1);
    answer_rooms(&question, 1);
    heard(ada, "room:changed", rooms[1]);
    disconnect(ada);
}

static void who_asks_no_more_is_told_unless_they_ask_anew_by_then(void **state)
{
    struct sio_socket *ada = connect_as(0, "ada");

    (void)state;
    tell("ada", "unasked", rooms[0]);
    struct question question = next_question();
    answer_rooms_and_asked(&question, 0, 1);
    nothing_is_asked();
    assert_int_equal(ada->n, 0);
    tell("ada", "unasked", rooms[0]);
    question = next_question();
    answer_rooms(&question, 0);
    heard(ada, "room:removed", rooms[0]);
    own_feature.service_up(own, CHAT);
    question = next_question();
    answer_places(&question, rooms, 2, "removed");
    question = next_question();
    answer_rooms_and_asked(&question, 0, 1);
    heard(ada, "room:removed", rooms[1]);
    assert_int_equal(ada->n, 0);
    disconnect(ada);
}

/* --- what may have been lost --- */

static void what_is_not_answered_is_asked_for_by_time(void **state)
{
    struct sio_socket *ada = connect_as(0, "ada");
    int64_t begun = clock_ms();

    (void)state;
    tell("ada", "changed", rooms[0]);
    struct question question = next_question();
    fail_question(&question);
    question = next_question();
    assert_in_range(question.since, begun - MINUTE_MS, clock_ms() - MINUTE_MS);
    fail_question(&question);
    struct question again = next_question();
    assert_int_equal(again.since, question.since);
    answer_places(&again, rooms, 2, "added");
    question = next_question();
    assert_int_equal(question.n, 2);
    answer_rooms(&question, 1);
    heard(ada, "room:added", rooms[0]);
    nothing_is_asked();
    assert_int_equal(ada->n, 0); /* of the other there is nothing to be told: it is seen no more */
    own_feature.service_up(own, CHAT);
    question = next_question();
    answer_places(&question, rooms, 1, "removed");
    question = next_question();
    answer_rooms(&question, 0);
    heard(ada, "room:removed", rooms[0]);
    disconnect(ada);
}

static void what_was_missed_is_asked_for_page_by_page(void **state)
{
    struct sio_socket *ada = connect_as(0, "ada");
    bool is_known[ROOMS_MAX] = { false };

    (void)state;
    own_feature.service_event(own, CHAT, &(struct frame_event){ .name = STR("resync") }, STR_NONE);
    struct question first = next_question();
    assert_true(id_is_nil(first.after));
    answer_places(&first, rooms, 200, "changed");
    for (int left = 3; left > 0; left--) {
        struct question question = next_question();
        if (question.method == M_chat_own_since) {
            assert_true(id_eq(question.after, rooms[199]) && question.since == first.since);
            answer_places(&question, rooms + 200, 150, "changed");
        } else {
            answer_rooms(&question, question.n);
        }
    }
    nothing_is_asked();
    assert_int_equal(ada->n, 350);
    for (size_t i = 0; i < ada->n; i++)
        for (size_t k = 0; k < 350; k++) is_known[k] |= id_eq(ada->heard[i].room, rooms[k]);
    for (size_t k = 0; k < 350; k++) assert_true(is_known[k]);
    disconnect(ada);
}

static void who_was_slow_or_away_is_told_what_it_missed(void **state)
{
    struct sio_socket *slow = connect_as(0, "ada"), *quick = connect_as(1, "ada");

    (void)state;
    slow->is_slow = true;
    tell("ada", "changed", rooms[0]);
    struct question question = next_question();
    answer_rooms(&question, 1);
    heard(quick, "room:changed", rooms[0]);
    slow->is_slow = false;
    own_feature.drained(own, &slow->client);
    question = next_question();
    answer_places(&question, rooms, 1, "changed");
    question = next_question();
    answer_rooms(&question, 1);
    heard(slow, "room:changed", rooms[0]);
    own_feature.drained(own, &slow->client);
    nothing_is_asked();
    int64_t begun = clock_ms();
    own_feature.restore(own, &quick->client, NULL);
    question = next_question();
    assert_in_range(question.since, begun - AWAY_MS - MINUTE_MS, clock_ms() - AWAY_MS - MINUTE_MS);
    answer_places(&question, rooms, 0, "changed");
    nothing_is_asked();
    disconnect(slow);
    disconnect(quick);
}

/* --- bounds --- */

static void sixteen_subjects_are_asked_about_at_a_time(void **state)
{
    static char names[20][8];
    const char *subjects[20];

    (void)state;
    for (size_t i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], "s%zu", i);
        subjects[i] = names[i];
        connect_as(i, names[i]);
    }
    tell_some(subjects, 20, "changed", rooms[0]);
    struct question held = next_question();
    assert_int_equal(n_questions, 15);
    for (int turn = 0; turn < 3; turn++) ev_run(loop, EVRUN_ONCE);
    assert_int_equal(n_questions, 15);
    answer_rooms(&held, 1);
    while (n_questions > 0) {
        struct question question = next_question();
        answer_rooms(&question, 1);
    }
    for (int left = 4; left > 0; left--) {
        struct question question = next_question();
        answer_rooms(&question, 1);
    }
    nothing_is_asked();
    for (size_t i = 0; i < 20; i++) {
        heard(&sockets[i], "room:changed", rooms[0]);
        assert_int_equal(sockets[i].n, 0);
        disconnect(&sockets[i]);
    }
}

#define SUBJECTS      16
#define SUBJECT_BYTES (11 << 10)

static void of_more_rooms_than_can_be_noted_time_is_what_is_remembered(void **state)
{
    static char names[SUBJECTS][8];
    const char *subjects[SUBJECTS];
    size_t before = heap_bytes();

    (void)state;
    for (size_t i = 0; i < SUBJECTS; i++) {
        snprintf(names[i], sizeof names[i], "s%zu", i);
        subjects[i] = names[i];
        connect_as(i, names[i]);
    }
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < ROOMS_MAX; i++) tell_some(subjects, SUBJECTS, "changed", rooms[i]);
    struct question noted = next_question();
    assert_true(noted.n == 200 && n_questions == SUBJECTS - 1);
    for (size_t i = 0; i < 199; i++) tell_some(subjects, SUBJECTS, "changed", rooms[i]);
    for (size_t i = 0; i < SUBJECTS; i++) {
        answer_rooms(&noted, 200);
        if (i < SUBJECTS - 1) noted = take_question();
    }
    for (size_t i = 0; i < SUBJECTS; i++) {
        struct question missed = next_question();
        assert_in_range(missed.since, 1, clock_ms() - MINUTE_MS);
        answer_places(&missed, rooms + 200, 200, "changed"); /* beside those that are noted */
    }
    size_t held = heap_bytes() - before;
    printf("# %zu bytes of each subject\n", held / SUBJECTS);
    assert_in_range(held, 0, SUBJECTS * SUBJECT_BYTES + HEAP_SLACK);
    struct question rest = next_question();
    assert_int_equal(rest.n, 200);
    for (size_t i = 0; i < SUBJECTS; i++) {
        assert_int_equal(sockets[i].n, 200);
        disconnect(&sockets[i]);
    }
    for (answer_rooms(&rest, 200); n_questions > 0; answer_rooms(&rest, 200)) rest = take_question();
    for (size_t i = 0; i < SUBJECTS; i++) assert_int_equal(sockets[i].n, 200); /* nobody is there any more */
    nothing_is_asked();
    assert_in_range(heap_bytes(), 0, before + HEAP_SLACK);
}

/* Of each subject, more than it finds a place for. */
static void what_finds_no_place_among_all_is_asked_for_by_time(void **state)
{
    enum { PEOPLE = 32, PLACES = 2048, CHANGED = 199 };
    static char names[PEOPLE][8];
    const char *people[PEOPLE];
    size_t by_time = 0;

    (void)state;
    own_feature.destroy(own);
    own = own_create(loop, NULL, AWAY_MS, PLACES);
    for (size_t i = 0; i < PEOPLE; i++) {
        snprintf(names[i], sizeof names[i], "s%zu", i);
        people[i] = names[i];
        connect_as(i, names[i]);
    }
    tell("nobody", "changed", rooms[0]); /* the arena has its first block */
    size_t before = heap_bytes();
    for (size_t i = 0; i < CHANGED; i++) tell_some(people, PEOPLE, "changed", rooms[i]);
    assert_in_range(heap_bytes() - before, 0, PLACES * 20 + HEAP_SLACK); /* without a bound four times as much */
    for (bool is_all = false; !is_all;) {
        struct question question = next_question();
        bool is_of_time = question.method == M_chat_own_since;
        if (is_of_time)
            answer_places(&question, rooms, CHANGED, "changed");
        else
            answer_rooms(&question, question.n);
        by_time += is_of_time;
        assert_in_range(by_time, 0, 10 * PEOPLE);
        is_all = true;
        for (size_t i = 0; i < PEOPLE; i++) is_all &= sockets[i].n >= CHANGED;
    }
    assert_in_range(by_time, PEOPLE, 10 * PEOPLE);
    while (unanswered > 0 || n_questions > 0) {
        struct question question = next_question();
        if (question.method == M_chat_own_since)
            answer_places(&question, rooms, 0, "changed");
        else
            answer_rooms(&question, question.n);
    }
    nothing_is_asked();
    for (size_t i = 0; i < PEOPLE; i++) {
        for (size_t k = 0; k < CHANGED; k++) heard(&sockets[i], "room:changed", rooms[k]);
        disconnect(&sockets[i]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            however_much_changes_one_question_is_asked_and_each_socket_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_joined_a_room_is_not_told_of_what_is_said_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_may_not_join_a_room_or_is_elsewhere_hears_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_end_is_told_at_once_and_what_was_asked_before_it_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_ended_before_it_was_asked_about_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_asks_no_more_is_told_unless_they_ask_anew_by_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_answered_is_asked_for_by_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_missed_is_asked_for_page_by_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_was_slow_or_away_is_told_what_it_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sixteen_subjects_are_asked_about_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_more_rooms_than_can_be_noted_time_is_what_is_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_finds_no_place_among_all_is_asked_for_by_time, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

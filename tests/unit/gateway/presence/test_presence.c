/* test_presence.c - who is there, with a chat that answers what the test wants: what it is told and asked, and what sockets are told, how often. */
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
#include "services/gateway/presence/presence.h"
#include "services/gateway/rooms/rooms.h"

#define QUESTIONS_MAX 64
#define HEARD_MAX     64
#define PEOPLE_MAX    150
#define PATIENCE_US   60000000

static const struct service_part CHAT = { SERVICE_chat, 0, 1 };

/* --- sockets: what they heard, in order --- */

struct sio_socket {
    struct client client;
    max_align_t slot[16];
    const char *nsp;
    bool is_slow, may_not, is_out;
    size_t n, held;
    char *heard[HEARD_MAX]; /* arguments */
};

void sio_send(struct sio_socket *socket, struct eio_packet *packet)
{
    struct str text = eio_packet_text_payload(packet);
    char *copy = strndup(text.at, text.len), *at = strstr(copy, "[\"presence\",");

    assert_true(!socket->is_slow && socket->n < HEARD_MAX && at != NULL);
    socket->heard[socket->n++] = strdup(at + strlen("[\"presence\","));
    free(copy);
}
bool sio_is_slow(const struct sio_socket *socket)
{
    return socket->is_slow;
}
struct str sio_nsp(const struct sio_socket *socket)
{
    return str_of(socket->nsp);
}
enum err sio_hold(struct sio_socket *socket, size_t bytes)
{
    socket->held += bytes;
    return OK;
}
void sio_release(struct sio_socket *socket, size_t bytes)
{
    assert_true(socket->held >= bytes);
    socket->held -= bytes;
}
void *client_slot(struct client *client, unsigned feature)
{
    assert_int_equal(feature, FEATURE_presence);
    return client->socket->slot;
}
bool client_may(const struct client *client, struct str event, struct str room, enum policy_action action)
{
    assert_true(str_is(event, "presence:watch") && room.len == ID_TEXT_BYTES && action == POLICY_SUBSCRIBE);
    return !client->socket->may_not;
}
struct subscriber *client_subscriber(struct client *client)
{
    return (void *)client->socket;
}
bool subscriber_is_in(const struct subscriber *subscriber, struct id room)
{
    (void)room;
    return !((const struct sio_socket *)(const void *)subscriber)->is_out;
}
/* The bearer of the test's sockets is its subject's name. */
struct str bearer_subject(const struct bearer *bearer)
{
    return bearer == NULL ? STR_NONE : str_of((const char *)bearer);
}

static struct ev_loop *loop;

/* --- chat --- */

struct question {
    enum method_index method;
    struct id room;
    bool begins;
    char devices[200]; /* +ada -bo */
    rpc_reply_fn *reply;
    void *arg;
};
static struct question questions[QUESTIONS_MAX];
static size_t n_questions;

static void note_devices(struct question *question, const struct presence_report *report)
{
    struct buf text = BUF(sizeof question->devices);

    question->begins = report->begins;
    for (size_t i = 0; i < report->devices.len; i++)
        buf_printf(&text, "%s%c%.*s", i > 0 ? " " : "", report->devices.at[i].here ? '+' : '-',
            STR_ARG(report->devices.at[i].subject));
    snprintf(question->devices, sizeof question->devices, "%.*s", STR_ARG(buf_str(&text)));
    buf_free(&text);
}

void method_ask(
    const struct service_pipes *to, enum method_index method, const void *record, rpc_reply_fn *reply, void *arg)
{
    struct question *question = &questions[n_questions++];

    assert_true(to->n == 1 && n_questions <= QUESTIONS_MAX);
    *question = (struct question){ .method = method, .reply = reply, .arg = arg };
    if (method == M_chat_presence_report)
        note_devices(question, record);
    else
        question->room = ((const struct presence_question *)record)->of;
}

static struct question take_question(void)
{
    struct question first = questions[0];

    assert_true(n_questions > 0);
    memmove(questions, questions + 1, --n_questions * sizeof *questions);
    return first;
}

static struct question next_question(enum method_index method)
{
    int64_t until_us = clock_mono_us() + PATIENCE_US;

    while (n_questions == 0) {
        assert_true(clock_mono_us() < until_us);
        ev_run(loop, EVRUN_ONCE);
    }
    struct question question = take_question();
    assert_int_equal(question.method, method);
    return question;
}

static void answer_ok(const struct question *question)
{
    question->reply(question->arg, OK, STR("\x80"));
}

static void answer_failed(const struct question *question)
{
    question->reply(question->arg, ERR_UNAVAILABLE, STR_NONE);
}

/* --- the gateway --- */

static struct gateway_presence *presence;
static struct service_pipes chat = { .n = 1 };
static struct sio_socket sockets[40];
static struct id rooms[3];
static char names[PEOPLE_MAX][16];
static int64_t number;

static struct sio_socket *connect_as(size_t i, const char *subject)
{
    struct sio_socket *socket = &sockets[i];

    *socket = (struct sio_socket){ .nsp = "/chat" };
    socket->client.socket = socket;
    socket->client.rights.bearer = (struct bearer *)(uintptr_t)subject;
    assert_true(presence_feature.slot_bytes <= sizeof socket->slot);
    presence_feature.open(presence, &socket->client, NULL);
    return socket;
}

static void disconnect(struct sio_socket *socket)
{
    presence_feature.closed(presence, &socket->client, "transport close");
    assert_int_equal(socket->held, 0);
    for (size_t i = 0; i < socket->n; i++) free(socket->heard[i]);
    *socket = (struct sio_socket){ .nsp = NULL };
}

static struct sio_socket *arrive(size_t i, const char *subject)
{
    struct sio_socket *socket = connect_as(i, subject);
    struct question report = next_question(M_chat_presence_report);

    answer_ok(&report);
    return socket;
}

static void take_event(const char *name, const struct wire_shape *shape, const void *record, bool is_mine)
{
    struct buf body = BUF(1u << 20);

    assert_int_equal(wire_encode(shape, record, &body), OK);
    assert_int_equal(
        presence_feature.service_event(presence, CHAT, &(struct frame_event){ .name = str_of(name) }, buf_str(&body)),
        is_mine);
    buf_free(&body);
}

static void tell(const char *subject, const char *state, const char *hidden_from)
{
    struct str hidden = str_of(hidden_from);
    struct presence_item item = { .subject = str_of(subject),
        .state = str_of(state),
        .text = STR_NONE,
        .hidden_from = { &hidden, hidden_from != NULL } };

    take_event("presence.changed", presence_news_shape(), &(struct presence_news){ ++number, { &item, 1 } }, true);
}

/* The first `there` of these members are. */
static void answer_room(const struct question *question, size_t members, size_t there, int64_t as_of)
{
    struct str subjects[PEOPLE_MAX];
    struct presence_item items[PEOPLE_MAX];
    struct buf body = BUF(1u << 20);

    for (size_t i = 0; i < members; i++) subjects[i] = str_of(names[i]);
    for (size_t i = 0; i < there; i++)
        items[i] = (struct presence_item){ .subject = subjects[i], .state = STR("online"), .text = STR_NONE };
    const struct presence_answer answer = { as_of, (int64_t)members, (int64_t)there, { subjects, members },
        { items, there } };
    assert_int_equal(wire_encode(presence_answer_shape(), &answer, &body), OK);
    question->reply(question->arg, OK, buf_str(&body));
    buf_free(&body);
}

static void watch_room(struct sio_socket *socket, size_t room)
{
    assert_int_equal(presence_watch(&socket->client, rooms[room]), OK);
}

/* What it has heard since, one event. */
static char *next_heard(struct sio_socket *socket)
{
    static char last[65536];
    int64_t until_us = clock_mono_us() + PATIENCE_US;

    while (socket->n == 0) {
        assert_true(clock_mono_us() < until_us);
        ev_run(loop, EVRUN_ONCE);
    }
    snprintf(last, sizeof last, "%s", socket->heard[0]);
    free(socket->heard[0]);
    memmove(socket->heard, socket->heard + 1, --socket->n * sizeof *socket->heard);
    return last;
}

static void run_for(double seconds)
{
    int64_t until_us = clock_mono_us() + (int64_t)(seconds * 1e6);

    while (clock_mono_us() < until_us) {
        ev_run(loop, EVRUN_NOWAIT);
        struct timespec while_ = { 0, 5000000 };
        nanosleep(&while_, NULL);
    }
}

static int set_up(void **state)
{
    (void)state;
    loop = ev_loop_new(EVFLAG_AUTO);
    presence = presence_create(loop, &chat);
    n_questions = 0;
    number = 0;
    for (size_t i = 0; i < COUNT(rooms); i++) rooms[i] = id_new();
    for (size_t i = 0; i < PEOPLE_MAX; i++) snprintf(names[i], sizeof names[i], "p%zu", i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sockets); i++)
        if (sockets[i].client.socket != NULL) disconnect(&sockets[i]);
    while (n_questions > 0) {
        struct question question = take_question();
        answer_failed(&question);
    }
    presence_feature.stop(presence);
    presence_feature.destroy(presence);
    ev_loop_destroy(loop);
    return 0;
}

/* --- what chat is told --- */

static void chat_hears_of_the_first_socket_and_of_the_last(void **state)
{
    struct sio_socket *phone, *laptop;
    struct question report;

    (void)state;
    phone = arrive(0, "ada");
    laptop = connect_as(1, "ada");
    connect_as(2, "bo");
    report = next_question(M_chat_presence_report);
    assert_string_equal(report.devices, "+bo");
    answer_ok(&report);
    disconnect(phone);
    connect_as(3, "cy");
    report = next_question(M_chat_presence_report);
    assert_string_equal(report.devices, "+cy"); /* ada is there with the other */
    answer_ok(&report);
    disconnect(laptop);
    disconnect(&sockets[3]);
    report = next_question(M_chat_presence_report);
    assert_true(strstr(report.devices, "-ada") != NULL && strstr(report.devices, "-cy") != NULL);
    answer_ok(&report);
}

static void a_chat_that_comes_back_or_did_not_hear_is_told_of_all(void **state)
{
    struct question report;

    (void)state;
    arrive(0, "ada");
    presence_feature.service_up(presence, CHAT);
    report = next_question(M_chat_presence_report);
    assert_true(report.begins);
    assert_string_equal(report.devices, "+ada");
    answer_ok(&report);
    connect_as(1, "bo");
    report = next_question(M_chat_presence_report);
    assert_false(report.begins);
    answer_failed(&report);
    report = next_question(M_chat_presence_report);
    assert_true(report.begins && strstr(report.devices, "+ada") != NULL && strstr(report.devices, "+bo") != NULL);
    answer_ok(&report);
    disconnect(&sockets[0]);
    disconnect(&sockets[1]);
    presence_feature.service_up(presence, CHAT);
    report = next_question(M_chat_presence_report);
    assert_true(report.begins && report.devices[0] == '\0'); /* nobody: what it knew is over */
    answer_ok(&report);
}

/* --- what sockets are told --- */

static void who_watches_is_told_of_all_then_of_what_is_another(void **state)
{
    struct sio_socket *ada = arrive(0, "p0"), *bo = arrive(1, "p1");
    struct question question;

    (void)state;
    ada->is_out = true;
    assert_int_equal(presence_watch(&ada->client, rooms[0]), ERR_NOT_JOINED);
    assert_int_equal(presence_unwatch(&ada->client, rooms[0]), ERR_NOT_JOINED);
    ada->is_out = false;
    watch_room(ada, 0);
    watch_room(bo, 0);
    question = next_question(M_chat_presence_room);
    assert_true(id_eq(question.room, rooms[0]));
    answer_room(&question, 3, 2, 0);
    char *heard = next_heard(ada);
    assert_true(strstr(heard, "\"whole\":true") != NULL && strstr(heard, "\"online\":2") != NULL);
    assert_true(strstr(heard, "\"p0\"") != NULL && strstr(heard, "\"p1\"") != NULL && strstr(heard, "\"p2\"") == NULL);
    next_heard(bo);
    assert_int_equal(n_questions, 0); /* one was enough for both */
    tell("p2", "busy", NULL);
    tell("somebody else", "busy", NULL);
    heard = next_heard(ada);
    assert_true(strstr(heard, "\"whole\":false") != NULL && strstr(heard, "\"online\":3") != NULL);
    assert_true(strstr(heard, "{\"subject\":\"p2\",\"state\":\"busy\"}") != NULL && strstr(heard, "p0") == NULL);
    assert_string_equal(next_heard(bo), heard);
    presence_feature.left(presence, &bo->client, rooms[0]);
    bo->is_slow = true; /* whatever comes for him now fails */
    ada->is_slow = true;
    tell("p2", "away", NULL);
    tell("p2", "offline", NULL);
    tell("p0", "away", NULL);
    run_for(2.6);
    ada->is_slow = false;
    heard = next_heard(ada); /* as it is when she can hear it */
    assert_true(strstr(heard, "{\"subject\":\"p2\",\"state\":\"offline\"}") != NULL && strstr(heard, "p0") != NULL);
    ada->may_not = true;
    presence_feature.changed(presence, &ada->client);
    assert_int_equal(ada->held, 0);
}

static void several_rooms_are_one_event(void **state)
{
    struct sio_socket *ada = arrive(0, "p0");
    struct question first, second;

    (void)state;
    watch_room(ada, 0);
    watch_room(ada, 1);
    first = next_question(M_chat_presence_room);
    second = next_question(M_chat_presence_room);
    answer_room(&first, 2, 1, 0);
    answer_room(&second, 3, 1, 0);
    char *heard = next_heard(ada);
    char texts[2][ID_TEXT_BYTES + 1];
    for (size_t i = 0; i < 2; i++) {
        id_format(rooms[i], texts[i]);
        assert_non_null(strstr(heard, texts[i]));
    }
    tell("p1", "online", NULL);
    tell("p2", "online", NULL);
    heard = next_heard(ada);
    assert_true(strstr(heard, texts[0]) != NULL && strstr(heard, texts[1]) != NULL);
}

static void of_who_is_hidden_nothing_is_told_but_that_they_went(void **state)
{
    struct sio_socket *ada = arrive(0, "p0"), *bo = arrive(1, "p1");
    struct question question;

    (void)state;
    watch_room(ada, 0);
    watch_room(bo, 0);
    question = next_question(M_chat_presence_room);
    answer_room(&question, 3, 3, 0);
    next_heard(ada);
    next_heard(bo);
    tell("p2", "online", "p0");
    char *heard = next_heard(ada);
    assert_true(strstr(heard, "{\"subject\":\"p2\",\"state\":\"offline\"}") != NULL);
    assert_true(strstr(heard, "\"online\":2") != NULL);
    next_heard(bo); /* as it was: he need not know why */
    tell("p2", "busy", "p0");
    heard = next_heard(bo);
    assert_true(strstr(heard, "busy") != NULL);
    assert_int_equal(ada->n, 0);
    watch_room(ada, 0);
    heard = next_heard(ada);
    assert_true(strstr(heard, "\"whole\":true") != NULL && strstr(heard, "p2") == NULL &&
                strstr(heard, "\"online\":2") != NULL);
    tell("p2", "busy", NULL);
    assert_true(strstr(next_heard(ada), "{\"subject\":\"p2\",\"state\":\"busy\"}") != NULL);
}

static void what_may_have_been_missed_is_asked_for(void **state)
{
    struct sio_socket *ada = arrive(0, "p0");
    struct question question;
    struct nothing none;

    (void)state;
    watch_room(ada, 0);
    question = next_question(M_chat_presence_room);
    tell("p1", "online", NULL); /* while the answer is on its way, which is from before */
    answer_room(&question, 2, 1, 0);
    question = next_question(M_chat_presence_room);
    answer_room(&question, 2, 2, number);
    assert_true(strstr(next_heard(ada), "p0") != NULL);
    number += 5; /* some were lost */
    tell("p1", "busy", NULL);
    question = next_question(M_chat_presence_room);
    answer_failed(&question);
    question = next_question(M_chat_presence_room);
    answer_room(&question, 2, 2, number);
    take_event("own.changed", own_news_shape(),
        &(struct own_news){ rooms[0], STR("added"), { &(struct str){ "p2", 2 }, 1 }, 1 }, false);
    question = next_question(M_chat_presence_room);
    answer_room(&question, 3, 3, number);
    take_event("own.changed", own_news_shape(),
        &(struct own_news){ rooms[0], STR("said"), { &(struct str){ "p2", 2 }, 1 }, 1 }, false);
    while (strstr(next_heard(ada), "\"p2\"") == NULL) continue;
    assert_int_equal(n_questions, 0);
    take_event("resync", nothing_shape(), &none, false);
    question = next_question(M_chat_presence_room);
    answer_room(&question, 2, 2, number); /* p2 is no member any more */
    char *heard = next_heard(ada);
    assert_true(strstr(heard, "\"whole\":true") != NULL && strstr(heard, "\"p2\"") == NULL);
}

/* All of a room go and come, for seconds: a few events tell of it, and the last one how it is. */
static void a_crowd_is_a_few_events(void **state)
{
    struct sio_socket *watchers[30];
    struct question question;

    (void)state;
    for (size_t i = 0; i < COUNT(watchers); i++) watchers[i] = arrive(i, names[i]);
    for (size_t i = 0; i < COUNT(watchers); i++) watch_room(watchers[i], 0);
    question = next_question(M_chat_presence_room);
    answer_room(&question, PEOPLE_MAX, 1, 0);
    for (size_t i = 0; i < COUNT(watchers); i++) next_heard(watchers[i]);
    int64_t began_us = clock_mono_us();
    for (int round = 0; round < 60; round++) {
        for (size_t i = 0; i < PEOPLE_MAX; i++) tell(names[i], round % 2 ? "busy" : "online", NULL);
        run_for(0.1);
    }
    double seconds = (double)(clock_mono_us() - began_us) / 1e6;
    for (size_t i = 0; i < COUNT(watchers); i++) assert_true((double)watchers[i]->n <= 1 + seconds / 8);
    int64_t until_us = clock_mono_us() + PATIENCE_US;
    char *heard = next_heard(watchers[0]);
    while (strstr(heard, "{\"subject\":\"p149\",\"state\":\"busy\"}") == NULL) {
        assert_true(clock_mono_us() < until_us);
        heard = next_heard(watchers[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chat_hears_of_the_first_socket_and_of_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chat_that_comes_back_or_did_not_hear_is_told_of_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_watches_is_told_of_all_then_of_what_is_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_rooms_are_one_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_who_is_hidden_nothing_is_told_but_that_they_went, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_have_been_missed_is_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_is_a_few_events, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

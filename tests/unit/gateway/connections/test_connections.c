/* test_connections.c - however many connections there are, a turn of the loop looks at so many of them and no more. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

#include "libshared/base/holding.h"
#include "services/gateway/connections/connections.h"
#include "services/gateway/features.h"
#include "services/gateway/identity/refusal.h"

#define SESSIONS 10000

/* --- sessions of two paths, one after the other in turn --- */

struct eio_session {
    int64_t begun_us;
    bool ended;
};
struct eio {
    struct eio_session sessions[SESSIONS / 2];
};
static struct eio paths[2];
static struct holding holding;
static size_t n_passed, n_told, n_ended;

void eio_walk_begin(struct eio_walk *walk, struct eio *eio)
{
    *walk = (struct eio_walk){ .eio = eio, .next = &eio->sessions[COUNT(eio->sessions) - 1] };
}
void eio_walk_end(struct eio_walk *walk)
{
    walk->eio = NULL;
}
struct eio_session *eio_walk_next(const struct eio_walk *walk)
{
    return walk->next;
}
void eio_walk_pass(struct eio_walk *walk)
{
    n_passed++;
    walk->next = walk->next == walk->eio->sessions ? NULL : walk->next - 1;
}
void *eio_user(const struct eio_session *session)
{
    return session->ended ? NULL : &holding;
}
int64_t eio_begun_us(const struct eio_session *session)
{
    return session->begun_us;
}
int64_t eio_heard_us(const struct eio_session *session)
{
    return session->begun_us;
}
struct str eio_agent(const struct eio_session *session)
{
    (void)session;
    return STR_NONE;
}
struct str eio_address(const struct eio_session *session)
{
    (void)session;
    n_told++;
    return STR("192.0.2.1");
}
const char *eio_transport(const struct eio_session *session)
{
    (void)session;
    return "websocket";
}
const char *eio_gateway_id(void)
{
    return "test";
}
size_t eio_queued_bytes(const struct eio_session *session)
{
    (void)session;
    return 0;
}
struct holding *eio_holding(struct eio_session *session)
{
    (void)session;
    return &holding;
}
void eio_close(struct eio_session *session, const char *reason)
{
    (void)reason;
    assert_false(session->ended);
    session->ended = true;
    n_ended++;
}
struct sio_socket *sio_first_socket(const struct eio_session *session)
{
    (void)session;
    return NULL;
}
struct sio_socket *sio_next_socket(const struct sio_socket *socket)
{
    (void)socket;
    return NULL;
}
bool sio_is_open(const struct sio_socket *socket)
{
    (void)socket;
    return false;
}
struct str sio_nsp(const struct sio_socket *socket)
{
    (void)socket;
    return STR_NONE;
}
const char *sio_sid(const struct sio_socket *socket)
{
    (void)socket;
    return "";
}
struct client *clients_find(const struct clients *clients, struct sio_socket *socket)
{
    (void)clients, (void)socket;
    return NULL;
}
struct str bearer_subject(const struct bearer *bearer)
{
    (void)bearer;
    return STR_NONE;
}
struct str bearer_key(const struct bearer *bearer)
{
    (void)bearer;
    return STR_NONE;
}
struct str bearer_session(const struct bearer *bearer)
{
    (void)bearer;
    return STR_NONE;
}
void refusal_disconnect(struct sio_socket *socket, enum err e)
{
    (void)socket, (void)e;
}

/* --- chat --- */

#define REPORTS_MAX 4
static struct noted_report {
    int64_t ask, ended;
    bool more;
    size_t n;
    struct id ids[200];
} reports[REPORTS_MAX];
static size_t n_reports;

void method_ask(
    const struct service_pipes *to, enum method_index method, const void *record, rpc_reply_fn *reply, void *arg)
{
    const struct connection_report *is = record;
    struct noted_report *report = &reports[n_reports++];

    (void)to, (void)reply, (void)arg;
    assert_int_equal(method, M_chat_connection_report);
    *report = (struct noted_report){ .ask = is->ask, .ended = is->ended, .more = is->more, .n = is->connections.len };
    for (size_t i = 0; i < report->n; i++) report->ids[i] = is->connections.at[i].id;
}

static struct ev_loop *loop;
static struct connections *connections;
static size_t turns;

static int start(void **state)
{
    static const struct service_pipes chat = { .n = 1 };

    (void)state;
    for (int i = 0; i < SESSIONS; i++) paths[i % 2].sessions[i / 2] = (struct eio_session){ .begun_us = 1000 + i };
    n_passed = n_told = n_ended = n_reports = turns = 0;
    loop = ev_loop_new(0);
    connections = connections_create(loop, &chat, NULL);
    for (size_t i = 0; i < COUNT(paths); i++) connections_serve(connections, &paths[i]);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    connections_stop(connections);
    connections_feature.destroy(connections);
    ev_loop_destroy(loop);
    return 0;
}

static void ask(int64_t number, const struct connection_query *which, bool ends)
{
    struct connection_query copy = *which;
    const struct connection_question question = { .ask = number, .which = &copy, .ends = ends, .back = true };
    const struct frame_event head = { .name = STR("connection.asked") };
    struct service_part part = { SERVICE_chat, 0, 1 };
    struct buf body = BUF(4096);

    assert_int_equal(wire_encode(connection_question_shape(), &question, &body), OK);
    assert_true(connections_feature.service_event(connections, part, &head, buf_str(&body)));
    buf_free(&body);
}

/* A turn of the loop, which must not have looked at more, told of more or ended more than it may. */
static void turn_once(void)
{
    size_t passed = n_passed, told = n_told, ended = n_ended;

    ev_run(loop, EVRUN_NOWAIT);
    assert_true(n_passed - passed <= CONNECTIONS_SEEN_MAX);
    assert_true(n_told - told <= CONNECTIONS_DONE_MAX);
    assert_true(n_ended - ended <= CONNECTIONS_DONE_MAX);
    turns++;
}

static const struct noted_report *turn_until(size_t n)
{
    while (n_reports < n) turn_once();
    return &reports[n - 1];
}

/* --- */

static void pages_have_each_connection_once_the_newest_first(void **state)
{
    struct connection_query which = { .limit = 200 };
    struct id last = { { 255 } };
    char after[ID_TEXT_BYTES + 1];
    size_t n = 0;
    bool more = true;

    (void)state;
    for (int64_t page = 1; more; page++) {
        ask(page, &which, false);
        const struct noted_report *report = turn_until(1);
        assert_int_equal(report->ask, page);
        for (size_t i = 0; i < report->n; i++) {
            assert_true(memcmp(report->ids[i].b, last.b, sizeof last.b) < 0);
            last = report->ids[i];
        }
        n += report->n;
        more = report->more;
        n_reports = 0;
        id_format(last, after);
        which.after = str_of(after);
    }
    assert_int_equal(n, SESSIONS);
    assert_int_equal(n_told, SESSIONS);
    assert_true(turns >= SESSIONS / CONNECTIONS_DONE_MAX);
}

static void what_fits_nothing_is_looked_at_in_slices(void **state)
{
    (void)state;
    ask(1, &(struct connection_query){ .subject = STR("nobody"), .limit = 200 }, false);
    assert_int_equal(turn_until(1)->n, 0);
    assert_false(reports[0].more);
    assert_int_equal(n_passed, SESSIONS);
    assert_true(turns >= SESSIONS / CONNECTIONS_SEEN_MAX);
}

static void all_are_ended_a_few_at_a_time(void **state)
{
    (void)state;
    ask(1, &(struct connection_query){ .gateway = STR("test"), .limit = 1 }, true);
    assert_int_equal(turn_until(1)->ended, SESSIONS);
    assert_int_equal(n_ended, SESSIONS);
    assert_true(turns >= SESSIONS / CONNECTIONS_DONE_MAX);
    ask(2, &(struct connection_query){ .gateway = STR("test"), .limit = 1 }, true);
    assert_int_equal(turn_until(2)->ended, 0);
}

static void a_short_question_is_not_behind_a_long_one(void **state)
{
    (void)state;
    ask(1, &(struct connection_query){ .subject = STR("nobody"), .limit = 200 }, false);
    ask(2, &(struct connection_query){ .limit = 1 }, false);
    assert_int_equal(turn_until(1)->ask, 2);
    assert_true(reports[0].more);
    assert_int_equal(turn_until(2)->ask, 1);
}

static void what_is_under_way_ends_with_the_gateway(void **state)
{
    (void)state;
    ask(1, &(struct connection_query){ .subject = STR("nobody"), .limit = 200 }, false);
    turn_once();
    connections_stop(connections);
    for (int i = 0; i < 10; i++) turn_once();
    assert_int_equal(n_reports, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_have_each_connection_once_the_newest_first, start, stop),
        cmocka_unit_test_setup_teardown(what_fits_nothing_is_looked_at_in_slices, start, stop),
        cmocka_unit_test_setup_teardown(all_are_ended_a_few_at_a_time, start, stop),
        cmocka_unit_test_setup_teardown(a_short_question_is_not_behind_a_long_one, start, stop),
        cmocka_unit_test_setup_teardown(what_is_under_way_ends_with_the_gateway, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_drain.c - a gateway that leaves: each session at its own moment, and no earlier than what is in flight is answered. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "services/gateway/gateway.h"

#define SESSIONS 10
#define APART_MS 30 /* from one session's moment to the next one's */

/* --- what is left: sessions, each with its moment --- */

struct eio_session {
    bool closed;
    int64_t moment_ms, closed_ms;
    char sid[2];
};
struct eio {
    struct eio_session sessions[SESSIONS];
    size_t n;
};

static struct settings set;
static struct gateway gateway;
static struct eio socketio;
static size_t mesh_requests;
static bool accepting, mesh_knows, told;

static int64_t elapsed_ms(void)
{
    return (clock_mono_us() - gateway.drain_began_us) / 1000;
}

const char *eio_sid(const struct eio_session *session)
{
    return session->sid;
}

int64_t eio_drain_delay_ms(const char *sid, int64_t spread_ms)
{
    assert_int_equal(spread_ms, set.gateway.drain_spread_ms);
    return socketio.sessions[sid[0] - 'a'].moment_ms;
}

void eio_close(struct eio_session *session, const char *reason)
{
    (void)reason;
    assert_false(session->closed);
    session->closed = true;
    session->closed_ms = elapsed_ms();
    socketio.n--;
}

void eio_each(struct eio *eio, void (*visit)(void *arg, struct eio_session *session), void *arg)
{
    for (size_t i = 0; i < SESSIONS; i++)
        if (!eio->sessions[i].closed) visit(arg, &eio->sessions[i]);
}

size_t eio_sessions(const struct eio *eio)
{
    return eio->n;
}

void clients_each(struct clients *clients, void (*visit)(void *arg, struct client *client), void *arg)
{
    (void)clients;
    for (size_t i = 0; i < SESSIONS; i++) assert_false(socketio.sessions[i].closed);
    visit(arg, &(struct client){ 0 });
}

void sio_emit(struct sio_socket *socket, const char *name, struct str args)
{
    (void)socket, (void)args;
    told = str_is(STR("server:closing"), name);
}

void mesh_leave(struct mesh *mesh)
{
    (void)mesh;
    mesh_knows = true;
}

void mesh_drain(struct mesh *mesh, int64_t elapsed, int64_t spread_ms)
{
    (void)mesh, (void)elapsed, (void)spread_ms;
}

size_t mesh_in_flight(const struct mesh *mesh)
{
    (void)mesh;
    return mesh_requests;
}

void http_server_stop_accepting(struct http_server *server)
{
    (void)server;
    accepting = false;
}

/* --- what happens --- */

static int set_up(void **state)
{
    (void)state;
    set.gateway.drain_spread_ms = SESSIONS * APART_MS;
    set.common.drain_ms = 60000;
    mesh_requests = 0;
    accepting = true;
    mesh_knows = told = false;
    socketio = (struct eio){ .n = SESSIONS };
    for (int i = 0; i < SESSIONS; i++)
        socketio.sessions[i] = (struct eio_session){ .moment_ms = i * APART_MS, .sid = { (char)('a' + i) } };
    gateway = (struct gateway){
        .settings = &set, .loop = ev_loop_new(EVFLAG_AUTO), .socketio = &socketio, .clients = (void *)&socketio
    };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ev_loop_destroy(gateway.loop);
    return 0;
}

static void on_answered(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    *(size_t *)timer->data = 0;
}

/* The loop ends by itself: with a request that is answered after so long, where there is one. */
static int64_t drain(size_t *in_flight, int64_t answered_ms)
{
    ev_timer answer;

    ev_timer_init(&answer, on_answered, (double)answered_ms / 1e3, 0.);
    answer.data = in_flight;
    ev_now_update(gateway.loop);
    if (in_flight != NULL) ev_timer_start(gateway.loop, &answer);
    drain_begin(&gateway);
    ev_run(gateway.loop, 0);
    return elapsed_ms();
}

static void each_session_is_closed_at_its_own_moment(void **state)
{
    (void)state;
    drain(NULL, 0);
    for (size_t i = 0; i < SESSIONS; i++) {
        assert_true(socketio.sessions[i].closed);
        assert_true(socketio.sessions[i].closed_ms >= socketio.sessions[i].moment_ms);
    }
    assert_true(!accepting && mesh_knows);
}

static void clients_are_told_before_the_first_is_closed(void **state)
{
    (void)state;
    drain(NULL, 0);
    assert_true(told);
}

static void a_request_in_flight_is_waited_for(void **state)
{
    (void)state;
    gateway.routes.in_flight = 1;
    assert_true(drain(&gateway.routes.in_flight, 2 * SESSIONS * APART_MS) >= 2 * SESSIONS * APART_MS);
    assert_int_equal(gateway.routes.in_flight, 0);
}

static void a_request_of_another_gateways_client_is_waited_for(void **state)
{
    (void)state;
    mesh_requests = 1;
    drain(&mesh_requests, 2 * SESSIONS * APART_MS);
    assert_int_equal(mesh_requests, 0);
}

static void what_is_never_answered_is_left_when_the_time_is_over(void **state)
{
    (void)state;
    gateway.routes.in_flight = 1;
    set.common.drain_ms = 100;
    assert_true(drain(NULL, 0) >= set.gateway.drain_spread_ms + 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    log_init("test", LOG_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(each_session_is_closed_at_its_own_moment),
        TEST(clients_are_told_before_the_first_is_closed),
        TEST(a_request_in_flight_is_waited_for),
        TEST(a_request_of_another_gateways_client_is_waited_for),
        TEST(what_is_never_answered_is_left_when_the_time_is_over),
    };

    return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}

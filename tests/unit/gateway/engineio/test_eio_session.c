/* test_eio_session.c - sessions over a real WebSocket and real polls: bounds, slow readers, ends, who may open one. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/base/holding.h"
#include "libshared/base/secret.h"
#include "libshared/service/settings.h"
#include "services/gateway/engineio/session_private.h"
#include "services/gateway/gateway.h"
#include "tests/lib/free_port.h"
#include "tests/lib/same_thread.h"

#define WS_REQUEST                                                                                                     \
    "GET /?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"           \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* --- an upper layer that notes what happens --- */

static struct settings settings;
static struct http_server *server;
static struct eio *eio;
static struct eio_session *session;
static const char *why_closed, *forbids;
static int n_drained, n_closed;
static int n_ready, most_ready; /* requests that are within one another */
static int port;

static const char *forbidden(void *arg, struct http *http)
{
    (void)arg, (void)http;
    return forbids;
}

static void *opened(void *arg, struct eio_session *s, struct http *http)
{
    (void)arg, (void)http;
    session = s;
    return &session;
}

static void message(void *user, struct eio_session *s, bool binary, struct str bytes)
{
    (void)binary;
    assert_ptr_equal(user, &session);
    struct eio_packet *packet = eio_packet_text(bytes);
    eio_send(s, packet);
    eio_packet_drop(packet);
}

static void drained(void *user, struct eio_session *s)
{
    (void)user;
    assert_int_equal(eio_queued_bytes(s), 0);
    n_drained++;
}

static void closed(void *user, struct eio_session *s, const char *reason)
{
    (void)user;
    why_closed = reason;
    if (session == s) session = NULL;
    n_closed++;
}

/* Engine.IO's own, but that it counts. */
static void count_ready(void *arg, struct http *http)
{
    if (++n_ready > most_ready) most_ready = n_ready;
    eio_handler.ready(arg, http);
    n_ready--;
}

/* --- set-up --- */

static int start_with(size_t bytes)
{
    static struct http_handler counted;
    static const struct eio_upper notes = {
        .forbidden = forbidden,
        .opened = opened,
        .message = message,
        .drained = drained,
        .closed = closed,
    };
    static char address[32];
    port = free_port();
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    holdings_bound(&(struct holding_bounds){ SIZE_MAX, bytes, SIZE_MAX, SIZE_MAX, SIZE_MAX });
    session = NULL;
    forbids = why_closed = NULL;
    n_drained = n_closed = most_ready = 0;
    loop = ev_loop_new(0);
    struct http_server_config config = config_http(&settings);
    struct eio_config eio_config = config_eio(&settings);
    config.http = address;
    config.https = "";
    config.redirect_to = NULL;
    eio_config.queue_bytes = 1000000;
    eio_config.slow_ms = eio_config.connect_timeout_ms = 60000;
    eio = eio_create(loop, &eio_config, &notes);
    server = http_server_create(loop, &config);
    counted = eio_handler;
    counted.ready = count_ready;
    http_mount(server, "/*", &counted, eio);
    return 0;
}

static int start(void **state)
{
    (void)state;
    return start_with(1 << 29);
}

static int start_scarce(void **state)
{
    (void)state;
    return start_with(200000);
}

static int stop(void **state)
{
    (void)state;
    eio_destroy(&eio);
    http_server_destroy(&server);
    ev_loop_destroy(loop);
    return 0;
}

/* --- clients --- */

static bool has_poll(const char *sid)
{
    const struct eio_session *s = session_find(eio, str_of(sid));
    return s != NULL && s->poll != NULL;
}

static int dial(void)
{
    return connect_from("127.0.0.1", port);
}

static int open_ws(struct buf *in)
{
    char request[512];
    int fd = dial();
    snprintf(request, sizeof request, WS_REQUEST, "");
    say(fd, request);
    assert_true(hears(fd, in, "\"maxPayload\""));
    assert_non_null(session);
    return fd;
}

static int get(const char *sid)
{
    char request[512];
    int fd = dial();
    snprintf(request, sizeof request, "GET /?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: x\r\n\r\n",
        sid ? "&sid=" : "", sid ? sid : "");
    say(fd, request);
    return fd;
}

static void open_by_polling(void)
{
    struct buf in = BUF(4096);
    int fd = get(NULL);
    assert_true(hears(fd, &in, "maxPayload"));
    close(fd);
    buf_free(&in);
}

static void answers(int fd, const char *text)
{
    struct buf in = BUF(1 << 20);
    if (!hears(fd, &in, text)) fail_msg("no %s in %.*s", text, STR_ARG(buf_str(&in)));
    close(fd);
    buf_free(&in);
}

static void send_text(const char *text)
{
    struct eio_packet *packet = eio_packet_text(str_of(text));
    eio_send(session, packet);
    eio_packet_drop(packet);
}

static void send_large(int times, size_t bytes)
{
    char *text = mem_zero(bytes);
    struct eio_packet *packet = eio_packet_binary((struct str){ text, bytes });
    for (int i = 0; i < times && session != NULL; i++) eio_send(session, packet);
    eio_packet_drop(packet);
    mem_free(text);
}

/* --- tests --- */

static void a_sid_names_its_gateway(void **state)
{
    struct buf in = BUF(4096);
    (void)state;
    int fd = open_ws(&in);
    assert_int_equal(strlen(eio_sid(session)), EIO_SID_CHARS);
    assert_memory_equal(eio_sid(session), eio_gateway_id(), EIO_GATEWAY_CHARS);
    assert_string_equal(eio_transport(session), "websocket");
    assert_true(str_is(eio_address(session), "127.0.0.1"));
    assert_int_equal(eio_sessions(eio), 1);
    close(fd);
    TURN_UNTIL(n_closed == 1);
    assert_string_equal(why_closed, "transport close");
    assert_int_equal(eio_sessions(eio), 0);
    buf_free(&in);
}

static void who_is_forbidden_is_told_why(void **state)
{
    char request[512];
    (void)state;
    forbids = "The house is full";
    answers(get(NULL), "{\"code\":4,\"message\":\"The house is full\"}");
    int fd = dial();
    snprintf(request, sizeof request, WS_REQUEST, "");
    say(fd, request);
    answers(fd, "\r\n\r\nThe house is full");
    assert_null(session);
}

static void a_session_that_joins_nothing_is_closed(void **state)
{
    struct buf in = BUF(4096);
    (void)state;
    eio->config.connect_timeout_ms = 150;
    int fd = open_ws(&in);
    TURN_UNTIL(n_closed == 1);
    assert_string_equal(why_closed, "forced close");
    close(fd);
    buf_clear(&in);
    fd = open_ws(&in);
    eio_connected(session);
    int64_t later = clock_mono_us() + 250000;
    while (clock_mono_us() < later) turn();
    assert_int_equal(n_closed, 1);
    close(fd);
    buf_free(&in);
}

static void a_client_that_answers_no_ping_is_closed(void **state)
{
    struct buf in = BUF(4096);
    (void)state;
    eio->config.ping_interval_ms = 100;
    eio->config.ping_timeout_ms = 100;
    int fd = open_ws(&in);
    eio_connected(session);
    TURN_UNTIL(n_closed == 1);
    assert_string_equal(why_closed, "ping timeout");
    close(fd);
    buf_free(&in);
}

/* All sids of one gateway begin alike. */
static void each_session_of_a_gateway_has_a_moment_of_its_own(void **state)
{
    char sid[EIO_SID_CHARS + 1] = "abcd";
    int64_t first = -1, others = 0;
    (void)state;
    for (int i = 0; i < 100; i++) {
        secret_text(sid + EIO_GATEWAY_CHARS, EIO_SID_CHARS - EIO_GATEWAY_CHARS);
        int64_t moment = eio_drain_delay_ms(sid, 10000);
        assert_in_range(moment, 0, 9999);
        assert_int_equal(moment, eio_drain_delay_ms(sid, 10000));
        if (first < 0) first = moment;
        others += moment != first;
    }
    assert_true(others > 90);
    assert_int_equal(eio_drain_delay_ms(sid, 0), 0);
}

static void a_walk_leaves_out_who_ends_meanwhile_and_who_comes(void **state)
{
    struct eio_session *all[4];
    struct eio_walk walk, other;
    (void)state;
    for (int i = 0; i < 4; i++) {
        open_by_polling();
        all[i] = session;
    }
    assert_true(eio_begun_us(all[1]) < eio_begun_us(all[2]));
    eio_walk_begin(&walk, eio);
    eio_walk_begin(&other, eio);
    assert_ptr_equal(eio_walk_next(&walk), all[3]);
    eio_walk_pass(&walk);
    assert_ptr_equal(eio_walk_next(&walk), all[2]);
    session_end(all[2], REASON_FORCED, false, "");
    assert_null(eio_user(all[2]));
    TURN_UNTIL(eio_sessions(eio) == 3);
    open_by_polling();
    assert_ptr_equal(eio_walk_next(&walk), all[1]);
    assert_ptr_equal(eio_walk_next(&other), all[3]);
    eio_walk_pass(&walk);
    eio_walk_pass(&walk);
    assert_null(eio_walk_next(&walk));
    eio_walk_end(&walk);
    eio_walk_end(&other);
    eio_walk_begin(&walk, NULL);
    assert_null(eio_walk_next(&walk));
    eio_walk_end(&walk);
}

static void a_slow_reader_is_called_slow_and_then_drained(void **state)
{
    struct buf in = BUF(64 << 20);
    (void)state;
    int fd = open_ws(&in);
    eio_connected(session);
    while (session != NULL && !eio_is_slow(session)) {
        send_large(1, 100000);
        turn();
    }
    assert_non_null(session);
    send_text("the last");
    assert_true(hears(fd, &in, "the last"));
    TURN_UNTIL(n_drained == 1);
    assert_false(eio_is_slow(session));
    close(fd);
    buf_free(&in);
}

static void who_stays_slow_is_closed(void **state)
{
    struct buf in = BUF(4096);
    (void)state;
    eio->config.slow_ms = 200;
    int fd = open_ws(&in);
    eio_connected(session);
    while (session != NULL && !eio_is_slow(session)) {
        send_large(1, 100000);
        turn();
    }
    TURN_UNTIL(n_closed == 1);
    assert_string_equal(why_closed, "transport error");
    close(fd);
    buf_free(&in);
}

static void a_queue_has_an_end(void **state)
{
    (void)state;
    open_by_polling();
    eio_connected(session);
    send_large(21, 100000);
    TURN_UNTIL(n_closed == 1);
    assert_string_equal(why_closed, "transport error");
    assert_int_equal(eio_sessions(eio), 0);
}

static void volatile_packets_go_now_or_never(void **state)
{
    struct eio_packet *packet = eio_packet_text(STR("now"));
    (void)state;
    open_by_polling();
    eio_connected(session);
    eio_send_volatile(session, packet);
    assert_int_equal(eio_queued_bytes(session), 0);
    int fd = get(eio_sid(session));
    TURN_UNTIL(has_poll(eio_sid(session)));
    eio_send_volatile(session, packet);
    answers(fd, "\r\n\r\n4now");
    eio_packet_drop(packet);
}

static void a_polite_close_sends_what_waits_to_a_websocket(void **state)
{
    struct buf in = BUF(16 << 20);
    (void)state;
    int fd = open_ws(&in);
    eio_connected(session);
    send_large(5, 150000);
    send_text("good-bye");
    eio_close(session, "server shutting down");
    assert_int_equal(n_closed, 0);
    assert_true(hears(fd, &in, "good-bye\x88")); /* and then a Close frame */
    TURN_UNTIL(n_closed == 1);
    assert_string_equal(why_closed, "server shutting down");
    close(fd);
    buf_free(&in);
}

static void a_polite_close_waits_for_the_last_poll(void **state)
{
    char sid[EIO_SID_CHARS + 1];
    (void)state;
    open_by_polling();
    eio_connected(session);
    snprintf(sid, sizeof sid, "%s", eio_sid(session));
    send_text("good-bye");
    eio_close(session, "server shutting down");
    TURN_UNTIL(n_closed == 1);
    answers(get(sid), "\r\n\r\n4good-bye");
    answers(get(sid), "\r\n\r\n1");
    answers(get(sid), "{\"code\":1,");
    assert_int_equal(eio_sessions(eio), 0);
}

static void a_waiting_poll_is_ended_by_a_close(void **state)
{
    (void)state;
    open_by_polling();
    eio_connected(session);
    int fd = get(eio_sid(session));
    TURN_UNTIL(has_poll(eio_sid(session)));
    eio_close(session, "forced server close");
    answers(fd, "\r\n\r\n1");
    assert_int_equal(n_closed, 1);
}

/* --- how many --- */

static void remember(char sid[EIO_SID_CHARS + 1])
{
    open_by_polling();
    memcpy(sid, eio_sid(session), EIO_SID_CHARS + 1);
}

static void the_oldest_that_joined_nothing_give_way(void **state)
{
    enum { MAX = 10 };
    char member[EIO_SID_CHARS + 1], first[EIO_SID_CHARS + 1], second[EIO_SID_CHARS + 1], other[EIO_SID_CHARS + 1];
    (void)state;
    eio->config.connections_max = MAX;
    remember(member);
    eio_connected(session);
    remember(first);
    remember(second);
    for (int i = 2; i < MAX + 1; i++) remember(other);
    TURN_UNTIL(eio_sessions(eio) == MAX + 1);
    answers(get(first), "{\"code\":1,");
    int fd = get(second);
    TURN_UNTIL(has_poll(second));
    remember(other);
    answers(fd, "\r\n\r\n1"); /* it was its turn */
    fd = get(member);
    for (int i = 0; i < 3 * MAX; i++) remember(other);
    TURN_UNTIL(eio_sessions(eio) == MAX + 1);
    eio_close(session, "forced close"); /* closing, and nobody comes: it gives way all the same */
    for (int i = 0; i < MAX; i++) remember(other);
    TURN_UNTIL(eio_sessions(eio) == MAX + 1);
    close(fd);
}

static void members_are_bounded_too(void **state)
{
    (void)state;
    eio->config.connections_max = 10;
    for (int i = 0; i < 10; i++) {
        open_by_polling();
        eio_connected(session);
    }
    answers(get(NULL), "403 Forbidden");
    eio_close(session, "forced close");
    answers(get(eio_sid(session)), "\r\n\r\n1");
    answers(get(NULL), "maxPayload");
}

static void an_address_has_so_many_sessions(void **state)
{
    (void)state;
    eio->config.connections_per_address = 3;
    eio->config.connect_timeout_ms = 60000;
    for (int i = 0; i < 3; i++) open_by_polling();
    answers(get(NULL), "\"Too many sessions\"");
    assert_int_equal(eio_sessions(eio), 3);
    eio_close(session, "forced close");
    answers(get(eio_sid(session)), "\r\n\r\n1");
    TURN_UNTIL(eio_sessions(eio) == 2);
    answers(get(NULL), "maxPayload");
}

/* Half of a message. */
static int say_half(struct buf *in)
{
    static const char head[] = { 0x01, (char)0xff, 0, 0, 0, 0, 0, 1, (char)0x86, (char)0xa0, 0, 0, 0, 0 };
    static char half[100000];
    int fd = open_ws(in);
    memset(half, 'x', sizeof half);
    assert_int_equal(write(fd, head, sizeof head), sizeof head);
    assert_int_equal(write(fd, half, sizeof half), sizeof half);
    for (int i = 0; i < 50; i++) turn();
    return fd;
}

static void large_messages_are_bounded_all_together(void **state)
{
    struct buf in = BUF(4096);
    (void)state;
    int first = say_half(&in);
    TURN_UNTIL(holdings_totals().all > 100000); /* all that it said */
    buf_clear(&in);
    int second = say_half(&in);
    assert_true(hears(second, &in, "\x03\xf5too much is under way")); /* 1013 */
    assert_int_equal(n_closed, 1);
    close(second);
    close(first);
    TURN_UNTIL(n_closed == 2);
    buf_free(&in);
}

/* --- requests behind one another --- */

static const char *sid_of_new(void)
{
    open_by_polling();
    eio_connected(session);
    return eio_sid(session);
}

static void say_get(int fd, const char *sid)
{
    char request[200];
    snprintf(request, sizeof request, "GET /?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n", sid);
    say(fd, request);
}

static void say_goodbye(int fd, const char *sid)
{
    char request[200];
    snprintf(request, sizeof request,
        "POST /?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1", sid);
    say(fd, request);
}

/* Each connection's GET waits, and the POST behind it ends the next one's session.  As many as there are connections
 * could be within one another, and the stack is smaller. */
static void requests_that_answer_one_another_do_not_nest(void **state)
{
    enum { N = 5 };
    char sid[N][EIO_SID_CHARS + 1];
    int fd[N];
    (void)state;
    for (int i = 0; i < N; i++) memcpy(sid[i], sid_of_new(), sizeof sid[i]);
    for (int i = 0; i < N; i++) {
        fd[i] = dial();
        say_get(fd[i], sid[i]);
        if (i + 1 < N) say_goodbye(fd[i], sid[i + 1]);
    }
    for (int i = 0; i < N; i++) TURN_UNTIL(has_poll(sid[i]));
    int first = dial();
    say_goodbye(first, sid[0]);
    TURN_UNTIL(n_closed == N);
    assert_int_equal(most_ready, 1);
    answers(first, "\r\n\r\nok");
    for (int i = 0; i < N; i++) answers(fd[i], i + 1 < N ? "\r\n\r\nok" : "\r\n\r\n6");
}

static void a_get_behind_the_last_poll_is_answered(void **state)
{
    int fd = dial();
    (void)state;
    const char *sid = sid_of_new();
    say_get(fd, sid);
    say_get(fd, sid);
    TURN_UNTIL(has_poll(sid));
    eio_close(session, "forced server close");
    answers(fd, "{\"code\":1,");
    assert_int_equal(eio_sessions(eio), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sid_names_its_gateway),
        TEST(who_is_forbidden_is_told_why),
        TEST(a_session_that_joins_nothing_is_closed),
        TEST(a_client_that_answers_no_ping_is_closed),
        TEST(each_session_of_a_gateway_has_a_moment_of_its_own),
        TEST(a_walk_leaves_out_who_ends_meanwhile_and_who_comes),
        TEST(a_slow_reader_is_called_slow_and_then_drained),
        TEST(who_stays_slow_is_closed),
        TEST(a_queue_has_an_end),
        TEST(volatile_packets_go_now_or_never),
        TEST(a_polite_close_sends_what_waits_to_a_websocket),
        TEST(a_polite_close_waits_for_the_last_poll),
        TEST(a_waiting_poll_is_ended_by_a_close),
        TEST(the_oldest_that_joined_nothing_give_way),
        TEST(members_are_bounded_too),
        TEST(an_address_has_so_many_sessions),
        cmocka_unit_test_setup_teardown(large_messages_are_bounded_all_together, start_scarce, stop),
        TEST(requests_that_answer_one_another_do_not_nest),
        TEST(a_get_behind_the_last_poll_is_answered),
    };
    settings_load(&settings);
    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

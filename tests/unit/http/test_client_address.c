/* test_client_address.c - for which client a connection is counted, over real sockets: behind a trusted proxy each request's client is counted. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/base/network.h"
#include "libshared/http/http_server.h"
#include "tests/lib/free_port.h"
#include "tests/lib/same_thread.h"

#define PROXY "127.0.0.9"
#define MOST  4 /* connections from one address */

/* --- a handler: /hold keeps its request, all else is answered with the client's address --- */

static struct http_server *server;
static struct http *held;
static int port;

static int on_begin(void *arg, struct http *http)
{
    (void)arg, (void)http;
    return 0;
}

static void on_ready(void *arg, struct http *http)
{
    (void)arg;
    if (str_is(http_path(http), "/hold"))
        held = http;
    else
        http_reply(http, 200, "text/plain", http_address(http), NULL, 0);
}

static void on_gone(void *arg, struct http *http)
{
    (void)arg, (void)http;
}

static int on_accept(void *arg, struct http *http, struct str *body)
{
    (void)arg, (void)http, (void)body;
    return 0;
}

static void on_open(void *arg, struct ws *ws, struct http *http)
{
    (void)arg, (void)ws, (void)http;
}

static void on_event(void *arg, struct ws *ws)
{
    (void)arg, (void)ws;
}

static enum proxies_say proxies_say;

static int start(void **state)
{
    static char address[32];
    static struct network_list proxies;
    struct str bad;
    static const struct ws_handler sockets = {
        .accept = on_accept, .open = on_open, .writable = on_event, .closed = on_event
    };
    static const struct http_handler handler = {
        .begin = on_begin, .ready = on_ready, .gone = on_gone, .ws = &sockets
    };
    (void)state;
    port = free_port();
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    assert_true(network_list_parse(STR(PROXY ", 127.0.1.0/24"), &proxies, &bad));
    struct http_server_config config = {
        .http = address,
        .origins = "*",
        .trusted_proxies = &proxies,
        .proxies_say = proxies_say,
        .connections_max = 100,
        .connections_per_address = MOST,
        .body_max = 10000,
        .message_max = 10000,
    };
    loop = ev_loop_new(0);
    server = http_server_create(loop, &config);
    http_mount(server, "/*", &handler, NULL);
    return 0;
}

static int start_first(void **state)
{
    proxies_say = PROXIES_SAY_FIRST;
    start(state);
    proxies_say = PROXIES_SAY_FORWARDED_FOR;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_server_destroy(&server);
    ev_loop_destroy(loop);
    return 0;
}

/* --- clients --- */

static int dial(const char *from)
{
    return connect_from(from, port);
}

static void is_told(int fd, const char *what)
{
    struct buf in = BUF(65536);
    assert_true(hears(fd, &in, what));
    buf_free(&in);
}

#define UPGRADE                                                                                                        \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                                       \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* One more request on this connection, and what its answer has to hold. */
static void brings_with(int fd, const char *path, const char *client, const char *more, const char *answer)
{
    char request[400];
    int n = snprintf(
        request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%sX-Forwarded-For: %s\r\n\r\n", path, more, client);
    assert_int_equal(write(fd, request, (size_t)n), n);
    if (answer != NULL) is_told(fd, answer);
}

static void brings(int fd, const char *client, const char *answer)
{
    brings_with(fd, "/", client, "", answer);
}

/* Requests that wait for their answers, each on a connection of its own. */
static void hold(const char *from, const char *client, int fds[], int n)
{
    for (int i = 0; i < n; i++) {
        held = NULL;
        fds[i] = dial(from);
        brings_with(fds[i], "/hold", client, "", NULL);
        TURN_UNTIL(held != NULL);
    }
}

static void close_all(int fds[], int n)
{
    for (int i = 0; i < n; i++) close(fds[i]);
}

/* --- tests --- */

static void each_request_of_a_proxy_has_its_own_client(void **state)
{
    int fd = dial(PROXY);
    (void)state;
    brings(fd, "203.0.113.1", "\r\n\r\n203.0.113.1");
    brings(fd, "[2001:db8::0:7]:4711, 127.0.1.5", "\r\n\r\n2001:db8::7");
    brings(fd, "203.0.113.1, 203.0.113.2", "\r\n\r\n203.0.113.2");
    brings(fd, "nonsense", "\r\n\r\n" PROXY);
    close(fd);
    fd = dial("127.0.0.2");
    brings(fd, "203.0.113.1", "\r\n\r\n127.0.0.2");
    close(fd);
}

static void a_proxy_is_not_counted_its_clients_are(void **state)
{
    int kept[2 * MOST], waits[MOST];
    (void)state;
    for (int i = 0; i < 2 * MOST; i++) {
        kept[i] = dial(PROXY);
        brings(kept[i], "203.0.113.1", "HTTP/1.1 200 "); /* and from now on it is nobody's */
    }
    hold(PROXY, "203.0.113.1", waits, MOST);
    brings(kept[0], "203.0.113.2", "HTTP/1.1 200 ");
    brings(kept[0], "203.0.113.1", "\"code\":\"rate_limited\"");
    brings(kept[1], "203.0.113.1", "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n");
    brings(kept[2], "203.0.113.2", "HTTP/1.1 200 ");
    http_reply(held, 200, "text/plain", STR("at last"), NULL, 0);
    is_told(waits[MOST - 1], "at last");
    brings(kept[2], "203.0.113.1", "HTTP/1.1 200 ");
    close_all(kept, 2 * MOST);
    close_all(waits, MOST);
}

static void what_a_proxy_asks_for_itself_is_not_counted(void **state)
{
    int waits[2 * MOST];
    (void)state;
    hold(PROXY, "127.0.1.7", waits, 2 * MOST);
    close_all(waits, 2 * MOST);
}

static void a_websocket_is_its_clients_to_its_end(void **state)
{
    int sockets[MOST], fifth = dial(PROXY);
    (void)state;
    for (int i = 0; i < MOST; i++) {
        sockets[i] = dial(PROXY);
        brings(sockets[i], "203.0.113.2", "HTTP/1.1 200 "); /* who had the connection before does not matter */
        brings_with(sockets[i], "/", "203.0.113.1", UPGRADE, "HTTP/1.1 101 ");
    }
    brings(fifth, "203.0.113.2", "HTTP/1.1 200 ");
    brings_with(fifth, "/", "203.0.113.1", UPGRADE, "HTTP/1.1 429 ");
    close(fifth);
    close_all(sockets, MOST);
    TURN_UNTIL(http_server_connections(server) == 0);
    fifth = dial(PROXY);
    brings_with(fifth, "/", "203.0.113.1", UPGRADE, "HTTP/1.1 101 ");
    close(fifth);
}

static void of_ipv6_a_network_is_one_client(void **state)
{
    int fd = dial(PROXY), waits[MOST];
    (void)state;
    hold(PROXY, "2001:db8:0:7::1", waits, 2);
    hold(PROXY, "2001:db8:0:7:ffff::2", waits + 2, MOST - 2);
    brings(fd, "2001:db8:0:8::1", "HTTP/1.1 200 ");
    brings(fd, "2001:db8:0:7::3", "HTTP/1.1 429 ");
    close(fd);
    close_all(waits, MOST);
}

static void who_is_no_proxy_can_neither_hide_nor_take_anothers_place(void **state)
{
    int proxy = dial(PROXY), liar[MOST];
    (void)state;
    hold("127.0.0.2", "203.0.113.1", liar, MOST);
    brings(proxy, "203.0.113.1", "HTTP/1.1 200 ");
    int fifth = dial("127.0.0.2");
    assert_true(is_gone(fifth));
    brings(proxy, "127.0.0.2", "HTTP/1.1 429 ");
    close(fifth);
    close(proxy);
    close_all(liar, MOST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

/* --- the PROXY protocol: in front of each connection of a proxy's --- */

static void begins(int fd, const char *header)
{
    assert_int_equal(write(fd, header, strlen(header)), strlen(header));
    turn();
}

static void a_proxys_connection_is_of_whom_it_begins_with(void **state)
{
    int fd = dial(PROXY);
    (void)state;
    begins(fd, "PROXY TCP4 198.51.100.7 10.0.0.5 56324 443\r\n");
    brings(fd, "203.0.113.9", "198.51.100.7"); /* headers say nothing then */
    brings(fd, "203.0.113.9", "198.51.100.7");
    close(fd);
}

static void what_comes_in_pieces_is_waited_for(void **state)
{
    static const char header[] = "PROXY TCP4 198.51.100.7 10.0.0.5 56324 443\r\n";
    int fd = dial(PROXY);
    (void)state;
    for (const char *at = header; *at != '\0'; at++) {
        assert_int_equal(write(fd, at, 1), 1);
        turn();
    }
    brings(fd, "203.0.113.9", "198.51.100.7");
    close(fd);
}

static void a_proxy_that_asks_for_itself_has_no_limit(void **state)
{
    int fds[2 * MOST];
    (void)state;
    for (int i = 0; i < 2 * MOST; i++) {
        fds[i] = dial(PROXY);
        begins(fds[i], "PROXY UNKNOWN\r\n");
        brings(fds[i], "203.0.113.9", PROXY);
    }
    for (int i = 0; i < 2 * MOST; i++) close(fds[i]);
    turn();
}

static void clients_behind_it_have_their_own_limit(void **state)
{
    int fds[MOST], one_more, other;
    (void)state;
    for (int i = 0; i < MOST; i++) {
        fds[i] = dial(PROXY);
        begins(fds[i], "PROXY TCP4 198.51.100.7 10.0.0.5 56324 443\r\n");
        brings(fds[i], "", "198.51.100.7");
    }
    one_more = dial(PROXY);
    begins(one_more, "PROXY TCP4 198.51.100.7 10.0.0.5 56324 443\r\n");
    struct buf in = BUF(65536);
    (void)!write(one_more, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    assert_false(hears(one_more, &in, "HTTP/1.1 200 "));
    assert_int_equal(in.len, 0);
    buf_free(&in);
    other = dial(PROXY);
    begins(other, "PROXY TCP4 198.51.100.8 10.0.0.5 56324 443\r\n");
    brings(other, "", "198.51.100.8");
    for (int i = 0; i < MOST; i++) close(fds[i]);
    close(one_more);
    close(other);
    turn();
}

static void a_proxy_has_to_say_it_and_nobody_else_may(void **state)
{
    int silent = dial(PROXY), liar = dial("127.0.0.2");
    struct buf in = BUF(65536);
    (void)state;
    say(silent, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_false(hears(silent, &in, "HTTP/1.1 "));
    say(liar, "PROXY TCP4 198.51.100.7 10.0.0.5 56324 443\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hears(liar, &in, "HTTP/1.1 400 "));
    buf_free(&in);
    close(silent);
    close(liar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_request_of_a_proxy_has_its_own_client),
        TEST(a_proxy_is_not_counted_its_clients_are),
        TEST(what_a_proxy_asks_for_itself_is_not_counted),
        TEST(a_websocket_is_its_clients_to_its_end),
        TEST(of_ipv6_a_network_is_one_client),
        TEST(who_is_no_proxy_can_neither_hide_nor_take_anothers_place),
        cmocka_unit_test_setup_teardown(a_proxys_connection_is_of_whom_it_begins_with, start_first, stop),
        cmocka_unit_test_setup_teardown(what_comes_in_pieces_is_waited_for, start_first, stop),
        cmocka_unit_test_setup_teardown(a_proxy_that_asks_for_itself_has_no_limit, start_first, stop),
        cmocka_unit_test_setup_teardown(clients_behind_it_have_their_own_limit, start_first, stop),
        cmocka_unit_test_setup_teardown(a_proxy_has_to_say_it_and_nobody_else_may, start_first, stop),
    };
    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

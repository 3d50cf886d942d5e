/* test_http_stream.c - mounts, and bodies and answers in pieces: what is held back, and how little memory it all takes. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/buf.h"
#include "libshared/base/log.h"
#include "libshared/http/http_server.h"
#include "tests/lib/free_port.h"
#include "tests/lib/same_thread.h"

#define HOST         "Host: x\r\n"
#define LARGE        ((uint64_t)256 << 20)
/* What the kernel's buffers of one loopback connection may hold, with room to spare. */
#define KERNEL_BYTES ((uint64_t)32 << 20)
#define MEMORY_BYTES (1 << 20)
#define PIECE        65536

static struct http_server *server;
static int port;

/* Byte i of every large body; a period that no buffer size divides. */
static char pattern[PIECE + 251];

static const char *pattern_at(uint64_t i)
{
    return pattern + i % 251;
}

/* --- a mount that takes bodies in pieces, and sends them --- */

static struct {
    struct http *http;
    uint64_t came, sent, size;
    bool wrong, whole, lazy; /* lazy: holds back the rest after each piece */
    int gone, pieces, refills;
    bool dry; /* writes one piece each time it is asked to go on */
} mount;

static int on_upload(void *arg, struct http *http)
{
    (void)arg;
    http_set_body_max(http, SIZE_MAX);
    mount.http = http;
    return 0;
}

static void on_data(void *arg, struct http *http, struct str bytes)
{
    (void)arg;
    assert_false(mount.lazy && mount.pieces > 0); /* none is brought that nobody wants */
    for (struct str rest = bytes; rest.len > 0;) {
        size_t n = rest.len < PIECE ? rest.len : PIECE;
        if (memcmp(rest.at, pattern_at(mount.came), n) != 0) mount.wrong = true;
        mount.came += n;
        rest = str_skip(rest, n);
    }
    mount.pieces++;
    if (mount.lazy) http_pause(http, true);
}

static void on_whole(void *arg, struct http *http)
{
    char text[32];
    (void)arg;
    mount.whole = true;
    snprintf(text, sizeof text, "%llu bytes", (unsigned long long)mount.came);
    http_reply(http, 200, "text/plain", str_of(text), NULL, 0);
}

static void on_gone(void *arg, struct http *http)
{
    (void)arg, (void)http;
    mount.http = NULL;
    mount.gone++;
}

static int on_download(void *arg, struct http *http)
{
    (void)arg, (void)http;
    return 0;
}

static void begin_download(void *arg, struct http *http)
{
    bool measured = str_is(http_query(http), "measured");
    (void)arg;
    mount.http = http;
    if (!http_reply_begin(http, 200, "application/octet-stream", measured ? (int64_t)mount.size : -1, NULL, 0))
        mount.http = NULL;
}

static void on_writable(void *arg, struct http *http)
{
    size_t n = 1, want = 1;
    (void)arg;
    mount.refills++;
    while (mount.sent < mount.size && n == want) {
        want = mount.size - mount.sent < PIECE ? (size_t)(mount.size - mount.sent) : PIECE;
        mount.sent += n = http_write(http, (struct str){ pattern_at(mount.sent), want });
        if (mount.dry) return;
    }
    if (mount.sent == mount.size) {
        mount.http = NULL;
        http_reply_end(http);
    }
}

/* --- a mount that has to ask somebody first --- */

static struct http *asking;

static int on_ask(void *arg, struct http *http)
{
    (void)arg;
    asking = http;
    http_pause(http, true);
    return 0;
}

static void on_answer(void *arg, struct http *http)
{
    (void)arg;
    http_reply(http, 200, "text/plain", http_body(http), NULL, 0);
}

static int answer_at_once(void *arg, struct http *http)
{
    http_reply(http, 200, "text/plain", str_of(arg), NULL, 0);
    return 0;
}

static const struct http_handler upload = { .begin = on_upload, .data = on_data, .ready = on_whole, .gone = on_gone };
static const struct http_handler download = {
    .begin = on_download, .ready = begin_download, .writable = on_writable, .gone = on_gone
};
static const struct http_handler ask = { .begin = on_ask, .ready = on_answer, .gone = on_gone };
static const struct http_handler plain = { .methods = "GET, HEAD", .begin = answer_at_once };

/* --- set-up --- */

static int start(void **state)
{
    static char address[32], paths[][8] = { "/a", "/a*", "/a/b/", "/a/b/*" };
    (void)state;
    port = free_port();
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    struct http_server_config config = {
        .http = address,
        .connections_max = 10,
        .connections_per_address = 10,
        .body_max = 1000,
    };
    memset(&mount, 0, sizeof mount);
    mount.size = LARGE;
    asking = NULL;
    loop = ev_loop_new(0);
    server = http_server_create(loop, &config);
    http_mount(server, "/upload", &upload, NULL);
    http_mount(server, "/download", &download, NULL);
    http_mount(server, "/ask", &ask, NULL);
    for (size_t i = 0; i < COUNT(paths); i++) http_mount(server, paths[i], &plain, paths[i] + 1);
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

static int dial(void)
{
    return connect_from("127.0.0.1", port);
}

static void answers_on(int fd, const char *request, const char *answer)
{
    struct buf in = BUF(1 << 20);
    say(fd, request);
    if (!hears(fd, &in, answer)) fail_msg("no %s in %.*s", answer, STR_ARG(buf_str(&in)));
    buf_free(&in);
}

static void answers(const char *request, const char *answer)
{
    int fd = dial();
    answers_on(fd, request, answer);
    close(fd);
}

static long resident_bytes(void)
{
    char text[200];
    int fd = open("/proc/self/statm", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(n > 0);
    text[n] = '\0';
    long pages = 0;
    sscanf(text, "%*d %ld", &pages);
    return pages * sysconf(_SC_PAGESIZE);
}

/* The most that there was above what there is now.  A sanitizer keeps what is freed, so there it says nothing. */
static long at_first, most;

static void watch_memory(void)
{
    at_first = most = resident_bytes();
}

static void look_at_memory(void)
{
    long now = resident_bytes();
    if (now > most) most = now;
}

static void memory_stayed(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    assert_true(most >= at_first);
#else
    if (most - at_first >= MEMORY_BYTES) fail_msg("%ld bytes more", most - at_first);
#endif
}

/* Sends as much as the socket takes.  Returns where the body is now. */
static uint64_t send_some(int fd, uint64_t at, uint64_t end)
{
    size_t want = end - at < PIECE ? (size_t)(end - at) : PIECE;
    ssize_t n = want > 0 ? send(fd, pattern_at(at), want, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    return n > 0 ? at + (uint64_t)n : at;
}

/* Sends until nothing moves any more, or the end. */
static uint64_t send_until_held(int fd, uint64_t at, uint64_t end)
{
    for (int idle = 0; idle < 200 && at < end; turn()) {
        uint64_t before = at;
        at = send_some(fd, at, end);
        idle = at > before ? 0 : idle + 1;
        look_at_memory();
    }
    return at;
}

static uint64_t send_all(int fd, uint64_t at, uint64_t end)
{
    for (int64_t until_us = clock_mono_us() + 6 * PATIENCE_US; at < end && clock_mono_us() < until_us; turn()) {
        at = send_some(fd, at, end);
        look_at_memory();
    }
    assert_int_equal(at, end);
    return at;
}

static void begin_upload(int fd)
{
    char head[200];
    snprintf(
        head, sizeof head, "POST /upload HTTP/1.1\r\n" HOST "Content-Length: %llu\r\n\r\n", (unsigned long long)LARGE);
    say(fd, head);
}

/* --- mounts --- */

static void the_longest_mount_that_fits_has_the_request(void **state)
{
    (void)state;
    answers("GET /a HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\na");
    answers("GET /a/ HTTP/1.1\r\n" HOST "\r\n", "Content-Length: 1\r\n");
    answers("GET /abc?x=1 HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\na*");
    answers("GET /a/c HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\na*");
    answers("GET /a/b HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\na/b/");
    answers("GET /a/b/ HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\na/b/");
    answers("GET /a/b/c/d HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\na/b/*");
    answers("GET /b HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 ");
    answers("GET /b HTTP/1.1\r\n" HOST "\r\n", "\"no_route\"");
}

static void other_methods_are_told_which_there_are(void **state)
{
    static const char *const methods[] = { "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO", "G" };
    char request[100];
    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        snprintf(request, sizeof request, "%s /a HTTP/1.1\r\n" HOST "\r\n", methods[i]);
        answers(request, "HTTP/1.1 405 ");
        answers(request, "Allow: GET, HEAD\r\n");
    }
    answers("HEAD /a HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 ");
}

static void no_mount_without_sockets_is_upgraded(void **state)
{
    (void)state;
    answers("GET /a HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "HTTP/1.1 404 ");
}

/* --- bodies that come --- */

static void a_large_body_passes_through_little_memory(void **state)
{
    int fd = dial();
    uint64_t at = 0;
    (void)state;
    begin_upload(fd);
    at = send_all(fd, at, PIECE * 16); /* all buffers have been there once */
    watch_memory();
    send_all(fd, at, LARGE);
    answers_on(fd, "", "268435456 bytes");
    assert_false(mount.wrong);
    memory_stayed();
    close(fd);
}

static void a_slow_handler_holds_back_its_client(void **state)
{
    int fd = dial();
    uint64_t at = 0;
    (void)state;
    mount.lazy = true;
    begin_upload(fd);
    watch_memory();
    at = send_until_held(fd, at, LARGE);
    assert_int_equal(mount.pieces, 1);
    assert_true(mount.came <= PIECE);
    assert_true(at < KERNEL_BYTES); /* the client could send no more */
    for (int i = 0; i < 100; i++) {
        uint64_t before = mount.came;
        mount.pieces = 0;
        at = send_some(fd, at, LARGE);
        http_pause(mount.http, false);
        TURN_UNTIL(mount.pieces == 1);
        assert_true(mount.came > before);
        look_at_memory();
    }
    memory_stayed();
    mount.lazy = false;
    http_pause(mount.http, false);
    send_all(fd, at, LARGE);
    answers_on(fd, "", "268435456 bytes");
    assert_false(mount.wrong);
    close(fd);
}

static void chunks_are_streamed_too_and_bounded(void **state)
{
    (void)state;
    answers("POST /upload HTTP/1.1\r\n" HOST
            "Transfer-Encoding: chunked\r\n\r\n2\r\n\x01\x02\r\n1\r\n\x03\r\n0\r\n\r\n",
        "3 bytes");
    assert_int_equal(mount.pieces, 2);
    answers("POST /ask HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", "HTTP/1.1 413 ");
    assert_int_equal(mount.gone, 1);
}

static void a_client_that_leaves_in_its_body_is_told_once(void **state)
{
    int fd = dial();
    (void)state;
    begin_upload(fd);
    send_all(fd, 0, PIECE * 4);
    TURN_UNTIL(mount.pieces > 0);
    close(fd);
    TURN_UNTIL(mount.gone == 1);
    assert_false(mount.whole);
}

static void no_byte_is_accepted_before_the_handler_wants_it(void **state)
{
    struct buf in = BUF(10000);
    int fd = dial();
    (void)state;
    say(fd, "POST /ask HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    TURN_UNTIL(asking != NULL);
    for (int i = 0; i < 20; i++) turn();
    assert_int_equal(recv(fd, (char[1]){ 0 }, 1, MSG_DONTWAIT), -1); /* not told to go on */
    assert_int_equal(http_body(asking).len, 0);
    http_pause(asking, false);
    assert_true(hears(fd, &in, "HTTP/1.1 100 Continue\r\n\r\n"));
    say(fd, "body");
    assert_true(hears(fd, &in, "\r\n\r\nbody"));
    buf_free(&in);
    close(fd);
}

static void a_refusal_does_not_cost_the_connection_of_a_small_body(void **state)
{
    struct buf in = BUF(10000);
    int fd = dial();
    (void)state;
    say(fd, "POST /ask HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbo");
    TURN_UNTIL(asking != NULL);
    http_reply(asking, 401, "text/plain", STR("no"), NULL, 0);
    assert_true(hears(fd, &in, "\r\n\r\nno"));
    answers_on(fd, "dyGET /a HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\na");
    asking = NULL;
    say(fd, "POST /ask HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    TURN_UNTIL(asking != NULL);
    http_reply(asking, 401, "text/plain", STR("no"), NULL, 0); /* it may come or not: nobody can tell */
    assert_true(is_gone(fd));
    buf_free(&in);
    close(fd);
}

static void a_request_without_a_body_may_be_held_too(void **state)
{
    int fd = dial();
    (void)state;
    say(fd, "GET /ask HTTP/1.1\r\n" HOST "\r\nGET /a HTTP/1.1\r\n" HOST "\r\n");
    TURN_UNTIL(asking != NULL);
    http_pause(asking, false);
    answers_on(fd, "", "\r\n\r\na");
    close(fd);
}

/* --- answers that go --- */

/* Reads and compares, without chunks; `pieces` at a time. */
static uint64_t read_some(int fd, uint64_t at, int pieces)
{
    static char part[PIECE];
    for (int i = 0; i < pieces; i++) {
        ssize_t n = recv(fd, part, sizeof part, MSG_DONTWAIT);
        if (n <= 0) return at;
        assert_memory_equal(part, pattern_at(at), (size_t)n);
        at += (uint64_t)n;
    }
    return at;
}

static void skip_head(int fd)
{
    char c, last[4] = "";
    for (int64_t end = clock_mono_us() + PATIENCE_US; memcmp(last, "\r\n\r\n", 4) != 0;) {
        assert_true(clock_mono_us() < end);
        if (recv(fd, &c, 1, MSG_DONTWAIT) == 1) {
            memmove(last, last + 1, 3);
            last[3] = c;
        } else {
            turn();
        }
    }
}

static void a_large_answer_passes_through_little_memory(void **state)
{
    int fd = dial();
    uint64_t at = 0;
    (void)state;
    say(fd, "GET /download?measured HTTP/1.1\r\n" HOST "\r\n");
    skip_head(fd);
    while (at < PIECE * 16) {
        at = read_some(fd, at, 1);
        turn();
    }
    watch_memory();
    for (int64_t end = clock_mono_us() + 6 * PATIENCE_US; at < LARGE && clock_mono_us() < end; turn()) {
        at = read_some(fd, at, 8);
        look_at_memory();
    }
    assert_int_equal(at, LARGE);
    memory_stayed();
    mount.size = 3;
    mount.sent = 0;
    answers_on(
        fd, "GET /download?measured HTTP/1.1\r\n" HOST "\r\n", "Content-Length: 3\r\n"); /* the same connection */
    assert_int_equal(mount.gone, 0);
    close(fd);
}

static void a_slow_reader_holds_back_the_handler(void **state)
{
    int fd = dial();
    uint64_t at = 0, sent = 1;
    (void)state;
    say(fd, "GET /download?measured HTTP/1.1\r\n" HOST "\r\n");
    skip_head(fd);
    watch_memory();
    while (sent != mount.sent) { /* until nothing moves */
        sent = mount.sent;
        for (int i = 0; i < 100; i++) turn();
        look_at_memory();
    }
    assert_true(mount.sent < KERNEL_BYTES);
    int refills = mount.refills;
    for (int i = 0; i < 100; i++) turn();
    assert_int_equal(mount.refills, refills); /* nor is it asked in vain */
    memory_stayed();
    for (int64_t end = clock_mono_us() + 6 * PATIENCE_US; at < LARGE && clock_mono_us() < end; turn())
        at = read_some(fd, at, 8);
    assert_int_equal(at, LARGE);
    close(fd);
}

/* What else waits is looked at between them. */
static void a_large_answer_takes_many_turns_of_the_loop(void **state)
{
    int fd = dial();
    uint64_t at = 0, most_of_one = 0;
    (void)state;
    mount.size = 16u << 20;
    say(fd, "GET /download?measured HTTP/1.1\r\n" HOST "\r\n");
    for (int64_t end = clock_mono_us() + PATIENCE_US; mount.sent < mount.size && clock_mono_us() < end;) {
        uint64_t before = mount.sent;
        turn();
        if (mount.sent - before > most_of_one) most_of_one = mount.sent - before;
        if (before == 0 && mount.sent > 0) skip_head(fd);
        if (before > 0) at = read_some(fd, at, 64);
    }
    assert_int_equal(mount.sent, mount.size);
    assert_in_range(most_of_one, PIECE / 2, 9 * PIECE);
    close(fd);
}

static void an_answer_of_unknown_length_comes_in_chunks(void **state)
{
    int fd = dial();
    (void)state;
    mount.size = 3;
    answers_on(fd, "GET /download HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\n3\r\n\x01\x02\x03\r\n0\r\n\r\n");
    mount.sent = 0;
    answers_on(fd, "GET /download HTTP/1.1\r\n" HOST "\r\n", "Transfer-Encoding: chunked\r\n");
    mount.sent = 0;
    answers_on(fd, "GET /download HTTP/1.0\r\n\r\n", "\r\n\r\n\x01\x02\x03"); /* to the end of the connection */
    assert_true(is_gone(fd));
    close(fd);
    mount.sent = 0;
    answers("HEAD /download?measured HTTP/1.1\r\n" HOST "\r\n", "Content-Length: 3\r\n");
    assert_int_equal(mount.sent, 0);
}

static void a_handler_that_has_nothing_yet_says_when_it_has(void **state)
{
    struct buf in = BUF(1 << 20);
    int fd = dial();
    (void)state;
    mount.size = 2 * PIECE;
    mount.dry = true;
    say(fd, "GET /download HTTP/1.1\r\n" HOST "\r\n");
    TURN_UNTIL(mount.refills > 0);
    uint64_t sent = mount.sent;
    mount.size = sent + 3;
    mount.dry = false;
    http_want_write(mount.http);
    assert_true(hears(fd, &in, "\r\n0\r\n\r\n"));
    buf_free(&in);
    close(fd);
}

static void an_answer_that_breaks_off_is_seen_to(void **state)
{
    int fd = dial();
    (void)state;
    mount.dry = true;
    say(fd, "GET /download HTTP/1.1\r\n" HOST "\r\n");
    TURN_UNTIL(mount.refills > 0);
    http_abort(mount.http);
    TURN_UNTIL(mount.gone == 1);
    struct buf in = BUF(1 << 20);
    assert_false(hears(fd, &in, "\r\n0\r\n\r\n"));
    buf_free(&in);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_longest_mount_that_fits_has_the_request),
        TEST(other_methods_are_told_which_there_are),
        TEST(no_mount_without_sockets_is_upgraded),
        TEST(a_large_body_passes_through_little_memory),
        TEST(a_slow_handler_holds_back_its_client),
        TEST(chunks_are_streamed_too_and_bounded),
        TEST(a_client_that_leaves_in_its_body_is_told_once),
        TEST(no_byte_is_accepted_before_the_handler_wants_it),
        TEST(a_refusal_does_not_cost_the_connection_of_a_small_body),
        TEST(a_request_without_a_body_may_be_held_too),
        TEST(a_large_answer_passes_through_little_memory),
        TEST(a_slow_reader_holds_back_the_handler),
        TEST(a_large_answer_takes_many_turns_of_the_loop),
        TEST(an_answer_of_unknown_length_comes_in_chunks),
        TEST(a_handler_that_has_nothing_yet_says_when_it_has),
        TEST(an_answer_that_breaks_off_is_seen_to),
    };
    log_init("test", LOG_ERROR);
    for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (char)(i % 251 + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_http_server.c - the server over real sockets: limits, redirects, slow readers, hang-ups, certificates, the end. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "libshared/base/clock.h"
#include "libshared/base/holding.h"
#include "libshared/base/log.h"
#include "libshared/http/conn_private.h"
#include "tests/lib/free_port.h"
#include "tests/lib/same_thread.h"

#define HOST "Host: x\r\n"

/* --- a handler: /hold keeps its request, /large answers with 8 MiB, /small takes ten bytes, the rest is echoed --- */

static struct http_server *server;
static struct http *held;
static int gone;
static char *large;
static const size_t large_bytes = 8 << 20;

static int on_begin(void *arg, struct http *http)
{
    (void)arg;
    if (str_is(http_path(http), "/refused")) return 403;
    if (str_is(http_path(http), "/small")) http_set_body_max(http, 10);
    return 0;
}

static void on_ready(void *arg, struct http *http)
{
    (void)arg;
    if (str_is(http_path(http), "/hold"))
        held = http;
    else if (str_is(http_path(http), "/large"))
        http_reply(http, 200, "application/octet-stream", (struct str){ large, large_bytes }, NULL, 0);
    else
        http_reply(http, 200, "text/plain", http_body(http), NULL, 0);
}

static void on_gone(void *arg, struct http *http)
{
    (void)arg, (void)http;
    held = NULL;
    gone++;
}

/* --- a certificate, made for the test --- */

static char cert_path[] = "/tmp/test_http_server_cert_XXXXXX", key_path[] = "/tmp/test_http_server_key_XXXXXX";

static void write_certificate(long serial)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    FILE *cert_file = fopen(cert_path, "w"), *key_file = fopen(key_path, "w");

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());
    PEM_write_X509(cert_file, cert);
    PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL);
    fclose(cert_file);
    fclose(key_file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* --- set-up --- */

static char https[32], http_plain[32];

static int plain_port, tls_port;

static int start(bool plain, int64_t most, int64_t most_per_address)
{
    static const struct http_handler handler = { .begin = on_begin, .ready = on_ready, .gone = on_gone };
    plain_port = free_port();
    snprintf(http_plain, sizeof http_plain, "127.0.0.1:%d", plain_port);
    struct http_server_config config = {
        .http = http_plain,
        .https = https,
        .redirect_to = plain ? NULL : "https://chat.example",
        .tls_cert = cert_path,
        .tls_key = key_path,
        .origins = "*",
        .connections_max = most,
        .connections_per_address = most_per_address,
        .body_max = 1000000,
        .message_max = 1000000,
        .compress = true,
    };
    held = NULL;
    gone = 0;
    loop = ev_loop_new(0);
    server = http_server_create(loop, &config);
    http_mount(server, "/*", &handler, NULL);
    return 0;
}

static int start_plain(void **state)
{
    (void)state;
    return start(true, 100, 100);
}

static int start_scarce(void **state)
{
    holdings_bound(&(struct holding_bounds){ SIZE_MAX, 200000, SIZE_MAX, SIZE_MAX, SIZE_MAX });
    return start_plain(state);
}

static int start_redirecting(void **state)
{
    (void)state;
    return start(false, 100, 100);
}

static int start_small(void **state)
{
    (void)state;
    return start(true, 6, 4);
}

static int start_tls(void **state)
{
    (void)state;
    tls_port = free_port();
    snprintf(https, sizeof https, "127.0.0.1:%d", tls_port);
    write_certificate(1);
    return start(true, 100, 100);
}

static int stop(void **state)
{
    (void)state;
    http_server_destroy(&server);
    assert_int_equal(holdings_totals().all, 0);
    holdings_bound(&(struct holding_bounds){ SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX });
    ev_loop_destroy(loop);
    https[0] = '\0';
    return 0;
}

/* --- clients --- */

static int dial(void)
{
    return connect_from("127.0.0.1", plain_port);
}

static void answers(const char *request, const char *answer)
{
    struct buf in = BUF(1 << 20);
    int fd = dial();
    say(fd, request);
    if (!hears(fd, &in, answer)) fail_msg("no %s in %.*s", answer, STR_ARG(buf_str(&in)));
    close(fd);
    turn();
    buf_free(&in);
}

/* --- tests --- */

static void plain_http_is_sent_to_the_public_url(void **state)
{
    (void)state;
    answers("GET /a?b=c HTTP/1.1\r\n" HOST "\r\n", "Location: https://chat.example/a?b=c\r\n");
    answers("GET /a HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 308 ");
    answers("GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n", "HTTP/1.1 308 ");
}

static void a_question_about_the_server_is_answered_at_both_ports(void **state)
{
    (void)state;
    answers("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 ");
    answers("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "Allow: GET, HEAD, PUT, PATCH, POST, DELETE, OPTIONS\r\n");
}

static void a_certificate_authority_is_answered_over_plain_http(void **state)
{
    (void)state;
    answers("GET /.well-known/acme-challenge/x HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 ");
}

static void bodies_have_the_bound_that_the_handler_set(void **state)
{
    (void)state;
    answers("POST /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789", "\r\n\r\n0123456789");
    answers("POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n", "HTTP/1.1 413 ");
    assert_int_equal(gone, 1);
    answers("POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n", "HTTP/1.1 413 ");
    assert_int_equal(gone, 2);
}

/* A head, and a third of what it announces. */
static int say_a_third(void)
{
    static char third[100000];
    int fd = dial();
    memset(third, 'x', sizeof third - 1);
    say(fd, "POST / HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n");
    say(fd, third);
    for (int i = 0; i < 50; i++) turn();
    return fd;
}

static void large_bodies_are_bounded_all_together(void **state)
{
    struct buf in = BUF(65536);
    (void)state;
    int first = say_a_third();
    TURN_UNTIL(holdings_totals().all > 100000); /* all that it said */
    int second = say_a_third();
    assert_true(hears(second, &in, "\"overloaded\""));
    assert_int_equal(gone, 1);
    answers("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nsmall", "\r\n\r\nsmall");
    close(first);
    close(second);
    TURN_UNTIL(http_server_connections(server) == 0);
    first = say_a_third();
    TURN_UNTIL(http_server_connections(server) == 1);
    for (int i = 0; i < 50; i++) turn();
    assert_int_equal(http_server_connections(server), 1);
    assert_int_equal(gone, 2);
    close(first);
    buf_free(&in);
}

static void a_refusal_at_the_headers_does_not_wait_for_the_body(void **state)
{
    (void)state;
    answers("POST /refused HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n", "HTTP/1.1 403 ");
}

static void a_client_that_asks_first_is_told_to_go_on(void **state)
{
    struct buf in = BUF(4096);
    int fd = dial();
    (void)state;
    say(fd, "POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_true(hears(fd, &in, "HTTP/1.1 100 Continue\r\n\r\n"));
    say(fd, "body");
    assert_true(hears(fd, &in, "\r\n\r\nbody"));
    close(fd);
    buf_free(&in);
}

static void a_hang_up_is_told_once_and_only_if_unanswered(void **state)
{
    int fd = dial();
    (void)state;
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    TURN_UNTIL(held != NULL);
    close(fd);
    TURN_UNTIL(gone == 1);
    answers("GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 ");
    TURN_UNTIL(http_server_connections(server) == 0);
    assert_int_equal(gone, 1);
}

static void a_held_request_does_not_let_later_ones_pass(void **state)
{
    struct buf in = BUF(65536);
    int fd = dial();
    (void)state;
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\nPOST / HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nsecond");
    TURN_UNTIL(held != NULL);
    http_reply(held, 200, "text/plain", STR("first"), NULL, 0);
    assert_true(hears(fd, &in, "second"));
    assert_true(memmem(in.at, in.len, "first", 5) < memmem(in.at, in.len, "second", 6));
    close(fd);
    buf_free(&in);
}

static void a_reader_who_takes_his_time_gets_everything(void **state)
{
    struct buf in = BUF(large_bytes + 4096);
    int fd = dial();
    (void)state;
    say(fd, "GET /large HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    for (int i = 0; i < 100; i++) turn();
    hears(fd, &in, "\r\n\r\n");
    assert_false(hears(fd, &in, "never said")); /* to the end */
    const char *body = (char *)memmem(in.at, in.len, "\r\n\r\n", 4) + 4;
    assert_int_equal(in.at + in.len - body, large_bytes);
    assert_memory_equal(body, large, large_bytes);
    close(fd);
    buf_free(&in);
}

static void connections_are_counted_over_all_and_by_address(void **state)
{
    int mine[4], theirs[2];
    (void)state;
    for (int i = 0; i < 4; i++) mine[i] = dial();
    int fifth = dial();
    assert_true(is_gone(fifth));
    close(fifth);
    for (int i = 0; i < 2; i++) theirs[i] = connect_from("127.0.0.2", plain_port);
    TURN_UNTIL(http_server_connections(server) == 6);
    int seventh = connect_from("127.0.0.3", plain_port);
    assert_true(is_gone(seventh));
    close(seventh);
    for (int i = 0; i < 4; i++) close(mine[i]);
    TURN_UNTIL(http_server_connections(server) == 2);
    answers("GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 ");
    for (int i = 0; i < 2; i++) close(theirs[i]);
}

static void who_stands_in_the_queue_is_served_before_the_door_closes(void **state)
{
    struct buf in = BUF(4096);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)plain_port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), late = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    http_server_stop_accepting(server);
    say(fd, "GET / HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hears(fd, &in, "HTTP/1.1 200 "));
    assert_int_equal(connect(late, (struct sockaddr *)&at, sizeof at), -1);
    close(fd);
    close(late);
    buf_free(&in);
}

static void idle_connections_end_when_the_door_closes(void **state)
{
    struct buf in = BUF(4096);
    int idle = dial(), fresh = dial(), speaks = dial();
    (void)state;
    say(idle, "GET / HTTP/1.1\r\n" HOST "\r\n");
    say(speaks, "GET / HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hears(idle, &in, "HTTP/1.1 200 "));
    buf_clear(&in);
    assert_true(hears(speaks, &in, "HTTP/1.1 200 "));
    say(speaks, "GET / HTTP/1.1\r\n" HOST "\r\n");
    http_server_stop_accepting(server);
    assert_true(is_gone(idle));
    buf_clear(&in);
    assert_true(hears(speaks, &in, "HTTP/1.1 200 ")); /* its request was here before */
    say(fresh, "GET / HTTP/1.1\r\n" HOST "\r\n");
    buf_clear(&in);
    assert_true(hears(fresh, &in, "HTTP/1.1 200 "));
    close(idle);
    close(fresh);
    close(speaks);
    buf_free(&in);
}

/* --- TLS --- */

static SSL *dial_tls(SSL_CTX *ctx, int *fd)
{
    *fd = connect_from("127.0.0.1", tls_port);
    int flags = 1;
    ioctl(*fd, FIONBIO, &flags);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, *fd);
    int done = 0;
    for (int i = 0; i < 5000 && done != 1; i++) {
        done = SSL_connect(ssl);
        turn();
    }
    return ssl;
}

static long serial_of(SSL_CTX *ctx)
{
    int fd;
    SSL *ssl = dial_tls(ctx, &fd);
    X509 *cert = SSL_get1_peer_certificate(ssl);
    long serial = cert == NULL ? -1 : ASN1_INTEGER_get(X509_get0_serialNumber(cert));
    X509_free(cert);
    SSL_free(ssl);
    close(fd);
    turn();
    return serial;
}

static void reload(void)
{
    http_server_reload_certificates(server);
    TURN_UNTIL(server->renewal.errand == NULL);
}

static void a_new_certificate_serves_new_connections_and_a_bad_one_does_not(void **state)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int fd;
    char byte;
    (void)state;
    SSL *old = dial_tls(ctx, &fd);
    assert_int_equal(serial_of(ctx), 1);

    write_certificate(2);
    reload();
    assert_int_equal(serial_of(ctx), 2);

    FILE *broken = fopen(cert_path, "w");
    fputs("not a certificate\n", broken);
    fclose(broken);
    reload();
    assert_int_equal(serial_of(ctx), 2);

    static const char request[] = "GET / HTTP/1.1\r\n" HOST "\r\n";
    assert_int_equal(SSL_write(old, request, sizeof request - 1), sizeof request - 1);
    int n = 0;
    TURN_UNTIL(n > 0 || (n = SSL_read(old, &byte, 1)) > 0);
    assert_int_equal(byte, 'H'); /* the old connection lives on */
    SSL_free(old);
    close(fd);
    SSL_CTX_free(ctx);
}

/* Whoever reads the pipe meanwhile reads its end. */
static bool errand_is_over(void)
{
    int fd = open(cert_path, O_WRONLY | O_NONBLOCK);
    if (fd >= 0) close(fd);
    return server->renewal.errand == NULL;
}

/* A file that cannot be read now, as on a disk that hangs: a pipe that nobody writes to. */
static void a_certificate_that_cannot_be_read_holds_nobody_up(void **state)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    (void)state;
    write_certificate(3);
    reload();
    assert_int_equal(unlink(cert_path), 0);
    assert_int_equal(mkfifo(cert_path, 0600), 0);
    http_server_reload_certificates(server);
    assert_int_equal(serial_of(ctx), 3);
    http_server_reload_certificates(server); /* the thread of the first is left alone with it */
    assert_int_equal(serial_of(ctx), 3);
    TURN_UNTIL(errand_is_over());
    assert_int_equal(serial_of(ctx), 3);
    unlink(cert_path);
    write_certificate(3);
    SSL_CTX_free(ctx);
}

static void what_is_older_than_tls_1_2_is_refused(void **state)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int fd;
    (void)state;
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
    SSL *ssl = dial_tls(ctx, &fd);
    assert_false(SSL_is_init_finished(ssl));
    SSL_free(ssl);
    close(fd);
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    ssl = dial_tls(ctx, &fd);
    assert_true(SSL_is_init_finished(ssl));
    SSL_free(ssl);
    close(fd);
    SSL_CTX_free(ctx);
}

static void only_forward_secret_authenticated_ciphers_are_spoken(void **state)
{
    static const char *const no[] = { "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-NULL-SHA" };
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int fd;
    (void)state;
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    for (size_t i = 0; i < COUNT(no); i++) {
        assert_int_equal(SSL_CTX_set_cipher_list(ctx, no[i]), 1);
        SSL *ssl = dial_tls(ctx, &fd);
        if (SSL_is_init_finished(ssl)) fail_msg("%s is spoken", no[i]);
        SSL_free(ssl);
        close(fd);
    }
    SSL_CTX_free(ctx);
}

static void a_client_may_not_negotiate_again(void **state)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char byte;
    int fd, n = 0;
    (void)state;
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL *ssl = dial_tls(ctx, &fd);
    assert_true(SSL_is_init_finished(ssl));
    assert_int_equal(SSL_renegotiate(ssl), 1);
    SSL_do_handshake(ssl);
    for (int i = 0; i < 200 && SSL_renegotiate_pending(ssl); i++) {
        turn();
        n = SSL_read(ssl, &byte, 1);
        if (n <= 0 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ) break;
    }
    assert_true(SSL_renegotiate_pending(ssl));
    SSL_free(ssl);
    close(fd);
    SSL_CTX_free(ctx);
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plain_http_is_sent_to_the_public_url, start_redirecting),
        TEST(a_question_about_the_server_is_answered_at_both_ports, start_redirecting),
        TEST(a_question_about_the_server_is_answered_at_both_ports, start_plain),
        TEST(a_certificate_authority_is_answered_over_plain_http, start_redirecting),
        TEST(bodies_have_the_bound_that_the_handler_set, start_plain),
        TEST(large_bodies_are_bounded_all_together, start_scarce),
        TEST(a_refusal_at_the_headers_does_not_wait_for_the_body, start_plain),
        TEST(a_client_that_asks_first_is_told_to_go_on, start_plain),
        TEST(a_hang_up_is_told_once_and_only_if_unanswered, start_plain),
        TEST(a_held_request_does_not_let_later_ones_pass, start_plain),
        TEST(a_reader_who_takes_his_time_gets_everything, start_plain),
        TEST(connections_are_counted_over_all_and_by_address, start_small),
        TEST(who_stands_in_the_queue_is_served_before_the_door_closes, start_plain),
        TEST(idle_connections_end_when_the_door_closes, start_plain),
        TEST(a_new_certificate_serves_new_connections_and_a_bad_one_does_not, start_tls),
        TEST(a_certificate_that_cannot_be_read_holds_nobody_up, start_tls),
        TEST(what_is_older_than_tls_1_2_is_refused, start_tls),
        TEST(only_forward_secret_authenticated_ciphers_are_spoken, start_tls),
        TEST(a_client_may_not_negotiate_again, start_tls),
    };
    log_init("test", LOG_ERROR);
    large = mem_alloc(large_bytes);
    for (size_t i = 0; i < large_bytes; i++) large[i] = (char)(i * 7 + i / 1000);
    close(mkstemp(cert_path));
    close(mkstemp(key_path));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(cert_path);
    unlink(key_path);
    mem_free(large);
    return failed;
}

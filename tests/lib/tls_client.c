/* tls_client.c - see tls_client.h. */
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>

#include "tests/lib/tls_client.h"

_Thread_local SSL_SESSION *newest;
_Noreturn void give_up(const char *what)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(newest);
    newest = session;
    return 1;
}

SSL_CTX *new_client(int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
    SSL_CTX_set1_groups_list(ctx, "X25519:P-256");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(ctx, on_ticket);
    return ctx;
}

int dial(int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) give_up("nobody listens there");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

SSL *shake_hands(SSL_CTX *ctx, int fd, SSL_SESSION *session)
{
    SSL *ssl = SSL_new(ctx);

    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, "localhost");
    if (session != NULL) SSL_set_session(ssl, session);
    if (SSL_connect(ssl) != 1) give_up("no handshake");
    return ssl;
}

void ask_for_health(SSL *ssl)
{
    char answer[8192];

    if (SSL_write(ssl, REQUEST, sizeof REQUEST - 1) <= 0 || SSL_read(ssl, answer, sizeof answer) <= 0)
        give_up("no answer");
}

void hang_up(int fd)
{
    struct linger now = { 1, 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

int connect_once(SSL_CTX *ctx, int port, bool resumes)
{
    int fd = dial(port);
    SSL *ssl = shake_hands(ctx, fd, resumes ? newest : NULL);

    ask_for_health(ssl);
    int resumed = SSL_session_reused(ssl);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    hang_up(fd);
    return resumed;
}

void forget_ticket(void)
{
    SSL_SESSION_free(newest);
    newest = NULL;
}

void ask_for_health_plainly(int fd)
{
    char answer[8192];

    if (write(fd, REQUEST, sizeof REQUEST - 1) < 0 || read(fd, answer, sizeof answer) <= 0) give_up("no answer");
}

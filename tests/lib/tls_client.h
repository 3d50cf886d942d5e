/* tls_client.h - a client that speaks what browsers choose, so that each server does the same work: AES-128 with SHA-256, X25519. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

extern _Thread_local SSL_SESSION *newest; /* the ticket that came last */

_Noreturn void give_up(const char *what);

SSL_CTX *new_client(int version);
int dial(int port);

SSL *shake_hands(SSL_CTX *ctx, int fd, SSL_SESSION *session);
void ask_for_health(SSL *ssl);

/* So that the port is free again at once. */
void hang_up(int fd);

/* 1: it was resumed. */
int connect_once(SSL_CTX *ctx, int port, bool resumes);
void forget_ticket(void);
void ask_for_health_plainly(int fd);

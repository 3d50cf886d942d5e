/* tls.h - what TLS we speak, and whether a certificate fits its key. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#include <openssl/ssl.h>

/* TLS 1.2 and 1.3, forward secrecy, stateless tickets. */
void tls_configure(SSL_CTX *ctx);
/* Chain and key in a context of their own, for tls_take(); NULL: why not.  Reads files. */
SSL_CTX *tls_read(const char *cert, const char *key, const char **why);
/* Gives a context in use the chain and key of another. */
bool tls_take(SSL_CTX *used, SSL_CTX *read);

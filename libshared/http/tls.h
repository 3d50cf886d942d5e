/* tls.h - what TLS we speak, and whether a certificate fits its key. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#include <openssl/ssl.h>

/* TLS 1.2 and 1.3, forward secrecy, stateless tickets. */
void tls_configure(SSL_CTX *ctx);
/* NULL if chain and key load and belong together, else why not. */
const char *tls_check(const char *cert, const char *key);
/* Loads both into a context in use; call tls_check() first. */
bool tls_load(SSL_CTX *ctx, const char *cert, const char *key);

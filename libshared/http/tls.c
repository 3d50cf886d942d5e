/* tls.c - what TLS we speak, and whether a certificate fits its key. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/tls.h"

#include <openssl/err.h>

/* Only what is forward secret and authenticated; TLS 1.3's suites all are. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

void tls_configure(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, CIPHERS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_PRIORITIZE_CHACHA);
    /* Tickets carry the session to any gateway of the process and cost no memory here; the cache would. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"madang", 6);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
}

SSL_CTX *tls_read(const char *cert, const char *key, const char **why)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    *why = NULL;
    if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        *why = "the certificate cannot be read";
    else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        *why = "the private key cannot be read, or is not the certificate's";
    else if (SSL_CTX_check_private_key(ctx) != 1)
        *why = "the private key is not the certificate's";
    ERR_clear_error();
    if (*why == NULL) return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

bool tls_take(SSL_CTX *used, SSL_CTX *read)
{
    STACK_OF(X509) *chain = NULL;
    bool taken =
        SSL_CTX_get0_chain_certs(read, &chain) == 1 &&
        SSL_CTX_use_cert_and_key(used, SSL_CTX_get0_certificate(read), SSL_CTX_get0_privatekey(read), chain, 1) == 1;

    ERR_clear_error();
    return taken;
}

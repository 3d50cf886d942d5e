/* tls.h - what TLS we speak: Mozilla's guideline 6.0, "intermediate"; with which certificate, and who may resume. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/tls/certificates.h"
#include "libshared/http/tls/tickets.h"

/* Of one listener.  Its address is kept by the context that it configures. */
struct tls {
    struct certificates *certificates; /* those of new handshakes */
    struct tickets tickets;
};

void tls_configure(SSL_CTX *ctx, struct tls *tls);
/* Handshakes that begin from now on have these; those that came before keep what they have. */
void tls_take(struct tls *tls, struct certificates *certificates);

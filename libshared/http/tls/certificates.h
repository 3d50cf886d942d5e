/* certificates.h - the chains and keys of TLS: read from files, and chosen by the name that a client asks for. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#include <openssl/ssl.h>
#include <time.h>

#define CERTIFICATES_MAX 16

struct certificate {
    char *path;          /* of the chain */
    SSL_CTX *holder;     /* keeps chain and key */
    time_t since, until; /* not before, not after */
};
struct certificates {
    size_t n;
    struct certificate at[CERTIFICATES_MAX];
};

/* Lists of PEM files, separated by commas: as many keys as chains, in their order.  Reads files, so it may wait.  NULL:
 * `why` says which is no good. */
struct certificates *certificates_read(const char *chains, const char *keys, char *why, size_t size);
void certificates_free(struct certificates **certificates);
/* Changes when one of the files is another one, or its bytes are.  Asks the file system, so it may wait. */
uint64_t certificates_mark(const char *chains, const char *keys);
/* The first that has this name; NULL, or a name that none has: the first. */
const struct certificate *certificates_find(const struct certificates *certificates, const char *name);
/* Of its life; below 0 once it is over. */
int64_t certificate_percent_left(const struct certificate *certificate, time_t now);
bool certificate_use(const struct certificate *certificate, SSL *ssl);

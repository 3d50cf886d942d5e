/*
 * tickets.h - the keys of TLS session tickets, the same at every gateway and in every process after it.
 *
 *      secret --HMAC, number of the period--> the key of these 12 hours
 *
 *      period      n - 1          n          n + 1
 *      seals                      x
 *      opens         x            x            x      another gateway's clock may be ahead
 *
 * Nothing is sent from one gateway to the other, and nothing is kept: a client that comes back to any of them within its
 * period or the next is spared the certificate and both their signatures.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#include <time.h>

#define TICKETS_SECRET_BYTES 32
#define TICKETS_PERIOD_S     43200
#define TICKETS_NAME_BYTES   16
#define TICKETS_CIPHER_BYTES 32 /* AES-256-CBC */
#define TICKETS_MAC_BYTES    32 /* HMAC-SHA256 */

struct ticket_key {
    unsigned char name[TICKETS_NAME_BYTES], cipher[TICKETS_CIPHER_BYTES], mac[TICKETS_MAC_BYTES];
};
struct tickets {
    unsigned char secret[TICKETS_SECRET_BYTES];
    int64_t period;            /* of keys[1] */
    struct ticket_key keys[3]; /* the one before, this one, the next */
};

/* secret NULL: one by chance, this process's own. */
void tickets_begin(struct tickets *tickets, const unsigned char *secret);
void tickets_end(struct tickets *tickets);
const struct ticket_key *tickets_current(struct tickets *tickets, time_t now);
/* NULL: too old, or none of ours. */
const struct ticket_key *tickets_find(
    struct tickets *tickets, time_t now, const unsigned char name[TICKETS_NAME_BYTES]);

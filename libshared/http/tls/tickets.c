/* tickets.c - the keys of TLS session tickets, derived from one secret and the time. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/tls/tickets.h"

#include <assert.h>
#include <openssl/hmac.h>
#include <string.h>

#include "libshared/base/secret.h"

static void derive_part(const struct tickets *tickets, int64_t period, unsigned char part, unsigned char out[32])
{
    unsigned char of[9] = { part };
    unsigned len = 0;

    for (size_t i = 0; i < 8; i++) of[1 + i] = (unsigned char)((uint64_t)period >> (8 * i));
    const void *made = HMAC(EVP_sha256(), tickets->secret, sizeof tickets->secret, of, sizeof of, out, &len);
    assert(made != NULL && len == 32);
    (void)made;
}

static void derive_key(const struct tickets *tickets, int64_t period, struct ticket_key *key)
{
    unsigned char name[32];

    derive_part(tickets, period, 'n', name);
    memcpy(key->name, name, sizeof key->name);
    derive_part(tickets, period, 'c', key->cipher);
    derive_part(tickets, period, 'm', key->mac);
}

void tickets_begin(struct tickets *tickets, const unsigned char *secret)
{
    if (secret != NULL)
        memcpy(tickets->secret, secret, sizeof tickets->secret);
    else
        secret_random(tickets->secret, sizeof tickets->secret);
    tickets->period = -1;
}

void tickets_end(struct tickets *tickets)
{
    secret_wipe(tickets, sizeof *tickets);
}

static void follow_time(struct tickets *tickets, time_t now)
{
    int64_t period = now / TICKETS_PERIOD_S;

    if (period == tickets->period) return;
    tickets->period = period;
    for (int i = 0; i < 3; i++) derive_key(tickets, period - 1 + i, &tickets->keys[i]);
}

const struct ticket_key *tickets_current(struct tickets *tickets, time_t now)
{
    follow_time(tickets, now);
    return &tickets->keys[1];
}

const struct ticket_key *tickets_find(struct tickets *tickets, time_t now, const unsigned char name[TICKETS_NAME_BYTES])
{
    follow_time(tickets, now);
    for (int i = 0; i < 3; i++)
        if (memcmp(tickets->keys[i].name, name, TICKETS_NAME_BYTES) == 0) return &tickets->keys[i];
    return NULL;
}

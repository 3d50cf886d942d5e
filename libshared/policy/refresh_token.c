/* refresh_token.c - bytes of refresh tokens. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/refresh_token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "libshared/base/base64.h"
#include "libshared/base/secret.h"

#define VERSION    1
#define AT_SESSION 1
#define AT_COUNTER 17
#define AT_MAC     25
#define AT_CRC     41

static void put_number(unsigned char *to, uint64_t n, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) to[i] = (unsigned char)(n >> (8 * (bytes - 1 - i)));
}

static uint64_t get_number(const unsigned char *from, unsigned bytes)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < bytes; i++) n = n << 8 | from[i];
    return n;
}

static void put_head(struct id session, int64_t counter, unsigned char bytes[AT_MAC])
{
    bytes[0] = VERSION;
    memcpy(bytes + AT_SESSION, session.b, sizeof session.b);
    put_number(bytes + AT_COUNTER, (uint64_t)counter, 8);
}

static void make_mac(const unsigned char head[AT_MAC], struct str secret, unsigned char mac[16])
{
    unsigned char whole[EVP_MAX_MD_SIZE];

    if (HMAC(EVP_sha256(), secret.at, (int)secret.len, head, AT_MAC, whole, NULL) == NULL) abort();
    memcpy(mac, whole, 16);
}

static uint64_t crc_of(const unsigned char *bytes)
{
    return crc32(crc32(0, NULL, 0), bytes, AT_CRC);
}

bool refresh_token_parse(struct str text, struct refresh_token *out)
{
    unsigned char bytes[REFRESH_BYTES];

    if (text.len != REFRESH_CHARS || !base64url_is_canonical(text)) return false;
    if (base64url_decode(text, bytes) != REFRESH_BYTES || bytes[0] != VERSION) return false;
    if (get_number(bytes + AT_CRC, 4) != crc_of(bytes)) return false;
    uint64_t counter = get_number(bytes + AT_COUNTER, 8);
    memcpy(out->session.b, bytes + AT_SESSION, sizeof out->session.b);
    out->counter = (int64_t)counter;
    memcpy(out->mac, bytes + AT_MAC, sizeof out->mac);
    return counter <= INT64_MAX && !id_is_nil(out->session);
}

bool refresh_token_is_genuine(const struct refresh_token *token, struct str secret)
{
    unsigned char head[AT_MAC], mac[16];

    put_head(token->session, token->counter, head);
    make_mac(head, secret, mac);
    return secret_eq(mac, token->mac, sizeof mac);
}

void refresh_token_write(struct id session, int64_t counter, struct str secret, char out[REFRESH_CHARS + 1])
{
    unsigned char bytes[REFRESH_BYTES];

    put_head(session, counter, bytes);
    make_mac(bytes, secret, bytes + AT_MAC);
    put_number(bytes + AT_CRC, crc_of(bytes), 4);
    base64url_encode(bytes, sizeof bytes, out);
}

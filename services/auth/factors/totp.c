/* totp.c - RFC 6238 and RFC 4226. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/factors/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/base/base32.h"
#include "libshared/base/buf.h"
#include "libshared/base/secret.h"

#define STEP_MS 30000
#define DRIFT   1 /* steps */

int64_t totp_step(int64_t now_ms)
{
    return now_ms / STEP_MS;
}

/* RFC 4226 5.3: 31 bits from where the last four say. */
static uint32_t truncate_mac(const unsigned char mac[20])
{
    const unsigned char *at = mac + (mac[19] & 15);

    return ((uint32_t)(at[0] & 127) << 24) | ((uint32_t)at[1] << 16) | ((uint32_t)at[2] << 8) | at[3];
}

void totp_code(const unsigned char secret[TOTP_SECRET_BYTES], int64_t step, char out[TOTP_DIGITS + 1])
{
    unsigned char moving[8], mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    for (int i = 0; i < 8; i++) moving[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
    if (HMAC(EVP_sha1(), secret, TOTP_SECRET_BYTES, moving, sizeof moving, mac, &len) == NULL || len != 20) abort();
    snprintf(out, TOTP_DIGITS + 1, "%06u", (unsigned)(truncate_mac(mac) % 1000000u));
    secret_wipe(mac, sizeof mac);
}

int64_t totp_find(const unsigned char secret[TOTP_SECRET_BYTES], struct str code, int64_t now_ms, int64_t after)
{
    int64_t now = totp_step(now_ms), found = -1;
    char each[TOTP_DIGITS + 1];

    if (code.len != TOTP_DIGITS) return -1;
    for (int64_t step = now - DRIFT; step <= now + DRIFT; step++) {
        totp_code(secret, step, each);
        if (secret_eq(each, code.at, TOTP_DIGITS) && step > after) found = step;
    }
    secret_wipe(each, sizeof each);
    return found;
}

void totp_secret_text(const unsigned char secret[TOTP_SECRET_BYTES], char out[TOTP_SECRET_CHARS + 1])
{
    base32_encode(secret, TOTP_SECRET_BYTES, out);
}

static void add_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || c == '.' || c == '~';
        if (plain)
            buf_add_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

struct str totp_uri(
    struct arena *arena, struct str issuer, struct str account, const unsigned char secret[TOTP_SECRET_BYTES])
{
    char text[TOTP_SECRET_CHARS + 1];
    struct buf uri = BUF(8192);

    totp_secret_text(secret, text);
    buf_add_str(&uri, STR("otpauth://totp/"));
    add_escaped(&uri, issuer);
    buf_add_char(&uri, ':');
    add_escaped(&uri, account);
    buf_printf(&uri, "?secret=%s&issuer=", text);
    add_escaped(&uri, issuer);
    struct str out = arena_str(arena, buf_str(&uri));
    secret_wipe(text, sizeof text);
    buf_free(&uri);
    return out;
}

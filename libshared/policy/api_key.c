/* api_key.c - keys made, taken apart and hashed. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/api_key.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "libshared/base/base64.h"
#include "libshared/base/secret.h"

#define SECRET_AT (4 + API_KEY_ID_CHARS + 1)
#define CRC_AT    (SECRET_AT + API_KEY_SECRET_CHARS + 1)

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_secret(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.at[i]) && s.at[i] != '_' && s.at[i] != '-') return false;
    return s.len == API_KEY_SECRET_CHARS;
}

bool api_key_is_id(struct str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!is_alnum(id.at[i])) return false;
    return id.len == API_KEY_ID_CHARS;
}

static void write_crc(const char *text, char out[9])
{
    snprintf(out, 9, "%08lx", crc32(0, (const unsigned char *)text, CRC_AT - 1));
}

bool api_key_parse(struct str text, struct api_key_parts *out)
{
    char crc[9];

    if (text.len != API_KEY_CHARS || !str_starts(text, STR("mdk_"))) return false;
    if (text.at[SECRET_AT - 1] != '_' || text.at[CRC_AT - 1] != '_') return false;
    out->id = (struct str){ text.at + 4, API_KEY_ID_CHARS };
    out->secret = (struct str){ text.at + SECRET_AT, API_KEY_SECRET_CHARS };
    write_crc(text.at, crc);
    return api_key_is_id(out->id) && is_secret(out->secret) && memcmp(text.at + CRC_AT, crc, 8) == 0;
}

void api_key_new_id(char out[API_KEY_ID_CHARS + 1])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    unsigned char random;

    for (size_t i = 0; i < API_KEY_ID_CHARS;) {
        secret_random(&random, 1);
        if (random < 248) /* four times 62: no digit is likelier than another */
            out[i++] = digits[random % 62];
    }
    out[API_KEY_ID_CHARS] = '\0';
}

void api_key_new(const char *id, char out[API_KEY_CHARS + 1])
{
    unsigned char random[32];
    char secret[API_KEY_SECRET_CHARS + 1], crc[9];

    assert(api_key_is_id(str_of(id)));
    secret_random(random, sizeof random);
    base64url_encode(random, sizeof random, secret);
    snprintf(out, API_KEY_CHARS + 1, "mdk_%s_%s_", id, secret);
    write_crc(out, crc);
    memcpy(out + CRC_AT, crc, sizeof crc);
    secret_wipe(random, sizeof random);
    secret_wipe(secret, sizeof secret);
}

void api_key_hash(struct str secret, unsigned char out[32])
{
    int good = EVP_Digest(secret.at, secret.len, out, NULL, EVP_sha256(), NULL);

    assert(good == 1);
}

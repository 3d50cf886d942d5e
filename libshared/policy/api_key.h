/* api_key.h - the form of a key: mdk_<id>_<secret>_<crc>.
 *
 * id: 12 of [0-9A-Za-z]; secret: 256 bits from the kernel as 43 of [0-9A-Za-z_-]; crc: CRC-32 of all before it, 8 hex
 * digits, so that a mistyped key, or what only looks like one, costs nobody a question to the database. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define API_KEY_ID_CHARS     12
#define API_KEY_SECRET_CHARS 43
#define API_KEY_CHARS        (4 + API_KEY_ID_CHARS + 1 + API_KEY_SECRET_CHARS + 1 + 8)

struct api_key_parts {
    struct str id, secret;
};

/* Views into text.  false: not a key of ours. */
bool api_key_parse(struct str text, struct api_key_parts *out);
bool api_key_is_id(struct str id);
void api_key_new_id(char out[API_KEY_ID_CHARS + 1]);
/* A new secret for that id, and the whole key around it. */
void api_key_new(const char *id, char out[API_KEY_CHARS + 1]);
/* What is stored of a secret. */
void api_key_hash(struct str secret, unsigned char out[32]);

/*
 * refresh_token.h - what goes on with a session: no row for each, a counter in the session's own.
 *
 *      base64url( version 1 | session 16 | counter 8 | HMAC-SHA-256 of the former, its first 16 | CRC-32 of the former )
 *
 * The HMAC's key is the session's own.  The CRC says of a typing error that it is one without a question to the database.
 * Which session a token names is for anybody to read; that it is genuine auth alone can tell.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/id.h"

#define REFRESH_BYTES        45
#define REFRESH_CHARS        60
#define REFRESH_SECRET_BYTES 32

struct refresh_token {
    struct id session;
    int64_t counter;
    unsigned char mac[16];
};

bool refresh_token_parse(struct str text, struct refresh_token *out);
bool refresh_token_is_genuine(const struct refresh_token *token, struct str secret);
void refresh_token_write(struct id session, int64_t counter, struct str secret, char out[REFRESH_CHARS + 1]);

/* token_head.h - the one spelling that a token has, and the key that its head names. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define TOKEN_BYTES_MAX 8192
#define TOKEN_KID_CHARS 64

/*
 * Three parts of base64url without padding, blanks or bits to spare; a head that says ES256, a kid, and nothing else but
 * that it is a JWT; a signature of 64 bytes.  A JWT library also takes what differs from this, so that one signature would
 * have many texts, and a head with `crit` or `jwk` as one without.
 */
bool token_head_read(struct str token, char kid[TOKEN_KID_CHARS + 1]);

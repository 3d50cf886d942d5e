/*
 * totp.h - the codes of authenticator apps: RFC 6238 with HMAC-SHA-1, six digits, steps of 30 s.
 *
 * A code is good in its step, in the one before and in the one behind, as clocks differ; and only if its step is later than
 * that of the last good one, so that none is good twice.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

struct arena;

#define TOTP_SECRET_BYTES 20
#define TOTP_DIGITS       6
#define TOTP_SECRET_CHARS 32 /* in base 32 */

int64_t totp_step(int64_t now_ms);
void totp_code(const unsigned char secret[TOTP_SECRET_BYTES], int64_t step, char out[TOTP_DIGITS + 1]);
/* The step whose code this is, later than `after`; -1: it is none that is good now. */
int64_t totp_find(const unsigned char secret[TOTP_SECRET_BYTES], struct str code, int64_t now_ms, int64_t after);
/* As people type it into an app that reads no picture. */
void totp_secret_text(const unsigned char secret[TOTP_SECRET_BYTES], char out[TOTP_SECRET_CHARS + 1]);
/* otpauth://totp/…, as apps read it from a picture. */
struct str totp_uri(
    struct arena *arena, struct str issuer, struct str account, const unsigned char secret[TOTP_SECRET_BYTES]);

/*
 * strength.h - how long a password takes to guess, by libzxcvbn: dictionaries, keyboards, dates, repeats.
 *
 * Beside its own words it knows the account's e-mail and nickname, and Korean ones as they are typed on a Latin keyboard
 * (korean_words.def); a password in Hangul is looked at as its keys.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

/* Bits of it, as somebody would guess who knows those two.  Some ms: on a BLOCKING thread. */
double password_bits(const char *password, struct str email, struct str nickname);

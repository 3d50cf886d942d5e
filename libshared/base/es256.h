/*
 * es256.h - the one spelling of an ES256 signature, which ends a token as 86 characters.
 *
 * A signature is two numbers (r, s), and (r, n - s) verifies as well: without any key, whoever sees a token can write it
 * in a second way, which is another text and the same token.  What is remembered, counted or taken back by a token's
 * bytes would miss that.  So only the smaller s is a signature of ours, and what signs writes that one.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define ES256_CHARS 86

/* Base64 as it is written, and the smaller s. */
bool es256_is_canonical(struct str signature);
/* The same signature with the smaller s; `signature` is ES256_CHARS of canonical base64. */
void es256_canonicalize(char *signature);

/*
 * es256.h - ES256 signatures: their one spelling, which ends a token as 86 characters, signing, and whether one is of a key.
 *
 * A signature is two numbers (r, s), and (r, n - s) verifies as well: without any key, whoever sees a token can write it
 * in a second way, which is another text and the same token.  What is remembered, counted or taken back by a token's
 * bytes would miss that.  So only the smaller s is a signature of ours, and what signs writes that one.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/str.h"

#define ES256_CHARS 86

struct evp_pkey_st;

/* A public key over P-256, to be freed with EVP_PKEY_free; NULL: it is none.  Reading one takes several times as long as a
 * verification does: it is done once. */
struct evp_pkey_st *es256_key_read(struct str pem);
/* `signature` is a canonical one. */
bool es256_is_signed(struct evp_pkey_st *key, struct str text, struct str signature);

/* With a private key over P-256; a canonical signature and a NUL.  false: OpenSSL would not. */
bool es256_sign(struct evp_pkey_st *key, struct str text, char out[ES256_CHARS + 1]) MUST_CHECK;

/* Base64 as it is written, and the smaller s. */
bool es256_is_canonical(struct str signature);
/* The same signature with the smaller s; `signature` is ES256_CHARS of canonical base64. */
void es256_canonicalize(char *signature);

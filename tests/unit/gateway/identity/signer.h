/* signer.h - a pair of keys to sign tokens with, as auth makes them. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jwt.h>

struct signer {
    char secret[1000], public[1000];
};

struct signer signer_new(void);

/* To be freed; ES256 ones are spelled as auth spells them. */
char *signer_sign(jwt_t *jwt);

/*
 * passkey.h - what a browser says of a passkey (WebAuthn, level 2), checked without a database.
 *
 *      challenge --> navigator.credentials.create() --> passkey_read_new:  an id and a public key
 *      challenge --> navigator.credentials.get()    --> passkey_is_proved: whoever holds the private key is here
 *
 * Attestation is not asked for, so a new passkey says nothing of its maker that we would believe.  The user has to be verified
 * by the device (UV) each time: a passkey is two factors.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "libshared/base/err.h"
#include "libshared/base/str.h"

#define PASSKEY_ID_BYTES_MAX     1023 /* as the standard has it */
#define PASSKEY_PUBLIC_BYTES_MAX 300
#define PASSKEY_ATTESTATION_MAX  8192

/* COSE's numbers of algorithms. */
#define PASSKEY_ES256 (-7)
#define PASSKEY_EDDSA (-8)
#define PASSKEY_RS256 (-257)

/* What has to be in it. */
struct passkey_expected {
    const char *type;                    /* "webauthn.create" or "webauthn.get" */
    struct str challenge, rp_id, origin; /* challenge: as base64url */
};

struct passkey {
    struct str id;
    unsigned char public_key[PASSKEY_PUBLIC_BYTES_MAX];
    size_t public_len;
    int64_t algorithm, counter;
};

/* Is the browser's client data of this ceremony, from our page? */
bool passkey_client_data_fits(const struct passkey_expected *expected, struct str client_data);
/* The challenge that it names, as text within it. */
bool passkey_challenge_of(struct str client_data, struct str *out);

/* `id` is a view into the object.  *why: a sentence, if it fails. */
bool passkey_read_new(const struct passkey_expected *expected, struct str client_data, struct str attestation_object,
    struct passkey *out, const char **why);

/* *counter: the authenticator's, which the caller holds against the last one. */
bool passkey_is_proved(const struct passkey_expected *expected, const struct passkey *passkey, struct str client_data,
    struct str authenticator_data, struct str signature, int64_t *counter);

/* passkey.c - what a browser says of a passkey, taken apart and checked with libfido2. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/factors/passkey.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <openssl/sha.h>
#include <string.h>

#include "libshared/base/secret.h"
#include "libshared/wire/json.h"
#include "services/auth/factors/cbor_walk.h"

#define CLIENT_DATA_DEPTH 4
#define RP_ID_MAX         253

/* Authenticator data, 6.1 of the standard. */
#define HEAD_BYTES      37 /* SHA-256 of the RP's id, flags, counter */
#define FLAG_PRESENT    0x01
#define FLAG_VERIFIED   0x04
#define FLAG_ATTESTED   0x40
#define FLAG_EXTENSIONS 0x80

/* --- client data --- */

static bool says(struct str object, const char *name, struct str wanted)
{
    struct str raw, text;

    return json_find(object, name, &raw) && json_plain_text(raw, &text) && str_eq(text, wanted);
}

bool passkey_client_data_fits(const struct passkey_expected *expected, struct str client_data)
{
    struct str raw;

    return json_check(client_data, CLIENT_DATA_DEPTH) == JSON_FINE &&
           says(client_data, "type", str_of(expected->type)) && says(client_data, "challenge", expected->challenge) &&
           says(client_data, "origin", expected->origin) &&
           (!json_find(client_data, "crossOrigin", &raw) || str_is(raw, "false"));
}

bool passkey_challenge_of(struct str client_data, struct str *out)
{
    struct str raw;

    return json_check(client_data, CLIENT_DATA_DEPTH) == JSON_FINE && json_find(client_data, "challenge", &raw) &&
           json_plain_text(raw, out);
}

/* --- authenticator data --- */

static unsigned flags_of(struct str authenticator_data)
{
    return (unsigned char)authenticator_data.at[32];
}

static bool is_of(struct str rp_id, struct str authenticator_data)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)rp_id.at, rp_id.len, hash);
    return secret_eq(hash, authenticator_data.at, sizeof hash);
}

/* Somebody was there, and the device made sure of who; and it ends where it says. */
static bool is_whole(struct str rp_id, struct str data, unsigned with)
{
    const unsigned wanted = FLAG_PRESENT | FLAG_VERIFIED | with;

    return data.len >= HEAD_BYTES && is_of(rp_id, data) && (flags_of(data) & wanted) == wanted;
}

/* AAGUID 16, length 2, id, COSE key, then extensions if there are any.  libfido2 reads it by a decoder that believes counts. */
static bool attested_is_sane(struct str data)
{
    struct str rest = str_skip(data, HEAD_BYTES);
    struct str key;

    if (rest.len < 18) return false;
    size_t id_len = (size_t)(unsigned char)rest.at[16] << 8 | (unsigned char)rest.at[17];
    if (id_len == 0 || id_len > PASSKEY_ID_BYTES_MAX || rest.len - 18 < id_len) return false;
    key = str_skip(rest, 18 + id_len);
    if (!cbor_walk_skip(&key)) return false;
    if ((flags_of(data) & FLAG_EXTENSIONS) != 0 && !cbor_walk_skip(&key)) return false;
    return key.len == 0;
}

/* {"fmt": text, "attStmt": {...}, "authData": bytes} */
static bool find_authenticator_data(struct str object, struct str *out)
{
    struct cbor_item_head head, key, value;

    *out = STR_NONE;
    if (!cbor_walk_next(&object, &head) || head.kind != CBOR_ITEM_MAP) return false;
    for (size_t i = 0; i < head.count; i++) {
        if (!cbor_walk_next(&object, &key) || key.kind != CBOR_ITEM_TEXT) return false;
        if (!str_is(key.bytes, "authData")) {
            if (!cbor_walk_skip(&object)) return false;
        } else {
            if (out->at != NULL || !cbor_walk_next(&object, &value) || value.kind != CBOR_ITEM_BYTES) return false;
            *out = value.bytes;
        }
    }
    return object.len == 0 && out->at != NULL;
}

/* --- a new one --- */

static bool keep_credential(const fido_cred_t *cred, int64_t algorithm, struct passkey *out)
{
    size_t id_len = fido_cred_id_len(cred), len = fido_cred_pubkey_len(cred);

    if (id_len == 0 || len == 0 || len > sizeof out->public_key) return false;
    memcpy(out->public_key, fido_cred_pubkey_ptr(cred), len);
    out->public_len = len;
    out->algorithm = algorithm;
    out->counter = fido_cred_sigcount(cred);
    return true;
}

static bool read_as(struct str data, int algorithm, struct passkey *out)
{
    fido_cred_t *cred = fido_cred_new();
    bool good = cred != NULL && fido_cred_set_type(cred, algorithm) == FIDO_OK &&
                fido_cred_set_authdata_raw(cred, (const unsigned char *)data.at, data.len) == FIDO_OK &&
                keep_credential(cred, algorithm, out);

    fido_cred_free(&cred);
    return good;
}

static bool read_credential(struct str data, struct passkey *out)
{
    static const int algorithms[] = { PASSKEY_ES256, PASSKEY_EDDSA, PASSKEY_RS256 };
    struct str id = str_skip(data, HEAD_BYTES + 18);

    out->id = (struct str){ id.at,
        (size_t)(unsigned char)data.at[HEAD_BYTES + 16] << 8 | (unsigned char)data.at[HEAD_BYTES + 17] };
    for (size_t i = 0; i < COUNT(algorithms); i++)
        if (read_as(data, algorithms[i], out)) return true;
    return false;
}

bool passkey_read_new(const struct passkey_expected *expected, struct str client_data, struct str attestation_object,
    struct passkey *out, const char **why)
{
    struct str data;

    if (!passkey_client_data_fits(expected, client_data))
        *why = "the client data is of another challenge, page or ceremony";
    else if (attestation_object.len > PASSKEY_ATTESTATION_MAX || !find_authenticator_data(attestation_object, &data))
        *why = "the attestation object holds no authenticator data";
    else if (!is_whole(expected->rp_id, data, FLAG_ATTESTED) || !attested_is_sane(data))
        *why = "the authenticator data is of another site, or nobody was verified by the device";
    else if (!read_credential(data, out))
        *why = "the passkey is of no algorithm that was asked for";
    else
        return true;
    return false;
}

/* --- a proof --- */

static int verify_with(const fido_assert_t *assertion, const struct passkey *passkey)
{
    int result = FIDO_ERR_INVALID_ARGUMENT;

    if (passkey->algorithm == PASSKEY_ES256) {
        es256_pk_t *key = es256_pk_new();
        if (key != NULL && es256_pk_from_ptr(key, passkey->public_key, passkey->public_len) == FIDO_OK)
            result = fido_assert_verify(assertion, 0, COSE_ES256, key);
        es256_pk_free(&key);
    } else if (passkey->algorithm == PASSKEY_EDDSA) {
        eddsa_pk_t *key = eddsa_pk_new();
        if (key != NULL && eddsa_pk_from_ptr(key, passkey->public_key, passkey->public_len) == FIDO_OK)
            result = fido_assert_verify(assertion, 0, COSE_EDDSA, key);
        eddsa_pk_free(&key);
    } else if (passkey->algorithm == PASSKEY_RS256) {
        rs256_pk_t *key = rs256_pk_new();
        if (key != NULL && rs256_pk_from_ptr(key, passkey->public_key, passkey->public_len) == FIDO_OK)
            result = fido_assert_verify(assertion, 0, COSE_RS256, key);
        rs256_pk_free(&key);
    }
    return result;
}

static bool fill_assertion(
    fido_assert_t *assertion, const char *rp_id, struct str client_data, struct str data, struct str signature)
{
    return fido_assert_set_clientdata(assertion, (const unsigned char *)client_data.at, client_data.len) == FIDO_OK &&
           fido_assert_set_rp(assertion, rp_id) == FIDO_OK && fido_assert_set_count(assertion, 1) == FIDO_OK &&
           fido_assert_set_up(assertion, FIDO_OPT_TRUE) == FIDO_OK &&
           fido_assert_set_uv(assertion, FIDO_OPT_TRUE) == FIDO_OK &&
           fido_assert_set_authdata_raw(assertion, 0, (const unsigned char *)data.at, data.len) == FIDO_OK &&
           fido_assert_set_sig(assertion, 0, (const unsigned char *)signature.at, signature.len) == FIDO_OK;
}

/* Nothing but the head, or extensions behind it. */
static bool proof_is_sane(struct str data)
{
    struct str rest = str_skip(data, HEAD_BYTES);

    if ((flags_of(data) & FLAG_ATTESTED) != 0) return false;
    if ((flags_of(data) & FLAG_EXTENSIONS) != 0 && !cbor_walk_skip(&rest)) return false;
    return rest.len == 0;
}

bool passkey_is_proved(const struct passkey_expected *expected, const struct passkey *passkey, struct str client_data,
    struct str authenticator_data, struct str signature, int64_t *counter)
{
    char rp_id[RP_ID_MAX + 1];

    if (expected->rp_id.len > RP_ID_MAX || !passkey_client_data_fits(expected, client_data) ||
        !is_whole(expected->rp_id, authenticator_data, 0) || !proof_is_sane(authenticator_data))
        return false;
    memcpy(rp_id, expected->rp_id.at, expected->rp_id.len);
    rp_id[expected->rp_id.len] = '\0';

    fido_assert_t *assertion = fido_assert_new();
    bool good = assertion != NULL && fill_assertion(assertion, rp_id, client_data, authenticator_data, signature) &&
                verify_with(assertion, passkey) == FIDO_OK;
    if (good) *counter = fido_assert_sigcount(assertion, 0);
    fido_assert_free(&assertion);
    return good;
}

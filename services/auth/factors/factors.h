/*
 * factors.h - what somebody proves who they are with besides a password.
 *
 *      an account with an app for codes:
 *      password, link, provider --> a session that is pending --factor.prove: code, recovery code, passkey--> a session
 *      a passkey by itself      --> a session: the device has made sure of its user, which is two factors
 *
 * Passkeys alone ask for nothing at a sign-in by password.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/abuse/budget.h"
#include "services/auth/factors/passkey.h"
#include "services/auth/factors/totp.h"
#include "services/auth/sessions/sessions.h"

/* Claim `amr`, beside METHOD_PASSWORD and its like. */
#define METHOD_TOTP     "totp"
#define METHOD_RECOVERY "recovery"
#define METHOD_PASSKEY  "passkey"

#define PASSKEYS_MAX       10 /* of an account */
#define RECOVERY_CODES     10
#define RECOVERY_CHARS     16 /* 80 bits, without the hyphens between them */
#define PENDING_SESSION_MS 600000

/* A row of `factor`. */
struct factor_row {
    struct id id, account_id;
    struct str name, sealed, credential, public_key;
    int64_t algorithm, counter, confirmed_at;
};

/* factor_row.c.  ERR_NOT_FOUND: it has none. */
enum err factor_of_app(struct pg *pg, struct arena *arena, struct id account, struct factor_row *out) MUST_CHECK;
enum err factor_of_passkey(
    struct pg *pg, struct arena *arena, struct str credential, struct factor_row *out) MUST_CHECK;
enum err factor_used(struct call *call, struct id factor, int64_t counter) MUST_CHECK;

/* What is asked for after such a proof: kinds of factors, or nothing. */
enum err factors_asked(
    struct pg *pg, struct arena *arena, struct id account, struct str_list methods, struct str_list *out) MUST_CHECK;

/* factor_prove.c: may there be another try at a factor of this account?  Before anything else is written. */
enum err factor_may_try(struct call *call, struct id account, struct str device, struct budget_try *who) MUST_CHECK;

/* factor_own.c: the session of the call is its user's own, and began in the last ten minutes.  ERR_NOT_FOUND: it is a key's, or
 * over; ERR_PROOF_REQUIRED: older. */
enum err factor_check_recent(struct call *call, struct id *account) MUST_CHECK;

/* recovery_codes.c */
enum err recovery_codes_make(struct call *call, struct id account, struct recovery_codes *out) MUST_CHECK;
enum err recovery_codes_take(struct call *call, struct id account, struct str code, bool *fits) MUST_CHECK;

/* totp_secret.c.  The app that waits to be confirmed; ERR_NOT_FOUND: there is none. */
enum err totp_unconfirmed(struct call *call, struct id account, struct totp_secret *out) MUST_CHECK;
/* The code is good now and was not before; from now on it is not.  OK with *fits false: it is not. */
enum err totp_take(struct call *call, const struct factor_row *factor, struct str code, bool *fits) MUST_CHECK;

/* passkey_ceremony.c.  ERR_CREDENTIALS_INVALID: there is none of this id, or it is not proved, or was with this count before. */
enum err passkey_find(
    struct call *call, const struct passkey_credential *credential, struct factor_row *out) MUST_CHECK;
enum err passkey_take(
    struct call *call, const struct passkey_credential *credential, const struct factor_row *factor) MUST_CHECK;

/* factor_own.c: after one came or went: other sessions end, and its user is told. */
enum err factor_note_change(struct call *call, struct id account, bool added) MUST_CHECK;

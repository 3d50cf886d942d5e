/*
 * budget.h - how many wrong proofs there may be for an account, and from where: passwords, codes of any kind, passkeys.
 *
 *      budget_ask --refused---------------------> rate_limited, retry_after: nothing is compared
 *          |
 *          +--one is taken--> the proof is compared --wrong--> nothing more: it is taken
 *                                   |               --right, and that is all of it--> budget_clear
 *                                   +--not compared, or right and another has to follow--> budget_return
 *
 * A guess comes from one of three.  A device that has been there before, and says so by its token, has a budget of its own.  So
 * has a network (/24, of IPv6 /64) for this account.  What nobody knows, that is, other devices in networks from which this
 * account never came, also shares one budget of the account: BUDGET_UNKNOWN_BURST at once and one a minute, whatever their
 * number.  So strangers may guess as long as they like, see few answers, and neither slow nor lock out who is known.
 *
 * A device's or network's failures in a row slow it down from the sixth on (1 s, 2 s, 4 s ...) and from the
 * BUDGET_BAN_AFTER-th on ban it: for a quarter of an hour, then twice that, up to a day.  A day without failures forgets them.
 *
 * `account` is a name for it that is the same on all ways in: its id; of what has no account, what was typed, in its
 * normal form, so that an answer never tells which it was.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/auth.h"

#define BUDGET_FREE          5  /* failures that cost nothing */
#define BUDGET_BAN_AFTER     10 /* failures in a row */
#define BUDGET_UNKNOWN_BURST 20
#define BUDGET_UNKNOWN_MS    60000 /* for each beyond it */
#define DEVICE_TOKEN_CHARS   43

struct budget_try {
    struct str account, address;
    struct str device; /* its token, as it was given; STR_NONE, or anything that is none: an unknown one */
    int64_t now;
    struct str scope;       /* budget_ask() says whose budget it was */
    bool is_unknown;        /* and that it was taken from the account's, too */
    int64_t failures;       /* of the scope in a row, with this one */
    int64_t retry_after_ms; /* of a refusal */
    bool is_new; /* budget_clear() says: a device that was not there before, of an account that others were */
};

/* On a worker, before anything else is written: what it takes is committed here, whatever becomes of the caller.
 * ERR_RATE_LIMITED: see retry_after_ms. */
enum err budget_ask(struct pg *pg, struct arena *arena, struct budget_try *who) MUST_CHECK;
/* With the session, in its transaction.  *device: a token to hand out, or STR_NONE if it has one.  Also without budget_ask(),
 * after a proof that nobody guesses. */
enum err budget_clear(struct pg *pg, struct arena *arena, struct budget_try *who, struct str *device) MUST_CHECK;
/* What was taken is given back; if nothing was, nothing is. */
enum err budget_return(struct pg *pg, struct arena *arena, const struct budget_try *who) MUST_CHECK;
/* Its devices and networks are strangers again: the password is another, or whoever had it is out. */
enum err budget_forget_devices(struct pg *pg, struct arena *arena, struct str account) MUST_CHECK;

/*
 * password_proof.h - what begins with an account's password: a sign-in, a return, another password.
 *
 *      worker: whose is it, and may a password be compared at all? --> BLOCKING thread: compare --> worker: what it is for
 *
 * An account that is not there, may not log in, or has no password costs the time of a wrong one.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/abuse/attempts.h"
#include "services/auth/abuse/budget.h"
#include "services/auth/users/users.h"

struct password_proof {
    struct call *call;
    enum attempt_kind kind; /* what it is noted as */
    struct password password;
    struct account account;   /* nil id: nobody's */
    bool may;                 /* its state is the one that this is for */
    struct budget_try budget; /* of the account; of none: of whoever might have such an e-mail */
    bool taken; /* one of its tries, and nothing wrong was compared; who clears or returns the budget unsets it */
    bool fits;
};

/* On the loop.  ERR_PASSWORD_TOO_LONG */
enum err password_proof_begin(struct password_proof *proof, struct call *call, struct str password) MUST_CHECK;

/* On a worker: who has this e-mail, for accounts in this state.  Nobody is an answer, too. */
enum err password_proof_find(
    struct password_proof *proof, struct pg *pg, struct str email, const char *state) MUST_CHECK;
/* Then a try of the budget is taken and committed.  ERR_RATE_LIMITED: nothing is compared. */
enum err password_proof_ask(struct password_proof *proof, struct pg *pg) MUST_CHECK;

/* On a BLOCKING thread. */
void password_proof_compare(struct password_proof *proof);

/* On a worker, whose transaction goes on if the result is OK: a refusal rolls back, and its note has to stay. */
enum err password_proof_note(const struct password_proof *proof, struct pg *pg, enum err result) MUST_CHECK;

/* On the loop, at the end of the steps: a try that is still `taken` is given back, for what was not compared, or fits and came
 * to nothing, is no wrong proof; then `done`.  The password is forgotten. */
void password_proof_end(struct password_proof *proof, enum err e, void (*done)(void *arg, enum err e), void *arg);

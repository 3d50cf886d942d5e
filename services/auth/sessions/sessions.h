/*
 * sessions.h - a user's sessions: begun by a proof of who it is, gone on with by refresh tokens, ended.
 *
 *      the counter in the token, beside the session's own:
 *      equal            the next one: the session's goes up
 *      one behind       the answer got lost: the present token again
 *      further behind   within 30 s of the last refresh tabs woke together: the present token again;
 *                       later somebody has a copy: the session ends, and its sockets with it
 *      ahead            none of ours
 *
 * So of any number of requests with one token each is answered, and there is one successor.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/abuse/budget.h"
#include "services/auth/users/users.h"

/* By what somebody proved who they are: a session's `methods`, and the claim `amr` of its tokens. */
#define METHOD_PASSWORD "pwd"
#define METHOD_MAIL     "mail"

/* A row of `session`, and its account. */
struct session_state {
    struct id id;
    int64_t counter;
    struct str secret;
    int64_t refreshed_at, expires_at, ends_at, authenticated_at;
    struct str_list methods;
    struct str_list pending; /* a second factor of one of these kinds is asked for */
    struct account account;
};

/* On a worker: a session of this account's begins, by a proof of this kind; a second factor may be asked for, and it is
 * pending until then.  The answer is in the arena.  ERR_BANNED: nothing was written. */
enum err session_begin(struct pg *pg, struct arena *arena, const struct call *call, const struct account *account,
    struct str_list methods, struct session_tokens *out) MUST_CHECK;
/* The answer for a session as it is now. */
enum err session_tokens_of(struct pg *pg, struct arena *arena, const struct call *call,
    const struct session_state *session, struct session_tokens *out) MUST_CHECK;
/* When it expires that is refreshed now. */
int64_t session_expiry(const struct settings_auth *s, int64_t now, int64_t ends_at);
/* The session is no more, nor are its tokens.  Then trust_changed(). */
enum err session_forget(struct call *call, struct id session) MUST_CHECK;
/* All of an account's, or all others than the call's own; so many.  Then trust_changed(). */
enum err sessions_end(struct call *call, struct id account, bool others, int64_t *n) MUST_CHECK;
enum err session_end_tokens(struct call *call, struct id session) MUST_CHECK; /* its row is gone already */

/* Those that go on, the last that was refreshed first; which of them asks is said. */
enum err sessions_of(struct call *call, struct id account, struct session_page *rep) MUST_CHECK;

/* --- sign_in.c: on a worker, the end of every way in --- */

/* Of a proof that nobody guesses, such as a link; of one that somebody may, budget_ask()'s. */
struct budget_try sign_in_try(const struct call *call, struct id account, struct str device);
/* In the place of one whose refresh token this is, if it is one: that ends. */
enum err session_replace(struct call *call, struct str refresh_token) MUST_CHECK;
/* A session begins, by a proof of this kind, in the place of another, if `replaces` is one's refresh token.  Unless a second factor is asked for, the device is known from now on; of a new one
 * its user is told by mail, if there are others. */
enum err sign_in(struct call *call, const struct account *account, const char *method, struct budget_try *who,
    struct str replaces, struct session_tokens *rep) MUST_CHECK;
/* The latter, of a session that there is. */
enum err sign_in_device(struct call *call, struct id account, struct budget_try *who, struct str *token) MUST_CHECK;

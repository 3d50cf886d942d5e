/*
 * guesses.h - credentials that nobody here has seen good: few at a time by address, so that guessing is slow and nobody
 * is locked out by it.
 *
 *      begin --known to be good----------------------------------> its turn, at once
 *            --the same one is under way-------------------------> the verdict on that one decides about it, too
 *            --its address may still have so many refused--------> its turn, at once
 *            --else--> it waits: one after the other, as RATE_guess allows --> its turn, or rate_limited
 *
 *      end   --refused--> one of RATE_auth by its address; over that: rate_limited       --good--> known, 10,000 of them
 *
 * Only refusals are counted, and after the answer.  Credentials are known by a digest that holds the address, too: a key
 * may be bound to networks.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/rates/rates.h"

#define GUESS_DIGEST_BYTES 32

struct ev_loop;
struct guesses;
struct guess; /* one under way */

/* OK: present the credential, and tell guess_end() what came of it; `guess` is NULL with any other code, which is what
 * to refuse it with. */
typedef void guess_turn(void *arg, enum err e, int64_t retry_after_ms, struct guess *guess);

/* What stands for a credential of several texts, at one door and from one address. */
void guess_digest(
    const char *door, const struct str *texts, size_t n, struct str address, unsigned char out[GUESS_DIGEST_BYTES]);
/* wait_ms: how long one waits for its turn at most. */
struct guesses *guesses_create(struct ev_loop *loop, struct rates *rates, int64_t wait_ms);
/* Those that wait, and those that come later, are told shutting_down; those under way still have to end. */
void guesses_close(struct guesses *guesses);
void guesses_destroy(struct guesses **guesses);
/* `turn` is called once, now or later. */
void guess_begin(struct guesses *guesses, const unsigned char digest[GUESS_DIGEST_BYTES], struct str address,
    guess_turn *turn, void *arg);
/* What the credential was answered with; an error that says nothing about it counts as nothing.  0, or, of a refused
 * one, milliseconds: then it was one too many, and rate_limited is what to refuse it with. */
int64_t guess_end(struct guess *guess, enum err e);
bool guess_is_known(const struct guess *guess); /* it was good before */
/* A token is verified here, at once, whatever others at its address do.  One that is none of ours counts as one of
 * RATE_auth; over it *e becomes rate_limited, and this is when to try again. */
int64_t guess_count_token(struct rates *rates, struct str address, enum err *e);

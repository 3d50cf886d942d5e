/*
 * key_states.h - API keys that are others than their tokens say, looked up for each request of these: disabled, bound to
 * networks, with fewer rights, another policy, an earlier end.
 *
 * One that only tokens have to know that were made before is forgotten with the last of them: so there are as many as were
 * changed within the longest life of a token, and those that are bound.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"
#include "services/gateway/identity/bearer_kind.h"

struct key_states;
struct key_state; /* valid until the next key_states_set() */

struct key_states *key_states_create(void);
void key_states_destroy(struct key_states **keys);
void key_states_set(struct key_states *keys, const struct trust_key *key); /* as it is from now on */
void key_states_forget(struct key_states *keys, int64_t now);              /* what is over */
size_t key_states_count(const struct key_states *keys);
const struct key_state *key_states_find(const struct key_states *keys, struct str key); /* NULL: as its tokens say */
/* Each key whose tokens have that policy, whatever they say. */
void key_states_each(
    const struct key_states *keys, struct str policy, void (*visit)(void *arg, struct str key), void *arg);

/* May a token of this key be used now, from there?  key_disabled, key_expired, address_refused; session_ended: its key may not
 * speak for such a subject any more.  NULL, here and below: as the token says. */
enum err key_state_check(
    const struct key_state *key, enum bearer_kind kind, struct str address, int64_t now) MUST_CHECK;
bool key_state_admits(const struct key_state *key, enum bearer_kind kind, struct str address);
struct str key_state_policy(const struct key_state *key, struct str said);
int64_t key_state_end(const struct key_state *key, int64_t said);

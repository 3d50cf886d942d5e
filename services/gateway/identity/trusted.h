/*
 * trusted.h - what auth says is to be trusted: public keys, policies, API keys that are revoked or bound to networks.
 *
 * One question at each connection to auth gives a snapshot and then an event with each change.  While auth is away the
 * newest one holds.  Views and policies live until the next change, of which `changed` tells.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/policy/policy_set.h"
#include "libshared/rpc/rpc_client.h"
#include "services/gateway/rates/limits.h"
#include "services/gateway/identity/bound_keys.h"

struct trusted;

struct trusted *trusted_create(void (*changed)(void *arg), void *arg);
void trusted_destroy(struct trusted **trusted);
void trusted_ask(struct trusted *trusted, struct rpc_client *auth);                           /* at each connection */
bool trusted_event(struct trusted *trusted, const struct frame_event *head, struct str body); /* was it ours? */
/* Take a `trust` record: what the two above do with what they get. */
enum err trusted_take(struct trusted *trusted, struct str body) MUST_CHECK;

bool trusted_is_known(const struct trusted *trusted);
struct str trusted_issuer(const struct trusted *trusted);
struct str trusted_audience(const struct trusted *trusted);
struct str trusted_find_key(const struct trusted *trusted, struct str kid);                  /* PEM, or STR_NONE */
struct policy_compiled *trusted_find_policy(const struct trusted *trusted, struct str name); /* not taken; NULL: none */
bool trusted_is_revoked(const struct trusted *trusted, struct str api_key);
const struct bound_keys *trusted_bound_keys(const struct trusted *trusted); /* NULL: none yet */
struct limits *trusted_limits(const struct trusted *trusted);               /* until the next change */

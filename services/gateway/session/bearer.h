/*
 * bearer.h - who a token speaks for, and what he may do.
 *
 * A token is an ES256 JWT of auth's.  Its signature is checked once and remembered under its SHA-256; its time, its API
 * key and its policy are asked about each time, because they change.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/session/trusted.h"

struct bearers;
struct bearer; /* one verified token; counted, shared by all who came with it */

struct rights {
    struct bearer *bearer;
    struct policy_compiled *policy;
};

struct bearers *bearers_create(const struct trusted *trusted);
void bearers_destroy(struct bearers **bearers);
void bearers_forget(struct bearers *bearers); /* what is trusted has changed: check signatures again */

/* unavailable: auth has not spoken yet; unauthenticated: no token; token_invalid, token_expired, key_revoked;
 * forbidden: there is no such policy. */
enum err rights_get(struct bearers *bearers, struct str token, struct rights *out) MUST_CHECK;
/* After a change: the policy as it is now.  On an error `rights` stay as they were. */
enum err rights_renew(struct bearers *bearers, struct rights *rights) MUST_CHECK;
void rights_drop(struct rights *rights);
/* The policy allows it, and so does the token's own narrowing, if there is one. */
bool rights_allow(
    const struct rights *rights, struct str nsp, struct str event, struct str room, enum policy_action action);

struct str bearer_subject(const struct bearer *bearer);
struct str bearer_session(const struct bearer *bearer);
struct str bearer_key(const struct bearer *bearer);
struct str bearer_policy(const struct bearer *bearer);
int64_t bearer_expires_at(const struct bearer *bearer); /* milliseconds since 1970 */

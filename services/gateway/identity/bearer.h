/*
 * bearer.h - whose a token is, and what it allows.
 *
 * A token is an ES256 JWT of auth's.  Its signature is checked once and remembered under its SHA-256; its time, what its API
 * key is now and its policy are asked about each time, because they change.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/identity/bearer_kind.h"
#include "services/gateway/identity/socket_index.h"
#include "services/gateway/identity/trusted.h"

struct bearers;
struct bearer; /* one verified token; counted, shared by all who came with it */

struct rights {
    struct bearer *bearer;
    struct policy_compiled *policy;
};

struct bearers *bearers_create(struct trusted *trusted);
void bearers_destroy(struct bearers **bearers);
size_t bearers_bytes(const struct bearers *bearers); /* of what is remembered */
void bearers_forget(struct bearers *bearers);        /* what is trusted has changed: check signatures again */

/* address: of the client that uses it.  unavailable: auth has not spoken yet; unauthenticated: no token; token_invalid,
 * token_expired, key_revoked, key_disabled, key_expired, session_ended; banned; mfa_required: its session is pending;
 * address_refused: not from there; forbidden: there is no such policy. */
enum err rights_get(struct bearers *bearers, struct str token, struct str address, struct rights *out) MUST_CHECK;
/* The same of a person's token, whether its session is pending or not; forbidden: it is a key's. */
enum err rights_get_pending(
    struct bearers *bearers, struct str token, struct str address, struct rights *out) MUST_CHECK;
/* After a change: the policy as it is now.  On an error `rights` stay as they were. */
enum err rights_renew(struct bearers *bearers, struct str address, struct rights *rights) MUST_CHECK;
void rights_drop(struct rights *rights);
/* Until index_socket_remove(), before the rights are dropped: this socket stands on them. */
void rights_add_socket(const struct rights *rights, struct index_socket *socket);
/* Sockets whose tokens have that policy, by what they say or by what their key is now: one may be visited twice. */
void bearers_each_socket_of_policy(
    const struct bearers *bearers, struct str name, void (*visit)(void *arg, struct index_socket *socket), void *arg);
void bearers_each_socket(const struct bearers *bearers, enum index_by by, struct str name,
    void (*visit)(void *arg, struct index_socket *socket), void *arg);
/* Whatever they bring: is this address banned? */
bool bearers_ban(const struct bearers *bearers, struct str address);
/* May they be used from there?  The rest of them was asked about before. */
bool rights_admit(const struct bearers *bearers, const struct rights *rights, struct str address);
/* The policy allows it, and so does the token's own narrowing, if there is one; and it is nothing that only the person
 * may who is acted for. */
bool rights_allow(
    const struct rights *rights, struct str nsp, struct str event, struct str room, enum policy_action action);
/* A rule that fits denies it: not merely that none allows it. */
bool rights_deny(
    const struct rights *rights, struct str nsp, struct str event, struct str room, enum policy_action action);
/* Is this an event that the policy names as one to be relayed, be it not everywhere?  And such events by their names. */
bool rights_name(const struct rights *rights, struct str nsp, struct str event);
size_t rights_named_events(const struct rights *rights, struct str nsp, struct str *out, size_t max);

struct str bearer_subject(const struct bearer *bearer); /* NULL, here and in the next two: nobody's */
struct str bearer_session(const struct bearer *bearer);
struct str bearer_key(const struct bearer *bearer);
struct str bearer_kind_name(const struct bearer *bearer);                             /* principal.kind */
struct str bearer_policy(const struct bearers *bearers, const struct bearer *bearer); /* its name, as it is now */
/* As services are told of it; session: of what it asks by.  Its quotas are valid until the next call. */
struct principal bearer_principal(
    const struct bearers *bearers, const struct bearer *bearer, struct str session, struct str address);
size_t bearer_bytes(const struct bearer *bearer); /* of memory */
/* Milliseconds since 1970: its own end, or that of its key. */
int64_t bearer_expires_at(const struct bearers *bearers, const struct bearer *bearer);

/*
 * issuer.h - who gives something over the network gives no more than they have.
 *
 * That is so of each policy that they make, replace, or give to a user or an invitation, before and after; and of each key that they make, edit, rotate, disable, enable or revoke, before and after: its policy allows nothing that
 * theirs does not; and if they have a token of a key, the key of it bounds the other one in networks, rights, uses, limits and end.
 * An operator on the machine is not bounded.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/keys/keys.h"

struct issuer {
    bool is_bounded;
    struct policy policy;
    struct api_key key; /* of its token; an empty id: a person's */
};

/* forbidden: its token is narrowed, or of a key for a number of tokens.  key_revoked, key_disabled, key_expired: the gateway has
 * not heard of that yet. */
enum err issuer_load(struct call *call, struct issuer *out) MUST_CHECK;
/* forbidden, with what it is that the issuer does not have. */
enum err issuer_check(struct call *call, const struct issuer *issuer, const struct api_key *key) MUST_CHECK;
/* The same of a key that is there; not_found. */
enum err issuer_check_key(struct call *call, const struct issuer *issuer, struct str id) MUST_CHECK;
enum err issuer_may_touch(struct call *call, struct str id) MUST_CHECK; /* both */
/* The same of a policy: its rules, one that is there, and what somebody has that is given another or a way in.  ERR_NOT_FOUND. */
enum err issuer_check_rules(
    struct call *call, const struct issuer *issuer, struct str name, const struct policy_rule_list *rules) MUST_CHECK;
enum err issuer_may_give(struct call *call, struct str policy) MUST_CHECK;
/* An administrator ends somebody, or lets them in again, only if they may do in /admin all that those may: by a policy's name, by a
 * subject (an account's id or a key's own), by a key.  A subject without account or key is anybody's to end.  ERR_FORBIDDEN. */
enum err issuer_outranks(struct call *call, struct str policy) MUST_CHECK;
enum err issuer_outranks_subject(struct call *call, struct str subject) MUST_CHECK;
enum err issuer_outranks_key(struct call *call, struct str id) MUST_CHECK;
/* What concerns everybody, or may concern anybody, is for who may do all of /admin. */
enum err issuer_outranks_all(struct call *call) MUST_CHECK;
/* The issuer's subject, for the key's row; STR_NONE: an operator. */
struct str issuer_name(const struct call *call, const struct issuer *issuer);

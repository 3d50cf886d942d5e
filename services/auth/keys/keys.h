/* keys.h - what the handlers of keys share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/uses.h"
#include "services/auth/auth.h"

#define KEY_USES "key" /* of uses_left: its tokens */

/* The columns of an api_key and where they come from; $1 is now. */
#define KEY_COLUMNS                                                                                                    \
    "k.id, k.name, k.policy, k.networks::text[] AS networks, k.impersonate, k.act_as_users, k.bind_tokens,"            \
    " k.created_at, k.expires_at, k.last_used_at, host(k.last_used_from) AS last_used_from, k.issued_by,"              \
    " coalesce(u.remaining, -1) AS uses_left,"                                                                         \
    " CASE WHEN k.revoked_at IS NULL AND k.grace_until > $1 THEN k.grace_until END AS grace_until,"                    \
    " CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.disabled_at IS NOT NULL THEN 'disabled'"                \
    " WHEN k.expires_at <= $1 THEN 'expired' WHEN u.remaining = 0 THEN 'used_up'"                                      \
    " WHEN k.grace_until > $1 THEN 'rotating' ELSE 'active' END AS state"                                              \
    " FROM api_key k LEFT JOIN uses_left u ON u.what = '" KEY_USES "' AND u.id = k.id"

/* key_get.c: with the limits of its own; not_found says so. */
enum err key_load(struct call *call, struct str id, struct api_key *out) MUST_CHECK;
/* key_limits.c: others than their rows say; without a number the row holds again. */
enum err key_set_limits(struct call *call, struct str id, struct key_limit_list limits) MUST_CHECK;
/* key_policy.c: there is such a policy. */
enum err key_check_policy(struct call *call, struct str policy) MUST_CHECK;

/* key_networks_used.c: it was used from there; an alert, if it was used elsewhere alone before. */
enum err key_note_network(struct call *call, struct str key, struct str address) MUST_CHECK;

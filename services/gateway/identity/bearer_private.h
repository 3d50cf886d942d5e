/* bearer_private.h - what bearer.c and claims.c share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/identity/bearer.h"
#include "services/gateway/identity/socket_index.h"

struct bearer {
    struct bearers *home; /* whose index it is in */
    struct index_token token;
    unsigned refs;
    size_t bytes; /* of memory, its cap's included */
    struct str sub, session, key, policy;
    enum bearer_kind kind;
    bool pending; /* a second factor is asked for */
    int64_t issued_at, expires_at;
    struct policy_compiled *cap; /* NULL: the policy is not narrowed */
    char texts[];
};

/* Check spelling, signature, issuer and audience, and read the claims; not the time.  *out has one reference. */
enum err claims_read(const struct trusted *trusted, struct str token, struct bearer **out) MUST_CHECK;

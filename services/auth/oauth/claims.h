/* claims.h - who a provider says it was, from its JSON. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define SUBJECT_BYTES_MAX 255 /* OpenID Connect Core 2 */

struct oauth_claims {
    struct str subject;        /* its name for them, which never changes */
    struct str email;          /* STR_NONE: it says none */
    bool email_verified;       /* it says, in so many words, that this one is theirs */
    struct str nickname, name; /* to begin with; STR_NONE: it says none */
};

/* Each false: it is no such answer, or names nobody. */
bool claims_read_oidc(struct arena *arena, struct str json, struct oauth_claims *out);  /* an id_token's, or userinfo */
bool claims_read_kakao(struct arena *arena, struct str json, struct oauth_claims *out); /* GET /v2/user/me */
bool claims_read_github(
    struct arena *arena, struct str user, struct str emails, struct oauth_claims *out); /* GET /user, /user/emails */

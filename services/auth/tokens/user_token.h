/* user_token.h - access tokens of people, in whose making no API key has a part. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/auth.h"

#define USER_TOKEN_S 900

struct user_token {
    struct id user, session;
    struct str email, name, policy;  /* email: may be none */
    struct str_list methods;         /* by what the session was authenticated, */
    int64_t authenticated_at;        /* and when */
    int64_t ends_at;                 /* of the session: no token outlives it */
    const struct token_draft *draft; /* for its cap, or NULL */
    int64_t life_s;                  /* 0: USER_TOKEN_S */
    bool pending;                    /* a second factor is asked for: it opens nothing else */
};

/* On a worker, signed with the present key, in the arena. */
enum err user_token_issue(struct pg *pg, struct arena *arena, const struct settings_auth *s, int64_t now,
    const struct user_token *token, struct str *out, int64_t *expires_at) MUST_CHECK;

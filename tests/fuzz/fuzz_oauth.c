/* fuzz_oauth.c - whatever a provider says of who signed in: keys, a token and what it knows of them, a line each. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/oauth/claims.h"
#include "services/auth/oauth/id_token.h"
#include "tests/fuzz/fuzz.h"

static void names_somebody(bool is_read, const struct oauth_claims *claims)
{
    if (!is_read) return;
    PROMISE(claims->subject.len > 0 && claims->subject.len <= SUBJECT_BYTES_MAX);
    PROMISE(utf8_is_valid(claims->subject.at, claims->subject.len));
    PROMISE(!claims->email_verified || claims->email.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size };
    struct arena *arena = arena_create("fuzz", 16u << 20);
    struct str keys = str_cut(&rest, '\n'), token = str_cut(&rest, '\n'), user = str_cut(&rest, '\n'),
               claims = STR_NONE;
    struct id_token_wants wants = {
        .issuer = STR("https://issuer.example"), .client = STR("us"), .nonce = STR("nonce"), .now_s = 1800000000
    };
    struct oauth_claims out;

    /* What is good has its key, and names no other. */
    if (id_token_check(arena, keys, token, &wants, &claims) == NULL) PROMISE(id_token_key_is_there(arena, keys, token));
    (void)id_token_key_is_there(arena, keys, token);
    names_somebody(claims_read_oidc(arena, user, &out), &out);
    names_somebody(claims_read_kakao(arena, user, &out), &out);
    names_somebody(claims_read_github(arena, user, rest, &out), &out);
    arena_destroy(&arena);
    return 0;
}

/* user_token.c - a session's access token. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/tokens/user_token.h"

#include "libshared/db/rows.h"
#include "services/auth/tokens/signing_key.h"
#include "services/auth/tokens/token_sign.h"

struct token_signer {
    struct str kid, sealed;
    int64_t ended_at; /* tokens of the user that were issued up to then have ended; 0: none were */
};
static const struct wire_field signer_fields[] = {
    ROW_FIELD(struct token_signer, kid, TEXT),
    ROW_FIELD(struct token_signer, sealed, BYTES),
    ROW_FIELD(struct token_signer, ended_at, TIME),
    ROW_END,
};
static const struct wire_shape signer_shape = { "signer", "", sizeof(struct token_signer), signer_fields };

static const char SIGNER[] = "SELECT kid, sealed, (SELECT ended_at FROM trust_change WHERE kind = 'subject' AND"
                             " name = $2::text) AS ended_at FROM signing_key WHERE active_at <= $1"
                             " ORDER BY active_at DESC LIMIT 1";

enum err user_token_issue(struct pg *pg, struct arena *arena, const struct settings_auth *s, int64_t now,
    const struct user_token *token, struct str *out, int64_t *expires_at)
{
    struct token_signer signer = { .ended_at = 0 };
    struct str private_pem;
    int64_t wanted_s = token->life_s > 0 ? token->life_s : USER_TOKEN_S;
    int64_t life_s = wanted_s < s->token_ttl_max_s ? wanted_s : s->token_ttl_max_s;

    TRY(pg_one(pg, arena, &signer_shape, &signer, SIGNER, PG_ARGS(pg_time(now), pg_id(token->user))));
    struct token_claims claims = { .issuer = s->issuer,
        .audience = s->audience,
        .subject = id_text(arena, token->user),
        .session = id_text(arena, token->session),
        .name = token->name,
        .email = token->email,
        .policy = token->policy,
        .draft = token->draft,
        .methods = token->methods,
        .authenticated_s = token->authenticated_at / 1000,
        .pending = token->pending,
        .issued_s = token_issued_s(now, signer.ended_at) };
    claims.expires_s = claims.issued_s + life_s;
    if (claims.expires_s > token->ends_at / 1000) claims.expires_s = token->ends_at / 1000;
    *expires_at = claims.expires_s * 1000;
    TRY(signing_key_open(arena, signer.kid, signer.sealed, &private_pem));
    return token_sign(arena, &claims, signer.kid, private_pem, out);
}

/* claims.c - a JWT, verified and read. */
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/es256.h"
#include "services/gateway/identity/bearer_private.h"
#include "services/gateway/identity/token_head.h"

#define CAP_RULES_MAX 64

/* What we read of a token. */
struct claims {
    struct str iss, aud, sub, sid, key, pol;
    int64_t iat, exp;
    bool pending;
    struct policy_rule_list cap; /* as a policy has them */
};

static const struct wire_shape *claims_shape(void)
{
#define TEXT_CLAIM(name_, min_, max_)                                                                                  \
    {                                                                                                                  \
        WIRE_NAME(#name_), .at = offsetof(struct claims, name_), .kind = WIRE_TEXT, .min = (min_), .max = (max_),      \
                           .required = (min_) > 0                                                                      \
    }
    static const struct wire_field fields[] = {
        TEXT_CLAIM(iss, 0, 1000),
        TEXT_CLAIM(aud, 0, 1000),
        TEXT_CLAIM(sub, 1, 128),
        TEXT_CLAIM(sid, 0, 64),
        TEXT_CLAIM(key, 0, 32),
        TEXT_CLAIM(pol, 1, 64),
        { WIRE_NAME("iat"), .at = offsetof(struct claims, iat), .kind = WIRE_INT, .max = INT64_MAX / 1000 },
        { WIRE_NAME("exp"), .at = offsetof(struct claims, exp), .kind = WIRE_INT, .max = INT64_MAX / 1000,
            .required = true },
        { WIRE_NAME("pending"), .at = offsetof(struct claims, pending), .kind = WIRE_BOOL },
        { WIRE_NAME("cap"), .at = offsetof(struct claims, cap), .kind = WIRE_LIST, .max = CAP_RULES_MAX,
            .of = policy_rule_shape },
        { .name = NULL },
    };
    static const struct wire_shape shape = { "claims", "", sizeof(struct claims), fields };
#undef TEXT_CLAIM

    return &shape;
}

static struct str decode_claims(struct str part, struct arena *arena)
{
    unsigned char *text = arena_alloc(arena, part.len + 1);

    return (struct str){ (const char *)text, base64url_decode(part, text) };
}

/* The JSON of its claims; STR_NONE: not one of ours. */
static struct str verify_token(const struct trusted *trusted, struct str token, struct arena *arena)
{
    char kid[TOKEN_KID_CHARS + 1];
    struct str claims = token;

    if (!token_head_read(token, kid)) return STR_NONE;
    EVP_PKEY *key = trusted_find_key(trusted, str_of(kid));
    struct str text = { token.at, token.len - ES256_CHARS - 1 }, signature = str_skip(token, token.len - ES256_CHARS);
    if (key == NULL || !es256_is_signed(key, text, signature)) return STR_NONE;
    str_cut(&claims, '.');
    return decode_claims(str_cut(&claims, '.'), arena);
}

static bool is_for_us(const struct trusted *trusted, const struct claims *claims)
{
    return str_eq(claims->iss, trusted_issuer(trusted)) && str_eq(claims->aud, trusted_audience(trusted));
}

/* By what cannot be left out of a token, and not by a mark that an older auth did not make. */
static enum bearer_kind kind_of(const struct bearer *bearer)
{
    struct id user;

    if (bearer->key.len == 0) return BEARER_USER;
    if (str_starts(bearer->sub, STR("key:")) && str_eq(str_skip(bearer->sub, 4), bearer->key)) return BEARER_KEY;
    return id_parse(bearer->sub, &user) ? BEARER_ACTING : BEARER_NAMED;
}

static struct str put_text(char **at, struct str text)
{
    struct str copy = { *at, text.len };

    if (text.len > 0) memcpy(*at, text.at, text.len); /* a claim that is not there has no bytes to point at */
    *at += text.len;
    return copy;
}

/* In one piece, as tokens are remembered by the thousand. */
static struct bearer *make_bearer(const struct claims *claims)
{
    size_t texts = claims->sub.len + claims->sid.len + claims->key.len + claims->pol.len;
    struct bearer *bearer = mem_zero(sizeof *bearer + texts);
    char *at = bearer->texts;

    bearer->refs = 1;
    bearer->bytes = sizeof *bearer + texts;
    bearer->sub = put_text(&at, claims->sub);
    bearer->session = put_text(&at, claims->sid);
    bearer->key = put_text(&at, claims->key);
    bearer->policy = put_text(&at, claims->pol);
    bearer->kind = kind_of(bearer);
    bearer->pending = claims->pending;
    bearer->issued_at = claims->iat * 1000;
    bearer->expires_at = claims->exp * 1000;
    return bearer;
}

static enum err use_claims(const struct claims *claims, struct bearer **out)
{
    struct policy_compiled *cap = NULL;
    struct wire_error why;

    if (claims->cap.len > 0 && policy_compile(STR("cap"), &claims->cap, &cap, &why) != OK) return ERR_TOKEN_INVALID;
    *out = make_bearer(claims);
    (*out)->cap = cap;
    if (cap != NULL) (*out)->bytes += policy_bytes(cap);
    return OK;
}

static enum err read_claims(const struct trusted *trusted, struct str json, struct arena *arena, struct bearer **out)
{
    struct claims claims;
    struct wire_error why;

    if (json.at == NULL || wire_read_json(claims_shape(), json, arena, &claims, &why) != OK) return ERR_TOKEN_INVALID;
    return is_for_us(trusted, &claims) ? use_claims(&claims, out) : ERR_TOKEN_INVALID;
}

enum err claims_read(const struct trusted *trusted, struct str token, struct bearer **out)
{
    /* bound: the bytes of a token; the decoder asks for the rules of its cap */
    struct arena *arena = arena_create("bearer", 256 * 1024);
    enum err e = read_claims(trusted, verify_token(trusted, token, arena), arena, out);

    arena_destroy(&arena);
    return e;
}

/* claims.c - a JWT, checked with libjwt and read. */
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <jwt.h>
#include <stdlib.h>

#include "services/gateway/session/bearer_inside.h"
#include "services/gateway/session/token_head.h"

#define CAP_BYTES_MAX     65536
#define SUBJECT_CHARS_MAX 128 /* proto/common.def: principal.sub */

static json_t *verified(const struct trusted *trusted, struct str token, struct arena *arena)
{
    char kid[TOKEN_KID_CHARS + 1];
    jwt_t *jwt = NULL;

    if (!token_head_read(token, kid)) return NULL;
    struct str pem = trusted_find_key(trusted, str_of(kid));
    if (pem.at == NULL) return NULL;
    const char *key = arena_cstr(arena, pem);
    if (jwt_decode(&jwt, arena_cstr(arena, token), (const unsigned char *)key, (int)pem.len) != 0) return NULL;
    char *text = jwt_get_grants_json(jwt, NULL);
    json_t *claims = text != NULL ? json_loads(text, 0, NULL) : NULL;
    free(text);
    jwt_free(jwt);
    return claims;
}

static struct str claim(const json_t *claims, const char *name)
{
    const json_t *text = json_object_get(claims, name);

    return (struct str){ json_string_value(text), json_string_length(text) };
}

/* By what cannot be left out of a token, and not by a mark that an older auth did not make. */
static enum bearer_kind kind_of(const struct bearer *bearer)
{
    struct id user;

    if (bearer->key.len == 0) return BEARER_USER;
    if (str_starts(bearer->sub, STR("key:")) && str_eq(str_skip(bearer->sub, 4), bearer->key)) return BEARER_KEY;
    return id_parse(bearer->sub, &user) ? BEARER_ACTING : BEARER_NAMED;
}

static bool is_for_us(const struct trusted *trusted, const json_t *claims)
{
    return str_eq(claim(claims, "iss"), trusted_issuer(trusted)) &&
           str_eq(claim(claims, "aud"), trusted_audience(trusted));
}

/* `cap` is a list of rules, as a policy has them. */
static enum err compile_cap(json_t *rules, struct arena *arena, struct policy_compiled **out)
{
    struct buf bytes = BUF(CAP_BYTES_MAX);
    struct policy cap = { 0 };
    struct wire_error why;
    json_t *record = json_pack("{s:s, s:O}", "name", "cap", "rules", rules);
    enum err e = record != NULL ? wire_from_jansson(policy_shape(), record, &bytes, &why) : ERR_TOKEN_INVALID;

    if (e == OK) e = wire_decode(policy_shape(), buf_str(&bytes), arena, &cap, &why);
    if (e == OK) e = policy_compile(cap.name, &cap.rules, out, &why);
    json_decref(record);
    buf_free(&bytes);
    return e == OK ? OK : ERR_TOKEN_INVALID;
}

static enum err read_claims(const json_t *claims, struct bearer *out)
{
    json_t *exp = json_object_get(claims, "exp"), *cap = json_object_get(claims, "cap");

    out->sub = arena_str(out->arena, claim(claims, "sub"));
    out->session = arena_str(out->arena, claim(claims, "sid"));
    out->key = arena_str(out->arena, claim(claims, "key"));
    out->policy = arena_str(out->arena, claim(claims, "pol"));
    out->kind = kind_of(out);
    out->expires_at = json_integer_value(exp) * 1000;
    if (out->sub.len == 0 || utf8_length(out->sub.at, out->sub.len) > SUBJECT_CHARS_MAX || out->policy.len == 0 ||
        !json_is_integer(exp))
        return ERR_TOKEN_INVALID;
    return cap != NULL ? compile_cap(cap, out->arena, &out->cap) : OK;
}

enum err claims_read(const struct trusted *trusted, struct str token, struct bearer **out)
{
    /* bound: the bytes of a token; the decoder asks for the rules of its cap */
    struct arena *arena = arena_create("bearer", 256 * 1024);
    json_t *claims = verified(trusted, token, arena);
    struct bearer *bearer = arena_zero(arena, sizeof *bearer);
    enum err e = ERR_TOKEN_INVALID;

    bearer->refs = 1;
    bearer->arena = arena;
    if (claims != NULL && is_for_us(trusted, claims)) e = read_claims(claims, bearer);
    json_decref(claims);
    if (e == OK)
        *out = bearer;
    else
        arena_destroy(&arena);
    return e;
}

/* token_sign.c - claims into a signed token, with libjwt. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/tokens/token_sign.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/es256.h"
#include "libshared/base/secret.h"
#include "libshared/wire/json_text.h"

#define SESSION_CHARS 22 /* 132 bits */

static bool add_text(jwt_t *jwt, struct arena *arena, const char *name, struct str value)
{
    return jwt_add_grant(jwt, name, arena_cstr(arena, value)) == 0;
}

static bool add_random(jwt_t *jwt, const char *name)
{
    char text[SESSION_CHARS + 1];

    secret_text(text, SESSION_CHARS);
    return jwt_add_grant(jwt, name, text) == 0;
}

static bool add_session(jwt_t *jwt, struct arena *arena, struct str session)
{
    return session.len > 0 ? add_text(jwt, arena, "sid", session) : add_random(jwt, "sid");
}

/* OpenID Connect Core 2. */
static bool add_authentication(jwt_t *jwt, struct arena *arena, const struct token_claims *c)
{
    struct buf json = BUF(4096);

    if (c->methods.len == 0) return true;
    buf_add_str(&json, STR("{\"amr\":["));
    for (size_t i = 0; i < c->methods.len; i++) {
        buf_add_str(&json, i > 0 ? STR(",") : STR(""));
        json_put_text(&json, c->methods.at[i]);
    }
    buf_add_str(&json, STR("]}"));
    bool good = jwt_add_grants_json(jwt, arena_cstr(arena, buf_str(&json))) == 0 &&
                jwt_add_grant_int(jwt, "auth_time", c->authenticated_s) == 0;
    buf_free(&json);
    return good;
}

/* {"cap":[...]}, written by its shape: the draft seen as a record of that one field. */
static bool add_cap(jwt_t *jwt, struct arena *arena, const struct token_draft *draft)
{
    const struct wire_field fields[] = { *wire_find(token_draft_shape(), STR("cap")), { .name = NULL } };
    const struct wire_shape cap_alone = { "cap", "", sizeof *draft, fields };
    struct buf json = BUF(1u << 20);

    if (draft == NULL || draft->cap.len == 0) return true;
    bool good = wire_write_json(&cap_alone, draft, &json) == OK &&
                jwt_add_grants_json(jwt, arena_cstr(arena, buf_str(&json))) == 0;
    buf_free(&json);
    return good;
}

/* RFC 8693 4.1: who acts, where it is not the subject itself. */
static bool add_actor(jwt_t *jwt, struct arena *arena, const struct token_claims *c)
{
    struct str key = arena_printf(arena, "key:%.*s", STR_ARG(c->key));

    if (c->key.len == 0 || str_eq(c->subject, key)) return true;
    struct str json = arena_printf(arena, "{\"act\":{\"sub\":\"%.*s\"}}", STR_ARG(key));
    return jwt_add_grants_json(jwt, json.at) == 0;
}

static bool add_claims(jwt_t *jwt, struct arena *arena, const struct token_claims *c)
{
    return jwt_add_grant(jwt, "iss", c->issuer) == 0 && jwt_add_grant(jwt, "aud", c->audience) == 0 &&
           add_text(jwt, arena, "sub", c->subject) && add_session(jwt, arena, c->session) && add_random(jwt, "jti") &&
           (c->key.len == 0 || add_text(jwt, arena, "key", c->key)) &&
           (c->name.len == 0 || add_text(jwt, arena, "name", c->name)) &&
           (c->email.len == 0 || add_text(jwt, arena, "email", c->email)) && add_authentication(jwt, arena, c) &&
           (!c->pending || jwt_add_grant_bool(jwt, "pending", 1) == 0) && add_actor(jwt, arena, c) &&
           add_text(jwt, arena, "pol", c->policy) && add_cap(jwt, arena, c->draft) &&
           jwt_add_grant_int(jwt, "iat", c->issued_s) == 0 && jwt_add_grant_int(jwt, "exp", c->expires_s) == 0;
}

static bool sign_jwt(jwt_t *jwt, struct arena *arena, struct str kid, struct str private_pem, struct str *out)
{
    if (jwt_add_header(jwt, "kid", arena_cstr(arena, kid)) != 0 ||
        jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)private_pem.at, (int)private_pem.len) != 0)
        return false;
    char *text = jwt_encode_str(jwt);
    if (text == NULL) return false;
    es256_canonicalize(text + strlen(text) - ES256_CHARS);
    *out = arena_str(arena, str_of(text));
    free(text);
    return true;
}

enum err token_sign(
    struct arena *arena, const struct token_claims *claims, struct str kid, struct str private_pem, struct str *out)
{
    jwt_t *jwt = NULL;
    bool good = jwt_new(&jwt) == 0 && add_claims(jwt, arena, claims) && sign_jwt(jwt, arena, kid, private_pem, out);

    jwt_free(jwt);
    return good ? OK : ERR_INTERNAL;
}

int64_t token_issued_s(int64_t now, int64_t ended_at)
{
    return now / 1000 > ended_at / 1000 ? now / 1000 : ended_at / 1000 + 1;
}

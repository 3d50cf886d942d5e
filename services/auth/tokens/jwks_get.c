/* jwks_get.c - our public keys, for other programs that verify our tokens: RFC 7517. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"
#include "services/auth/tokens/signing_key.h"

static void write_jwk(struct buf *json, const struct jwk *jwk)
{
    buf_printf(json,
        "%s{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%"
        "s\"}",
        json->len > 1 ? "," : "", jwk->kid, jwk->x, jwk->y);
}

enum err jwks_get(struct call *call, const struct nothing *req, struct jwks *rep)
{
    struct signing_key_list keys;
    struct buf json = BUF(16384), bytes = BUF(16384);
    struct jwk jwk;

    (void)req;
    TRY(signing_keys_load(call->pg, call->arena, call->now, &keys));
    buf_add_char(&json, '[');
    for (size_t i = 0; i < keys.len; i++)
        if (signing_key_jwk(keys.at[i].pem, &jwk)) write_jwk(&json, &jwk);
    buf_add_char(&json, ']');
    enum err e = wire_any_from_json(buf_str(&json), &bytes);
    rep->keys = arena_str(call->arena, buf_str(&bytes));
    buf_free(&json);
    buf_free(&bytes);
    return e;
}

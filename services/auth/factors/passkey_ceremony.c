/* passkey_ceremony.c - passkeys are made and proved: a challenge that is good once, and what the browser says of it. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/plain_text.h"
#include "libshared/base/url.h"
#include "libshared/db/rows.h"
#include "libshared/wire/json_text.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/factors/factors.h"
#include "services/auth/single_use/single_use.h"

#define OPTIONS_BYTES 16000

struct passkey_site {
    struct str rp_id, origin;
};

/* Passkeys belong to the name of the public URL: under another name there are none. */
static struct passkey_site site_of(const struct call *call)
{
    struct passkey_site site = { .origin = str_of(auth_public_url(call)) };
    struct str host = site.origin;

    str_cut(&host, '/');
    str_cut(&host, '/');
    site.rp_id = str_cut(&host, ':');
    return site;
}

static struct passkey_expected expected_of(const struct call *call, const char *type, struct str challenge)
{
    struct passkey_site site = site_of(call);

    return (struct passkey_expected){ type, challenge, site.rp_id, site.origin };
}

/* --- what the browser answers with --- */

static bool decode_text(struct arena *arena, struct str text, struct str *out)
{
    unsigned char *bytes = arena_alloc(arena, text.len + 1);

    *out = STR_NONE;
    if (!base64url_is_canonical(text)) return false;
    *out = (struct str){ (const char *)bytes, base64url_decode(text, bytes) };
    return true;
}

/* A challenge is the secret of a row: taken, so that it is good once. */
static enum err take_challenge(struct call *call, const struct single_use_purpose *purpose, struct str client_data,
    struct str *challenge, struct id *account)
{
    struct nothing nothing;
    unsigned char secret[SINGLE_USE_CHARS + 1];

    if (!passkey_challenge_of(client_data, challenge) || challenge->len > 4 * SINGLE_USE_CHARS / 3 + 4 ||
        !base64url_is_canonical(*challenge) || challenge->len * 3 / 4 > SINGLE_USE_CHARS)
        return ERR_GONE;
    size_t len = base64url_decode(*challenge, secret);
    return single_use_take(
        call->pg, call->arena, purpose, (struct str){ (const char *)secret, len }, account, &nothing);
}

/* --- a new one --- */

static const char CREDENTIALS[] =
    "SELECT coalesce(array_agg(translate(encode(credential, 'base64'), E'+/=\\n', '-_')), '{}') AS ids FROM factor"
    " WHERE account_id = $1 AND kind = 'passkey'";

struct credentials {
    struct str_list ids;
};
static const struct wire_field credentials_fields[] = { ROW_FIELD(struct credentials, ids, TEXTS), ROW_END };
static const struct wire_shape credentials_shape = { "credentials", "", sizeof(struct credentials),
    credentials_fields };

static void add_credentials(struct buf *out, struct str_list ids)
{
    for (size_t i = 0; i < ids.len; i++)
        buf_printf(out, "%s{\"type\":\"public-key\",\"id\":\"%.*s\"}", i > 0 ? "," : "", STR_ARG(ids.at[i]));
}

/* As text of the alphabet of URLs. */
static struct str encode_text(struct arena *arena, struct str bytes)
{
    char *text = arena_alloc(arena, (4 * bytes.len + 2) / 3 + 1);

    base64url_encode((const unsigned char *)bytes.at, bytes.len, text);
    return str_of(text);
}

static enum err answer_options(struct call *call, struct buf *json, struct passkey_options *rep)
{
    struct buf any = BUF(OPTIONS_BYTES + 16);
    enum err e = json->over ? ERR_TOO_LARGE : OK;

    if (e == OK) {
        wire_any_of_text(buf_str(json), &any);
        rep->public_key = arena_str(call->arena, buf_str(&any));
    }
    buf_free(&any);
    buf_free(json);
    return e;
}

enum err passkey_begin(struct call *call, const struct nothing *req, struct passkey_options *rep)
{
    struct passkey_site site = site_of(call);
    struct buf json = BUF(OPTIONS_BYTES);
    struct credentials held;
    struct account account;
    struct str secret;
    struct id owner;

    (void)req;
    TRY(factor_check_recent(call, &owner));
    TRY(account_by_id(call->pg, call->arena, owner, &account));
    TRY(pg_one(call->pg, call->arena, &credentials_shape, &held, CREDENTIALS, PG_ARGS(pg_id(owner))));
    TRY(single_use_make(call->pg, call->arena, &single_use_passkey_add, &(struct single_use_draft){ .account = owner },
        &(struct nothing){}, &secret));
    buf_printf(&json, "{\"challenge\":\"%.*s\",\"rp\":{\"id\":", STR_ARG(encode_text(call->arena, secret)));
    json_put_text(&json, site.rp_id);
    buf_add_str(&json, STR(",\"name\":"));
    json_put_text(&json, str_of(auth_settings(call)->issuer));
    buf_printf(&json, "},\"user\":{\"id\":\"%.*s\",\"name\":",
        STR_ARG(encode_text(call->arena, (struct str){ (const char *)owner.b, sizeof owner.b })));
    json_put_text(&json, account.email.len > 0 ? account.email : account.nickname);
    buf_add_str(&json, STR(",\"displayName\":"));
    json_put_text(&json, account.name.len > 0 ? account.name : account.nickname);
    buf_printf(&json,
        "},\"pubKeyCredParams\":[{\"type\":\"public-key\",\"alg\":%d},{\"type\":\"public-key\",\"alg\":%d},"
        "{\"type\":\"public-key\",\"alg\":%d}],\"timeout\":300000,\"attestation\":\"none\",\"authenticatorSelection\":"
        "{\"residentKey\":\"required\",\"requireResidentKey\":true,\"userVerification\":\"required\"},"
        "\"excludeCredentials\":[",
        PASSKEY_ES256, PASSKEY_EDDSA, PASSKEY_RS256);
    add_credentials(&json, held.ids);
    buf_add_str(&json, STR("]}"));
    return answer_options(call, &json, rep);
}

static const char LOCK_ACCOUNT[] = "SELECT FROM account WHERE id = $1 FOR UPDATE";
static const char INSERT_PASSKEY[] =
    "INSERT INTO factor (id, account_id, kind, name, credential, public_key, algorithm, counter, confirmed_at, "
    "created_at)"
    " SELECT $1, $2, 'passkey', $3, $4, $5, $6, $7, $8, $8 WHERE (SELECT count(*) FROM factor WHERE account_id = $2 AND"
    " kind = 'passkey') < $9 RETURNING id, kind, name, created_at";

static enum err read_new(
    struct call *call, const struct passkey_credential *credential, struct id owner, struct passkey *out)
{
    struct str client_data, object, challenge;
    const char *why = NULL;
    struct id account;

    if (!decode_text(call->arena, credential->client_data, &client_data) ||
        !decode_text(call->arena, credential->attestation_object, &object))
        return call_fail(call, ERR_INVALID_ARGUMENT, "credential: client_data and attestation_object are base64url");
    TRY(take_challenge(call, &single_use_passkey_add, client_data, &challenge, &account));
    if (!id_eq(account, owner)) return ERR_GONE;
    struct passkey_expected expected = expected_of(call, "webauthn.create", challenge);
    if (!passkey_read_new(&expected, client_data, object, out, &why))
        return call_fail(call, ERR_INVALID_ARGUMENT, "credential: %s", why);
    return OK;
}

enum err passkey_add(struct call *call, const struct passkey_draft *req, struct factor *rep)
{
    struct str name = req->name.len > 0 ? req->name : STR("Passkey");
    struct passkey passkey;
    struct id owner;

    if (!text_is_plain(name))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "name: has a character that is not seen, or begins or ends with a blank");
    TRY(factor_check_recent(call, &owner));
    TRY(read_new(call, req->credential, owner, &passkey));
    TRY(pg_run(call->pg, call->arena, LOCK_ACCOUNT, PG_ARGS(pg_id(owner)), NULL));
    enum err e = pg_one(call->pg, call->arena, factor_shape(), rep, INSERT_PASSKEY,
        PG_ARGS(pg_id(id_new()), pg_id(owner), pg_text(name), pg_bytes(passkey.id),
            pg_bytes((struct str){ (const char *)passkey.public_key, passkey.public_len }), pg_int(passkey.algorithm),
            pg_int(passkey.counter), pg_time(call->now), pg_int(PASSKEYS_MAX)));
    if (e == ERR_NOT_FOUND) return call_fail(call, ERR_CONFLICT, "an account has at most %d passkeys", PASSKEYS_MAX);
    TRY(e);
    return factor_note_change(call, owner, true);
}

/* --- a proof --- */

/* Which passkeys there are is nobody's business: the browser shows those that it has for this site. */
enum err passkey_ask(struct call *call, const struct nothing *req, struct passkey_options *rep)
{
    struct passkey_site site = site_of(call);
    struct buf json = BUF(OPTIONS_BYTES);
    struct str secret;

    (void)req;
    struct str holder = call->who->address.len > 0 ? call->who->address : STR("unknown");
    TRY(single_use_make(call->pg, call->arena, &single_use_passkey_ask, &(struct single_use_draft){ .holder = holder },
        &(struct nothing){}, &secret));
    buf_printf(&json, "{\"challenge\":\"%.*s\",\"rpId\":", STR_ARG(encode_text(call->arena, secret)));
    json_put_text(&json, site.rp_id);
    buf_add_str(&json, STR(",\"timeout\":300000,\"userVerification\":\"required\",\"allowCredentials\":[]}"));
    return answer_options(call, &json, rep);
}

/* What the browser says of whose it is has to be true, if it says anything. */
static bool handle_fits(struct arena *arena, struct str handle, struct id account)
{
    struct str bytes;

    if (handle.len == 0) return true;
    return decode_text(arena, handle, &bytes) &&
           str_eq(bytes, (struct str){ (const char *)account.b, sizeof account.b });
}

enum err passkey_find(struct call *call, const struct passkey_credential *credential, struct factor_row *out)
{
    struct str id;

    if (!decode_text(call->arena, credential->id, &id)) return ERR_CREDENTIALS_INVALID;
    enum err e = factor_of_passkey(call->pg, call->arena, id, out);
    if (e == ERR_NOT_FOUND) return ERR_CREDENTIALS_INVALID;
    TRY(e);
    return handle_fits(call->arena, credential->user_handle, out->account_id) ? OK : ERR_CREDENTIALS_INVALID;
}

enum err passkey_take(struct call *call, const struct passkey_credential *credential, const struct factor_row *factor)
{
    struct passkey passkey = { .algorithm = factor->algorithm, .public_len = factor->public_key.len };
    struct str client_data, data, signature, challenge;
    int64_t counter;

    if (factor->public_key.len > sizeof passkey.public_key) return ERR_INTERNAL;
    memcpy(passkey.public_key, factor->public_key.at, factor->public_key.len);
    if (!decode_text(call->arena, credential->client_data, &client_data) ||
        !decode_text(call->arena, credential->authenticator_data, &data) ||
        !decode_text(call->arena, credential->signature, &signature))
        return ERR_CREDENTIALS_INVALID;
    enum err e = take_challenge(call, &single_use_passkey_ask, client_data, &challenge, NULL);
    if (e == ERR_GONE) return ERR_CREDENTIALS_INVALID;
    TRY(e);
    struct passkey_expected expected = expected_of(call, "webauthn.get", challenge);
    if (!passkey_is_proved(&expected, &passkey, client_data, data, signature, &counter)) return ERR_CREDENTIALS_INVALID;
    return factor_used(call, factor->id, counter);
}

static enum err begin_with(struct call *call, const struct passkey_login *req, bool returns,
    const struct factor_row *factor, struct budget_try *who, struct session_tokens *rep)
{
    struct account account;

    TRY(passkey_take(call, req->credential, factor));
    TRY(account_by_id(call->pg, call->arena, factor->account_id, &account));
    TRY(account_admit(call, &account, returns));
    return sign_in(call, &account, METHOD_PASSKEY, who, req->replaces, rep);
}

static enum err sign_in_with(
    struct call *call, const struct passkey_login *req, bool returns, struct session_tokens *rep)
{
    struct factor_row factor;
    struct budget_try who;

    TRY(passkey_find(call, req->credential, &factor));
    enum err e = factor_may_try(call, factor.account_id, req->device_token, &who);
    struct attempt attempt = { .kind = ATTEMPT_login,
        .subject = who.account,
        .address = call->who->address,
        .device = call->who->agent,
        .trace = call->trace };
    if (e == OK) e = begin_with(call, req, returns, &factor, &who, rep);
    if (e == ERR_CREDENTIALS_INVALID) return attempt_refuse(call, attempt, e);
    return attempt_settle(call, attempt, e);
}

enum err passkey_login(struct call *call, const struct passkey_login *req, struct session_tokens *rep)
{
    return sign_in_with(call, req, false, rep);
}

enum err passkey_return(struct call *call, const struct passkey_login *req, struct session_tokens *rep)
{
    return sign_in_with(call, req, true, rep);
}

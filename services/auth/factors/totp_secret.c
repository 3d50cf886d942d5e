/* totp_secret.c - the secret of an authenticator app: told, confirmed, and asked for codes. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/secret.h"
#include "services/auth/factors/factors.h"
#include "services/auth/sealed/auth_columns.h"

static struct str row_of(struct arena *arena, struct id factor)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(factor, text);
    return arena_str(arena, str_of(text));
}

static enum err unseal_secret(
    struct arena *arena, const struct factor_row *factor, unsigned char secret[TOTP_SECRET_BYTES])
{
    struct str plain;

    TRY(column_unseal(arena, &sealed_factor_sealed, row_of(arena, factor->id), factor->sealed, &plain));
    if (plain.len != TOTP_SECRET_BYTES) return ERR_INTERNAL;
    memcpy(secret, plain.at, TOTP_SECRET_BYTES);
    secret_wipe((char *)plain.at, plain.len);
    return OK;
}

enum err totp_take(struct call *call, const struct factor_row *factor, struct str code, bool *fits)
{
    unsigned char secret[TOTP_SECRET_BYTES];

    TRY(unseal_secret(call->arena, factor, secret));
    int64_t step = totp_find(secret, code, call->now, factor->counter);
    secret_wipe(secret, sizeof secret);
    *fits = false;
    if (step < 0) return OK;
    enum err e = factor_used(call, factor->id, step);
    *fits = e == OK;
    return e == ERR_CREDENTIALS_INVALID ? OK : e;
}

/* --- an app is told, and shows that it has it --- */

/* One that is not confirmed gives way: its picture was closed. */
static const char INSERT_APP[] = "INSERT INTO factor (id, account_id, kind, name, sealed, counter, created_at) VALUES "
                                 "($1, $2, 'totp', 'Authenticator app',"
                                 " $3, -1, $4)"
                                 " ON CONFLICT (account_id) WHERE kind = 'totp' DO UPDATE SET id = excluded.id, sealed "
                                 "= excluded.sealed, counter = -1,"
                                 " created_at = excluded.created_at WHERE factor.confirmed_at IS NULL";

/* What the app is told. */
static enum err tell_app(
    struct call *call, struct id owner, const unsigned char secret[TOTP_SECRET_BYTES], struct totp_secret *out)
{
    char text[TOTP_SECRET_CHARS + 1];
    struct account account;

    TRY(account_by_id(call->pg, call->arena, owner, &account));
    totp_secret_text(secret, text);
    out->secret = arena_str(call->arena, str_of(text));
    out->uri = totp_uri(call->arena, str_of(auth_settings(call)->issuer),
        account.email.len > 0 ? account.email : account.nickname, secret);
    secret_wipe(text, sizeof text);
    return OK;
}

enum err totp_begin(struct call *call, const struct nothing *req, struct totp_secret *rep)
{
    unsigned char secret[TOTP_SECRET_BYTES];
    struct id owner;
    int64_t rows;

    (void)req;
    TRY(factor_check_recent(call, &owner));
    secret_random(secret, sizeof secret);
    rep->factor = id_new();
    TRY(tell_app(call, owner, secret, rep));
    struct str sealed = column_seal(call->arena, &sealed_factor_sealed, row_of(call->arena, rep->factor),
        (struct str){ (const char *)secret, sizeof secret });
    secret_wipe(secret, sizeof secret);
    TRY(pg_run(call->pg, call->arena, INSERT_APP,
        PG_ARGS(pg_id(rep->factor), pg_id(owner), pg_bytes(sealed), pg_time(call->now)), &rows));
    return rows == 1 ? OK : call_fail(call, ERR_CONFLICT, "there is an authenticator app already: remove it first");
}

enum err totp_unconfirmed(struct call *call, struct id account, struct totp_secret *out)
{
    unsigned char secret[TOTP_SECRET_BYTES];
    struct factor_row app;

    TRY(factor_of_app(call->pg, call->arena, account, &app));
    if (app.confirmed_at != 0) return ERR_NOT_FOUND;
    TRY(unseal_secret(call->arena, &app, secret));
    out->factor = app.id;
    enum err e = tell_app(call, account, secret, out);
    secret_wipe(secret, sizeof secret);
    return e;
}

static const char CONFIRM[] = "UPDATE factor SET confirmed_at = $2 WHERE id = $1 AND confirmed_at IS NULL";

enum err totp_confirm(struct call *call, const struct totp_code *req, struct recovery_codes *rep)
{
    struct factor_row app;
    struct id account;
    int64_t rows;
    bool fits;

    TRY(factor_check_recent(call, &account));
    TRY(factor_of_app(call->pg, call->arena, account, &app));
    TRY(totp_take(call, &app, req->code, &fits));
    if (!fits) return call_fail(call, ERR_INVALID_ARGUMENT, "code: is not the one that the app shows now");
    TRY(pg_run(call->pg, call->arena, CONFIRM, PG_ARGS(pg_id(app.id), pg_time(call->now)), &rows));
    if (rows == 0) return call_fail(call, ERR_CONFLICT, "it was confirmed already");
    TRY(recovery_codes_make(call, account, rep));
    return factor_note_change(call, account, true);
}

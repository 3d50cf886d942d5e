/*
 * oauth_account.c - whose account it is that a provider knows.
 *
 *      known there                     the account that the identity is of
 *      with a verified e-mail          which an account has proved: that one, and it is linked
 *                                      which an account has, and nobody proved: that one, without whatever its maker had of it
 *      else                            a new account, if people may register; with the e-mail if it is verified
 *
 * What a provider does not verify is anybody's claim: it links nothing and becomes no account's e-mail.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/plain_text.h"
#include "libshared/base/secret.h"
#include "libshared/db/rows.h"
#include "services/auth/oauth/oauth.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/users/registration.h"
#include "services/auth/users/revoke.h"

#define NAME_CHARS_MAX     80 /* proto/auth.def: user.name */
#define NICKNAME_CHARS_MAX 32
#define BASE_CHARS_MAX     24 /* of a nickname that gets an end of its own */
#define END_CHARS          6

struct oauth_arrival {
    struct call *call;
    const struct oauth_provider *provider;
    const struct oauth_claims *claims;
    const struct oauth_flow *flow;
    struct email email; /* verified; none: it says none */
};

/* --- identities --- */

struct email_owner {
    struct id account_id;
};
static const struct wire_field owner_fields[] = {
    ROW_FIELD(struct email_owner, account_id, ID),
    ROW_END,
};
static const struct wire_shape owner_shape = { "owner", "", sizeof(struct email_owner), owner_fields };

static const char FIND[] =
    "UPDATE identity SET email = $4, email_verified = $5, used_at = $6 WHERE provider = $1 AND issuer = $2"
    " AND subject = $3 RETURNING account_id";
static enum err find_owner(const struct oauth_arrival *a, struct email_owner *owner)
{
    return pg_one(a->call->pg, a->call->arena, &owner_shape, owner, FIND,
        PG_ARGS(pg_text(str_of(a->provider->name)), pg_text(str_of(a->provider->issuer)), pg_text(a->claims->subject),
            pg_text(a->claims->email), pg_bool(a->claims->email_verified), pg_time(a->call->now)));
}

static struct oauth_identity identity_of(const struct oauth_arrival *a)
{
    return (struct oauth_identity){ .provider = str_of(a->provider->name),
        .issuer = str_of(a->provider->issuer),
        .subject = a->claims->subject,
        .email = a->claims->email,
        .email_verified = a->claims->email_verified };
}

/* --- names --- */

static struct str plain_part(struct arena *arena, struct str text, size_t chars)
{
    char *to = arena_alloc(arena, text.len + 1);
    struct str part = { to, text_plain_part(text, chars, to) };

    return part.len > 0 ? part : STR_NONE;
}

static struct str shown_name(const struct oauth_arrival *a)
{
    return a->claims->name.at != NULL ? plain_part(a->call->arena, a->claims->name, NAME_CHARS_MAX) : STR_NONE;
}

static const char FIND_NICKNAME[] = "SELECT FROM account WHERE nickname_key = $1 OR nickname_skeleton ="
                                    " nickname_skeleton_of($2)";

/* Whether it may be one, and nobody has it. */
static enum err try_nickname(const struct oauth_arrival *a, struct str typed, struct nickname *out, bool *good)
{
    const char *why = NULL;
    int64_t rows = 0;
    enum err e = nickname_read(a->call->pg, a->call->arena, typed, out, &why);

    *good = false;
    if (e != OK) return why != NULL ? OK : e;
    TRY(pg_run(a->call->pg, a->call->arena, FIND_NICKNAME, PG_ARGS(pg_text(out->key), pg_text(out->written)), &rows));
    *good = rows == 0;
    return OK;
}

static struct str with_end(struct arena *arena, struct str base)
{
    char end[END_CHARS + 1];

    secret_text(end, END_CHARS);
    for (char *c = end; *c != '\0'; c++)
        if (*c == '_' || *c == '-') *c = 'x';
    return arena_printf(arena, "%.*s-%s", STR_ARG(base), end);
}

/* As it is called there, if that is free; else with an end that nobody has. */
static enum err choose_nickname(const struct oauth_arrival *a, struct nickname *out)
{
    struct arena *arena = a->call->arena;
    struct str wanted[] = { a->claims->nickname, a->claims->name }, base = STR("user");
    bool good = false;

    for (size_t i = 0; i < COUNT(wanted) && !good; i++) {
        struct str whole = wanted[i].at != NULL ? plain_part(arena, wanted[i], NICKNAME_CHARS_MAX) : STR_NONE;
        if (whole.at == NULL) continue;
        TRY(try_nickname(a, whole, out, &good));
        if (!good) TRY(try_nickname(a, with_end(arena, plain_part(arena, whole, BASE_CHARS_MAX)), out, &good));
    }
    if (!good) TRY(try_nickname(a, with_end(arena, base), out, &good));
    return good ? OK : ERR_CONFLICT;
}

/* --- an account that is there --- */

static const char LOCK[] = "SELECT FROM account WHERE id = $1 FOR UPDATE";

static enum err load_locked(const struct oauth_arrival *a, struct id id, struct account *out)
{
    TRY(pg_run(a->call->pg, a->call->arena, LOCK, PG_ARGS(pg_id(id)), NULL));
    return account_by_id(a->call->pg, a->call->arena, id, out);
}

/* One that is about to be deleted is had back by whoever it is linked with: oauth.return. */
static enum err load_linked(const struct oauth_arrival *a, struct id id, struct account *out)
{
    TRY(load_locked(a, id, out));
    return account_is_active(out) || account_is_leaving(out) ? OK : ERR_CREDENTIALS_INVALID;
}

static const char RENAME[] = "UPDATE account SET nickname = $2, nickname_key = $3, name = $4 WHERE id = $1";

/* A stranger may have registered with the address: they keep nothing of the account, and its owner gets nothing of theirs. */
static enum err take_over(const struct oauth_arrival *a, struct account *account)
{
    struct call *call = a->call;
    struct nickname nickname;

    TRY(account_prove_email(call, account, false));
    TRY(choose_nickname(a, &nickname));
    TRY(pg_run(call->pg, call->arena, RENAME,
        PG_ARGS(pg_id(account->id), pg_text(nickname.written), pg_text(nickname.key), pg_text(shown_name(a))), NULL));
    return account_by_id(call->pg, call->arena, account->id, account);
}

static enum err link_account(const struct oauth_arrival *a, struct account *account)
{
    TRY(load_locked(a, account->id, account));
    if (!account_is_active(account)) return ERR_CREDENTIALS_INVALID;
    if (account->email_verified_at == 0) TRY(take_over(a, account));
    struct oauth_identity identity = identity_of(a);
    return identity_add(a->call, account->id, &identity);
}

/* --- a new one --- */

static enum err check_registration(const struct oauth_arrival *a)
{
    const struct settings_auth *s = auth_settings(a->call);
    bool is_invited = a->flow->invitation.len > 0;

    if (registration_refusal(s, is_invited) != NULL) return ERR_FORBIDDEN;
    return is_invited || registration_has_domain(s, a->email.key) ? OK : ERR_FORBIDDEN;
}

static enum err make_account(const struct oauth_arrival *a, struct account *out)
{
    struct call *call = a->call;
    struct invitation_claim invitation = { .policy = STR_NONE };
    struct oauth_identity identity = identity_of(a);
    struct account_draft draft = {
        .email = a->email, .name = shown_name(a), .locale = a->flow->locale, .is_verified = a->email.key.len > 0
    };

    TRY(check_registration(a));
    if (a->flow->invitation.len > 0)
        TRY(single_use_take(call->pg, call->arena, &single_use_invite, a->flow->invitation, NULL, &invitation));
    draft.policy = invitation.policy;
    TRY(choose_nickname(a, &draft.nickname));
    TRY(account_make(call->pg, call->arena, &draft, call->now, out));
    return identity_keep(call, out->id, &identity);
}

static enum err read_email(struct oauth_arrival *a)
{
    const char *why = NULL;
    enum err e = OK;

    if (a->claims->email_verified) e = email_read(a->call->pg, a->call->arena, a->claims->email, &a->email, &why);
    if (why != NULL) a->email = (struct email){ .key = STR_NONE }; /* one that we do not take is none */
    return why != NULL ? OK : e;
}

enum err oauth_account(struct call *call, const struct oauth_provider *provider, const struct oauth_claims *claims,
    const struct oauth_flow *flow, struct account *out)
{
    struct oauth_arrival a = { .call = call, .provider = provider, .claims = claims, .flow = flow };
    struct email_owner owner;
    enum err e = find_owner(&a, &owner);

    if (e == OK) return load_linked(&a, owner.account_id, out);
    if (e != ERR_NOT_FOUND) return e;
    TRY(read_email(&a));
    e = a.email.key.len > 0 ? account_by_email(call->pg, call->arena, a.email.written, out) : ERR_NOT_FOUND;
    if (e == OK) return link_account(&a, out);
    return e == ERR_NOT_FOUND ? make_account(&a, out) : e;
}

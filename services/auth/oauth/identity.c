/* identity.c - whom other providers know an account's user as: linked, listed, unlinked. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/factors/factors.h"
#include "services/auth/mail/mail.h"
#include "services/auth/oauth/oauth.h"
#include "services/auth/oauth/sha256.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/users/revoke.h"

static enum err tell_user(struct call *call, enum mail_kind kind, struct id account, struct str provider)
{
    struct auth *auth = call->context;
    const struct oauth_provider *known = oauth_find_provider(auth->oauth, provider);
    struct mail_words words = { .n = 0 };

    if (!mail_is_on(auth->settings)) return OK;
    mail_add_event(&words, call->arena, call);
    mail_add_word(&words, "provider", known != NULL ? str_of(known->label) : provider);
    return mail_put(call, kind, &(struct mail_to){ .account = account }, &words);
}

/* --- one more --- */

static const char KEEP[] =
    "INSERT INTO identity (provider, issuer, subject, email, email_verified, created_at, used_at, account_id)"
    " SELECT $1, $2, $3, $4, $5, $6, $6, $7 WHERE (SELECT count(*) FROM identity WHERE account_id = $7) < $8";

enum err identity_keep(struct call *call, struct id account, const struct oauth_identity *identity)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, KEEP,
        PG_ARGS(pg_text(identity->provider), pg_text(identity->issuer), pg_text(identity->subject),
            pg_text(identity->email), pg_bool(identity->email_verified), pg_time(call->now), pg_id(account),
            pg_int(IDENTITIES_MAX)),
        &rows));
    return rows == 1 ? OK : call_fail(call, ERR_CONFLICT, "an account has at most %d identities", IDENTITIES_MAX);
}

enum err identity_add(struct call *call, struct id account, const struct oauth_identity *identity)
{
    TRY(identity_keep(call, account, identity));
    return tell_user(call, MAIL_identity_linked, account, identity->provider);
}

static const char LOCK_ACCOUNT[] = "SELECT FROM account WHERE id = $1 AND state = 'active' FOR UPDATE";

static enum err lock_own(struct call *call, struct id *account)
{
    int64_t rows;

    TRY(factor_check_recent(call, account));
    TRY(pg_run(call->pg, call->arena, LOCK_ACCOUNT, PG_ARGS(pg_id(*account)), &rows));
    return rows == 1 ? OK : ERR_NOT_FOUND;
}

struct identity_owner {
    struct id account_id;
};
static const struct wire_field owner_fields[] = { ROW_FIELD(struct identity_owner, account_id, ID), ROW_END };
static const struct wire_shape owner_shape = { "owner", "", sizeof(struct identity_owner), owner_fields };

static const char OWNER[] = "SELECT account_id FROM identity WHERE provider = $1 AND issuer = $2 AND subject = $3";

#define IDENTITY "SELECT id, provider, email, created_at, used_at FROM identity "
static const char BY_SUBJECT[] = IDENTITY "WHERE provider = $1 AND issuer = $2 AND subject = $3";

static enum err keep_own(struct call *call, struct id account, const struct oauth_identity *identity)
{
    struct identity_owner owner;
    enum err e = pg_one(call->pg, call->arena, &owner_shape, &owner, OWNER,
        PG_ARGS(pg_text(identity->provider), pg_text(identity->issuer), pg_text(identity->subject)));

    if (e == ERR_NOT_FOUND) return identity_add(call, account, identity);
    TRY(e);
    return id_eq(owner.account_id, account) ? OK : call_fail(call, ERR_CONFLICT, "code: another user signs in by it");
}

static struct attempt attempt_of(const struct call *call)
{
    return (struct attempt){ .kind = ATTEMPT_oauth,
        .subject = call->who->sub,
        .address = call->who->address,
        .device = call->who->agent,
        .trace = call->trace };
}

/* A code that comes with another's verifier has been seen by somebody else: it is used up. */
enum err identity_link(struct call *call, const struct identity_proof *proof, struct identity *rep)
{
    struct oauth_link claim;
    struct id account;

    TRY(lock_own(call, &account));
    TRY(single_use_take(call->pg, call->arena, &single_use_oauth_link, proof->code, NULL, &claim));
    if (!str_eq(sha256_text(call->arena, proof->verifier), claim.challenge))
        return attempt_refuse(call, attempt_of(call), ERR_CREDENTIALS_INVALID);
    TRY(keep_own(call, account,
        &(struct oauth_identity){ claim.provider, claim.issuer, claim.subject, claim.email, claim.email_verified }));
    struct attempt attempt = attempt_of(call);
    TRY(attempt_note(call->pg, call->arena, &attempt));
    return pg_one(call->pg, call->arena, identity_shape(), rep, BY_SUBJECT,
        PG_ARGS(pg_text(claim.provider), pg_text(claim.issuer), pg_text(claim.subject)));
}

/* --- all of them --- */

static const char OWN[] = IDENTITY "WHERE account_id = $1 ORDER BY created_at, id LIMIT $2";

enum err identity_list(struct call *call, const struct nothing *req, struct identity_page *rep)
{
    struct id account;

    (void)req;
    if (call->who->key.len > 0 || !id_parse(call->who->sub, &account)) return ERR_NOT_FOUND;
    return pg_all(call->pg, call->arena, identity_shape(), &rep->identities, IDENTITIES_MAX, OWN,
        PG_ARGS(pg_id(account), pg_int(IDENTITIES_MAX)));
}

/* --- one less --- */

struct unlinked {
    struct str provider;
};
static const struct wire_field unlinked_fields[] = { ROW_FIELD(struct unlinked, provider, TEXT), ROW_END };
static const struct wire_shape unlinked_shape = { "unlinked", "", sizeof(struct unlinked), unlinked_fields };

static const char UNLINK[] = "DELETE FROM identity WHERE id = $1 AND account_id = $2 RETURNING provider";

enum err identity_unlink(struct call *call, const struct identity_ref *req, struct nothing *rep)
{
    struct unlinked unlinked;
    struct id account;

    (void)rep;
    TRY(lock_own(call, &account));
    TRY(pg_one(
        call->pg, call->arena, &unlinked_shape, &unlinked, UNLINK, PG_ARGS(pg_id(req->identity), pg_id(account))));
    TRY(account_keeps_way_in(call, account));
    TRY(account_revoke(call, account, REVOKE_unlinked));
    trust_changed(call);
    return tell_user(call, MAIL_identity_unlinked, account, unlinked.provider);
}

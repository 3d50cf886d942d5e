/* revoke.c - every credential of an account, and when it dies. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/revoke.h"

#include "services/auth/abuse/budget.h"
#include "services/auth/sessions/sessions.h"
#include "services/auth/single_use/single_use.h"

enum sessions_dying { NO, OTHERS, ALL };
enum { TOKENS = 1, DEVICES = 1 };

enum secret {
#define PURPOSE(name, ...) SECRET_##name,
#include "services/auth/single_use/purposes.def"
#undef PURPOSE
    SECRETS
};
static const struct single_use_purpose *const purposes[] = {
#define PURPOSE(name, ...) &single_use_##name,
#include "services/auth/single_use/purposes.def"
#undef PURPOSE
};

#define S(name)     (1u << SECRET_##name)
#define ALL_SECRETS ((1u << SECRETS) - 1)
/* With which somebody gets in, or gets hold of it. */
#define CREDENTIALS (S(reset) | S(login_link) | S(login_flow) | S(oauth_login) | S(email_change))

static const struct revocation_row {
    enum sessions_dying sessions;
    bool tokens;
    unsigned secrets;
    bool devices;
} rows[] = {
#define REVOCATION(what, sessions_, tokens_, secrets_, devices_, doc) { sessions_, tokens_, secrets_, devices_ },
#include "services/auth/users/revocations.def"
#undef REVOCATION
};

#define R(what) (1u << REVOKE_##what)

static const struct credential {
    const char *forget;
    unsigned dies_of;
} credentials[] = {
#define CREDENTIAL(name, forget, dies_of) { forget, dies_of },
#include "services/auth/users/credentials.def"
#undef CREDENTIAL
};

/* A sign-in by mail is begun for an address, whether or not anybody has it, and is held by that. */
static const char END_FLOWS[] = "DELETE FROM single_use WHERE purpose = $1"
                                " AND holder = (SELECT email_key FROM account WHERE id = $2)";

static enum err end_secrets(struct call *call, const struct single_use_purpose *purpose, struct id account)
{
    if (purpose != &single_use_login_flow) return single_use_end(call->pg, call->arena, purpose, account);
    return pg_run(call->pg, call->arena, END_FLOWS, PG_ARGS(pg_text(str_of(purpose->name)), pg_id(account)), NULL);
}

enum err account_revoke(struct call *call, struct id account, enum revocation why)
{
    const struct revocation_row *row = &rows[why];
    struct str subject = id_text(call->arena, account);
    int64_t n;

    if (row->sessions != NO) TRY(sessions_end(call, account, row->sessions == OTHERS, &n));
    if (row->tokens) TRY(tokens_end(call->pg, call->arena, auth_settings(call), call->now, "subject", subject));
    for (unsigned i = 0; i < SECRETS; i++)
        if (row->secrets & 1u << i) TRY(end_secrets(call, purposes[i], account));
    for (size_t i = 0; i < COUNT(credentials); i++)
        if (credentials[i].dies_of & 1u << why)
            TRY(pg_run(call->pg, call->arena, credentials[i].forget, PG_ARGS(pg_id(account)), NULL));
    return row->devices ? budget_forget_devices(call->pg, call->arena, subject) : OK;
}

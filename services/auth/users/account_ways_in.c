/* account_ways_in.c - who takes one away keeps another. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/mail/mail.h"
#include "services/auth/oauth/oauth.h"
#include "services/auth/users/users.h"

/* clang-format off */
static const char WAYS_IN[] = "SELECT FROM account a WHERE id = $1 AND (false"
#define WAY_IN(sql, path, text, is_on) " OR (" sql ")"
#include "services/auth/users/ways_in.def"
#undef WAY_IN
    ")";
/* clang-format on */

static struct str_list configured(struct call *call)
{
    const struct auth *auth = call->context;
    size_t n = oauth_providers(auth->oauth);
    struct str *at = arena_alloc(call->arena, (n + 1) * sizeof *at);

    for (size_t i = 0; i < n; i++) {
        const struct oauth_provider *provider = oauth_provider_at(auth->oauth, i);
        at[i] = arena_printf(call->arena, "%s %s", provider->name, provider->issuer);
    }
    return (struct str_list){ at, n };
}

enum err account_keeps_way_in(struct call *call, struct id account)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, WAYS_IN,
        PG_ARGS(pg_id(account), pg_bool(mail_is_on(auth_settings(call))), pg_texts(call->arena, configured(call))),
        &rows));
    return rows == 1 ? OK : ERR_LAST_WAY_IN;
}

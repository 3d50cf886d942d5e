/* mail_budget.c - how many mails there are in an hour, of one address or account, and at all. */
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <stdlib.h>

#include "libshared/base/hex.h"
#include "libshared/base/network.h"
#include "services/auth/mail/mail.h"

enum budget_scope { ADDRESS, ACCOUNT, NETWORK, ALL };

static const struct budget {
    const char *name;
    enum mail_class class;
    enum budget_scope whose;
    int64_t most;
} budgets[] = {
#define BUDGET(name_, class_, whose_, most_, doc) { .name = #name_, .class = class_, .whose = whose_, .most = most_ },
#include "services/auth/mail/budgets.def"
#undef BUDGET
};

/* No row: it is used up. */
static const char SPEND[] =
    "INSERT INTO mail_count AS c (budget, whose, hour, n) VALUES ($1, $2, date_trunc('hour', now()), 1)"
    " ON CONFLICT (budget, whose) DO UPDATE SET hour = excluded.hour,"
    " n = CASE WHEN c.hour = excluded.hour THEN c.n + 1 ELSE 1 END WHERE c.hour <> excluded.hour OR c.n < $3";

struct str mail_hash_text(struct arena *arena, struct str text)
{
    unsigned char hash[32];
    char *out = arena_alloc(arena, 2 * sizeof hash + 1);

    if (EVP_Digest(text.at, text.len, hash, NULL, EVP_sha256(), NULL) != 1) abort();
    hex_format(hash, sizeof hash, out);
    return str_of(out);
}

static struct str account_text(struct arena *arena, struct id account)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(account, text);
    return arena_str(arena, str_of(text));
}

struct str mail_network(struct call *call)
{
    char name[ADDRESS_NETWORK_CHARS + 1];

    if (call->who->address.len == 0) return STR_NONE;
    return arena_str(call->arena, address_network_name(call->who->address, name));
}

static enum err spend_budget(
    struct pg *pg, struct arena *arena, const struct budget *budget, struct str whose, int64_t most)
{
    int64_t rows;

    TRY(pg_run(pg, arena, SPEND, PG_ARGS(pg_text(str_of(budget->name)), pg_text(whose), pg_int(most)), &rows));
    return rows == 1 ? OK : ERR_RATE_LIMITED;
}

enum err mail_budget_spend(struct pg *pg, struct arena *arena, const struct settings_auth *s, enum mail_class class,
    const struct mail_takers *of)
{
    struct str whose[] = { [ADDRESS] = mail_hash_text(arena, of->address),
        [ACCOUNT] = account_text(arena, of->account),
        [NETWORK] = of->network,
        [ALL] = STR("") };

    for (size_t i = 0; i < COUNT(budgets); i++) {
        const struct budget *budget = &budgets[i];
        if (budget->class != class || whose[budget->whose].at == NULL) continue;
        TRY(spend_budget(pg, arena, budget, whose[budget->whose], budget->most > 0 ? budget->most : s->mails_per_hour));
    }
    return OK;
}

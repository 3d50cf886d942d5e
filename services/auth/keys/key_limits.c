/* key_limits.c - rates and quotas of a key's own, set with the key itself. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/keys/keys.h"
#include "services/auth/limits/limits.h"

static const char DROP_LIMIT[] = "DELETE FROM limit_change WHERE name = $1 AND subject = '' AND key = $2";

enum err key_set_limits(struct call *call, struct str id, struct key_limit_list limits)
{
    for (size_t i = 0; i < limits.len; i++) {
        struct limit limit = { .name = limits.at[i].name, .key = id, .limit = limits.at[i].limit };
        TRY(limit_check(call, limit.name, STR_NONE, id));
        if (limit.limit >= 0)
            TRY(limit_put(call, &limit));
        else
            TRY(pg_run(call->pg, call->arena, DROP_LIMIT, PG_ARGS(pg_text(limit.name), pg_text(id)), NULL));
    }
    return OK;
}

/* key_networks.c - networks that keys are bound to: gateways are told of all of them, so there is a bound. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/network.h"
#include "services/auth/auth.h"

#define BOUND_MAX 4096 /* proto/auth.def: trust.bound */

/* One at a time, so that two at once don't both find the last place. */
static const char LOCK_BOUND[] = "SELECT pg_advisory_xact_lock(hashtextextended('madang.auth.bound_keys', 0))";

static const char COUNT_BOUND[] = "SELECT count(*) AS version FROM api_key WHERE id <> $1 AND networks <> '{}'"
                                  " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";

static enum err check_place(struct call *call, struct str id)
{
    struct policy others = { .version = 0 };

    TRY(pg_run(call->pg, call->arena, LOCK_BOUND, PG_NO_ARGS, NULL));
    TRY(pg_one(call->pg, call->arena, policy_shape(), &others, COUNT_BOUND, PG_ARGS(pg_text(id), pg_time(call->now))));
    if (others.version >= BOUND_MAX)
        return call_fail(call, ERR_TOO_LARGE, "networks: %d keys are bound to networks already", BOUND_MAX);
    return OK;
}

enum err key_check_networks(struct call *call, struct str id, struct str_list networks)
{
    for (size_t i = 0; i < networks.len; i++)
        if (!network_is_valid(networks.at[i]))
            return call_fail(call, ERR_INVALID_ARGUMENT, "networks: %.*s is not a CIDR", STR_ARG(networks.at[i]));
    return networks.len > 0 ? check_place(call, id) : OK;
}

/* policy_get.c - policies as they are. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

static const char POLICY_BY_NAME[] = "SELECT name, version, rules FROM policy WHERE name = $1";

static const char POLICIES[] = "SELECT name, version, rules FROM policy ORDER BY name";

enum err policy_get(struct call *call, const struct policy_ref *ref, struct policy *rep)
{
    enum err e = pg_one(call->pg, call->arena, policy_shape(), rep, POLICY_BY_NAME, PG_ARGS(pg_text(ref->name)));

    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no policy %.*s", STR_ARG(ref->name));
    return e;
}

enum err policy_list(struct call *call, const struct nothing *req, struct policy_page *rep)
{
    (void)req;
    return pg_all(call->pg, call->arena, policy_shape(), &rep->policies, 256, POLICIES, PG_NO_ARGS);
}

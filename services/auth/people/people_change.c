/* people_change.c - an account is disabled, enabled, bounded by another policy, or about to be deleted. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/keys/issuer.h"
#include "services/auth/people/people.h"
#include "services/auth/users/revoke.h"

/* The change is audited, the tokens that it ends are revoked, and gateways hear of it after the commit. */
static enum err note_change(
    struct call *call, const char *what, struct id account, const char *detail, int revocation, struct user_entry *out)
{
    TRY(audit_add(call, what, id_text(call->arena, account), str_of(detail)));
    if (revocation >= 0) TRY(account_revoke(call, account, (enum revocation)revocation));
    trust_changed(call);
    return people_entry(call, account, out);
}

enum err people_outranked(struct call *call, struct id account)
{
    return issuer_outranks_subject(call, id_text(call->arena, account));
}

static const char SET_STATE[] = "UPDATE account SET state = $2, delete_at = NULL, changed_at = $3 WHERE id = $1";

/* One that is about to be deleted is not enabled by accident: its user may come back until then, or `enable` says so. */
enum err people_disable(struct call *call, const struct people_ref *req, struct user_entry *rep)
{
    struct id account;

    TRY(people_find(call, req->user, &account));
    TRY(people_outranked(call, account));
    TRY(pg_run(
        call->pg, call->arena, SET_STATE, PG_ARGS(pg_id(account), pg_text(STR("disabled")), pg_time(call->now)), NULL));
    return note_change(call, "user.disable", account, "{}", REVOKE_disabled, rep);
}

enum err people_enable(struct call *call, const struct people_ref *req, struct user_entry *rep)
{
    struct id account;

    TRY(people_find(call, req->user, &account));
    TRY(people_outranked(call, account));
    TRY(pg_run(
        call->pg, call->arena, SET_STATE, PG_ARGS(pg_id(account), pg_text(STR("active")), pg_time(call->now)), NULL));
    return note_change(call, "user.enable", account, "{}", -1, rep);
}

enum err people_delete(struct call *call, const struct people_ref *req, struct user_entry *rep)
{
    struct id account;
    int64_t delete_at;

    TRY(people_find(call, req->user, &account));
    TRY(people_outranked(call, account));
    enum err e = account_leave(call, account, &delete_at);
    if (e == ERR_NOT_FOUND) return call_fail(call, ERR_CONFLICT, "it is disabled, or about to be deleted already");
    TRY(e);
    return note_change(call, "user.delete", account, "{}", -1, rep);
}

enum err people_may_give(struct call *call, struct id id)
{
    struct account account;

    TRY(account_by_id(call->pg, call->arena, id, &account));
    return issuer_may_give(call, account.policy);
}

static const char SET_POLICY[] =
    "UPDATE account SET policy = $2, changed_at = $3 WHERE id = $1 AND EXISTS (SELECT FROM policy WHERE name = $2)";

enum err people_set_policy(struct call *call, const struct people_policy *req, struct user_entry *rep)
{
    struct id account;
    int64_t rows;

    TRY(people_find(call, req->user, &account));
    TRY(people_may_give(call, account));
    enum err e = issuer_may_give(call, req->policy);
    if (e != OK) return e == ERR_NOT_FOUND ? call_fail(call, e, "policy: there is none of this name") : e;
    TRY(pg_run(
        call->pg, call->arena, SET_POLICY, PG_ARGS(pg_id(account), pg_text(req->policy), pg_time(call->now)), &rows));
    if (rows == 0) return call_fail(call, ERR_NOT_FOUND, "policy: there is none of this name");
    return note_change(call, "user.set_policy", account,
        arena_printf(call->arena, "{\"policy\":\"%.*s\"}", STR_ARG(req->policy)).at, REVOKE_policy_changed, rep);
}

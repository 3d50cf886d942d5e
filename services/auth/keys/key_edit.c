/* key_edit.c - what a key may, changed while it is in use. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

static const char EDIT_KEY[] =
    "UPDATE api_key SET networks = CASE WHEN $2 THEN '{}' WHEN cardinality($3::cidr[]) > 0 THEN $3::cidr[]"
    " ELSE networks END,"
    " impersonate = (impersonate OR 'impersonate' = ANY ($4)) AND 'impersonate' <> ALL ($5),"
    " act_as_users = (act_as_users OR 'act_as_users' = ANY ($4)) AND 'act_as_users' <> ALL ($5),"
    " bind_tokens = (bind_tokens OR 'bind_tokens' = ANY ($4)) AND 'bind_tokens' <> ALL ($5)"
    " WHERE id = $1 AND revoked_at IS NULL"
    " RETURNING id, name, policy, networks::text[] AS networks, impersonate, act_as_users, bind_tokens, created_at,"
    " expires_at, last_used_at, CASE WHEN grace_until > $6 THEN grace_until END AS grace_until,"
    " CASE WHEN expires_at <= $6 THEN 'expired' WHEN grace_until > $6 THEN 'rotating' ELSE 'active' END AS state";

static bool is_among(struct str name, struct str_list list)
{
    for (size_t i = 0; i < list.len; i++)
        if (str_eq(name, list.at[i])) return true;
    return false;
}

static bool is_right(struct str name)
{
    return str_is(name, "impersonate") || str_is(name, "act_as_users") || str_is(name, "bind_tokens");
}

static enum err check_rights(struct call *call, const char *field, struct str_list list, struct str_list other)
{
    for (size_t i = 0; i < list.len; i++) {
        if (!is_right(list.at[i]))
            return call_fail(call, ERR_INVALID_ARGUMENT, "%s: impersonate, act_as_users or bind_tokens", field);
        if (is_among(list.at[i], other))
            return call_fail(call, ERR_INVALID_ARGUMENT, "%s: %.*s is granted and denied", field, STR_ARG(list.at[i]));
    }
    return OK;
}

static enum err check_edit(struct call *call, const struct key_edit *edit)
{
    TRY(check_rights(call, "grant", edit->grant, edit->deny));
    TRY(check_rights(call, "deny", edit->deny, edit->grant));
    if (edit->anywhere && edit->networks.len > 0)
        return call_fail(call, ERR_INVALID_ARGUMENT, "anywhere: there are networks, too");
    return key_check_networks(call, edit->id, edit->networks);
}

enum err key_edit(struct call *call, const struct key_edit *edit, struct api_key *rep)
{
    TRY(check_edit(call, edit));
    enum err e = pg_one(call->pg, call->arena, api_key_shape(), rep, EDIT_KEY,
        PG_ARGS(pg_text(edit->id), pg_bool(edit->anywhere), pg_texts(call->arena, edit->networks),
            pg_texts(call->arena, edit->grant), pg_texts(call->arena, edit->deny), pg_time(call->now)));
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no key %.*s that is not revoked", STR_ARG(edit->id));
    TRY(e);
    TRY(audit_record(call, "key.edit", edit->id, key_edit_shape(), edit));
    trust_changed(call);
    return OK;
}

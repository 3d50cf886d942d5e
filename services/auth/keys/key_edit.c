/* key_edit.c - what a key is and may, changed while it is in use. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/keys/issuer.h"

/* The times of expiry and uses are numbers that JSON may leave out: what is not said is -1. */
#define NOT_SAID (-1)

static const char EDIT_KEY[] =
    "UPDATE api_key SET networks = CASE WHEN $2 THEN '{}' WHEN cardinality($3::cidr[]) > 0 THEN $3::cidr[]"
    " ELSE networks END,"
    " impersonate = (impersonate OR 'impersonate' = ANY ($4)) AND 'impersonate' <> ALL ($5),"
    " act_as_users = (act_as_users OR 'act_as_users' = ANY ($4)) AND 'act_as_users' <> ALL ($5),"
    " bind_tokens = (bind_tokens OR 'bind_tokens' = ANY ($4)) AND 'bind_tokens' <> ALL ($5),"
    " name = coalesce($6, name), policy = coalesce($7, policy),"
    " expires_at = CASE WHEN $8 THEN $9 ELSE expires_at END"
    " WHERE id = $1 AND revoked_at IS NULL";

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
    if (edit->any_uses && edit->uses != NOT_SAID)
        return call_fail(call, ERR_INVALID_ARGUMENT, "any_uses: there is a number of uses, too");
    if (edit->policy.len > 0) TRY(key_check_policy(call, edit->policy));
    return key_check_networks(call, edit->id, edit->networks);
}

static enum err change_row(struct call *call, const struct key_edit *edit)
{
    int64_t rows, expires_at = edit->expires_in_s > 0 ? call->now + edit->expires_in_s * 1000 : 0;

    TRY(pg_run(call->pg, call->arena, EDIT_KEY,
        PG_ARGS(pg_text(edit->id), pg_bool(edit->anywhere), pg_texts(call->arena, edit->networks),
            pg_texts(call->arena, edit->grant), pg_texts(call->arena, edit->deny), pg_text(edit->name),
            pg_text(edit->policy), pg_bool(edit->expires_in_s != NOT_SAID), pg_time(expires_at)),
        &rows));
    return rows > 0 ? OK
                    : call_fail(call, ERR_NOT_FOUND, "there is no key %.*s that is not revoked", STR_ARG(edit->id));
}

static enum err change_uses(struct call *call, const struct key_edit *edit)
{
    struct uses_of uses = { KEY_USES, edit->id };

    if (edit->uses != NOT_SAID) return uses_set(call->pg, call->arena, uses, edit->uses);
    return edit->any_uses ? uses_set(call->pg, call->arena, uses, USES_ANY) : OK;
}

enum err key_edit(struct call *call, const struct key_edit *edit, struct api_key *rep)
{
    struct issuer issuer;

    TRY(check_edit(call, edit));
    TRY(issuer_load(call, &issuer));
    TRY(issuer_check_key(call, &issuer, edit->id)); /* as it is, */
    TRY(change_row(call, edit));
    TRY(change_uses(call, edit));
    TRY(key_set_limits(call, edit->id, edit->limits));
    TRY(issuer_check_key(call, &issuer, edit->id)); /* and as it shall be */
    TRY(audit_record(call, "key.edit", edit->id, key_edit_shape(), edit));
    trust_changed(call);
    return key_load(call, edit->id, rep);
}

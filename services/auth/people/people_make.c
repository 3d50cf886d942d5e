/* people_make.c - accounts that an administrator makes, one by one or from another system, with the ids that they had there. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/plain_text.h"
#include "services/auth/keys/issuer.h"
#include "services/auth/people/people.h"

static bool is_hash(struct str text)
{
    return text.len <= PASSWORD_HASH_CHARS &&
           (str_starts(text, STR("$2a$")) || str_starts(text, STR("$2b$")) || str_starts(text, STR("$y$")));
}

struct names {
    struct email email;
    struct nickname nickname;
};

static enum err read_names(struct call *call, const struct people_draft *req, struct names *out)
{
    const char *why = NULL;
    enum err e;

    *out = (struct names){ .email = { STR_NONE, STR_NONE } };
    if (req->email.len > 0) {
        e = email_read(call->pg, call->arena, req->email, &out->email, &why);
        if (why != NULL) return call_fail(call, e, "email: %s", why);
        TRY(e);
    }
    e = nickname_read(call->pg, call->arena, req->nickname, &out->nickname, &why);
    if (why != NULL) return call_fail(call, e, "nickname: %s", why);
    TRY(e);
    if (req->name.len > 0 && !text_is_plain(req->name))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "name: has a character that is not seen, or begins or ends with a blank");
    if (req->locale.len > 0 && !str_is(req->locale, "ko") && !str_is(req->locale, "en"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "locale: is neither ko nor en");
    if (req->password_hash.len > 0 && !is_hash(req->password_hash))
        return call_fail(call, ERR_INVALID_ARGUMENT, "password_hash: is neither bcrypt's nor yescrypt's");
    return OK;
}

static const char INSERT[] =
    "INSERT INTO account (id, email, email_key, email_verified_at, nickname, nickname_key, name, locale, password, "
    "policy,"
    " created_at, changed_at) SELECT $1, $2, $3, CASE WHEN $4 AND $2 IS NOT NULL THEN $11::timestamptz END, $5, $6, "
    "$7, $8,"
    " $9, p.name, coalesce($12, $11), $11 FROM policy p WHERE p.name = $10 ON CONFLICT DO NOTHING";
static const char POLICY[] = "SELECT FROM policy WHERE name = $1";

static struct str or_none(struct str text)
{
    return text.len > 0 ? text : STR_NONE;
}

/* Nothing was inserted: the same line has made the account before, or another account has its id or one of its names. */
static enum err explain_conflict(struct call *call, struct id id, const struct names *names, struct str policy)
{
    struct account before;
    int64_t rows;

    enum err e = account_by_id(call->pg, call->arena, id, &before);
    if (e == OK && str_eq(before.nickname, names->nickname.written) && str_eq(before.email, names->email.written))
        return OK;
    if (e == OK) return call_fail(call, ERR_CONFLICT, "id: it is another user's");
    if (e != ERR_NOT_FOUND) return e;
    TRY(pg_run(call->pg, call->arena, POLICY, PG_ARGS(pg_text(policy)), &rows));
    return rows == 0 ? call_fail(call, ERR_NOT_FOUND, "policy: there is none of this name")
                     : call_fail(call, ERR_CONFLICT, "email or nickname: another user has it");
}

/* The same draft with the same id a second time changes nothing. */
static enum err make_account(struct call *call, const struct people_draft *req, struct id id)
{
    struct str policy = req->policy.len > 0 ? req->policy : STR("member");
    struct names names;
    int64_t rows;

    TRY(read_names(call, req, &names));
    TRY(pg_run(call->pg, call->arena, INSERT,
        PG_ARGS(pg_id(id), pg_text(names.email.written), pg_text(names.email.key), pg_bool(req->email_verified),
            pg_text(names.nickname.written), pg_text(names.nickname.key), pg_text(or_none(req->name)),
            pg_text(req->locale.len > 0 ? req->locale : STR("en")), pg_text(or_none(req->password_hash)),
            pg_text(policy), pg_time(call->now), pg_time(req->created_at)),
        &rows));
    if (rows == 0) return explain_conflict(call, id, &names, policy);
    return audit_add(call, "user.create", id_text(call->arena, id), STR("{}"));
}

enum err people_create(struct call *call, const struct people_draft *req, struct user_entry *rep)
{
    struct id id = id_is_nil(req->id) ? id_new() : req->id;

    if (req->policy.len > 0) {
        enum err e = issuer_may_give(call, req->policy);
        if (e != OK) return e == ERR_NOT_FOUND ? call_fail(call, e, "policy: there is none of this name") : e;
    }
    TRY(make_account(call, req, id));
    return people_entry(call, id, rep);
}

/* Each for itself: what one is refused for, the others are not.  Without an id the same line would come again. */
enum err people_import(struct call *call, const struct people_batch *req, struct people_report *rep)
{
    struct people_result *results = arena_zero(call->arena, (req->users.len + 1) * sizeof *results);

    for (size_t i = 0; i < req->users.len; i++) {
        const struct people_draft *draft = &req->users.at[i];
        enum err e = id_is_nil(draft->id) ? call_fail(call, ERR_INVALID_ARGUMENT, "id: is missing")
                                          : make_account(call, draft, draft->id);
        if (e == ERR_UNAVAILABLE || e == ERR_DEADLINE || e == ERR_INTERNAL) return e;
        results[i].code = arena_str(call->arena, str_of(err_code(e)));
        if (e != OK) results[i].message = arena_str(call->arena, str_of(call->why->text));
        call->why->text[0] = '\0';
    }
    rep->results = (struct people_result_list){ results, req->users.len };
    return OK;
}

/* user_profile.c - what a user says of themselves, and what others see of it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/plain_text.h"
#include "services/auth/users/users.h"

/* --- one's own --- */

static bool is_among(struct str text, const char *a, const char *b)
{
    return text.len == 0 || str_is(text, a) || str_is(text, b);
}

static enum err check_edit(struct call *call, const struct user_edit *req)
{
    bool known = is_among(req->findable, "none", "both") || is_among(req->findable, "email", "nickname");

    if (req->name.len > 0 && !text_is_plain(req->name))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "name: has a character that is not seen, or begins or ends with a blank");
    if (!is_among(req->locale, "ko", "en"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "locale: is neither ko nor en");
    return known ? OK : call_fail(call, ERR_INVALID_ARGUMENT, "findable: is none, email, nickname or both");
}

static enum err read_nickname(struct call *call, struct str typed, struct nickname *out)
{
    const char *why = NULL;

    *out = (struct nickname){ STR_NONE, STR_NONE };
    if (typed.len == 0) return OK;
    enum err e = nickname_read(call->pg, call->arena, typed, out, &why);
    return why != NULL ? call_fail(call, e, "nickname: %s", why) : e;
}

/* The former handle stays its user's, so that nobody else is taken for them. */
static const char EDIT[] =
    "UPDATE account SET name = CASE WHEN $2::text IS NULL THEN name ELSE nullif($2, '') END,"
    " nickname = coalesce($3, nickname), nickname_key = coalesce($4, nickname_key), locale = coalesce($5, locale),"
    " findable_email = CASE WHEN $6::text IS NULL THEN findable_email ELSE $6 IN ('email', 'both') END,"
    " findable_nickname = CASE WHEN $6::text IS NULL THEN findable_nickname ELSE $6 IN ('nickname', 'both') END,"
    " changed_at = $7 WHERE id = $1 AND state = 'active' AND NOT EXISTS (SELECT FROM nickname_reserved r WHERE"
    " (r.nickname_key = $4 OR r.skeleton = nickname_skeleton_of($3)) AND r.until > $7)";

static const char OWNS[] = "SELECT FROM account WHERE id = $1 AND state = 'active'";

enum err user_edit(struct call *call, const struct user_edit *req, struct user *rep)
{
    struct nickname nickname;
    struct account account;
    int64_t rows;
    struct id id;

    if (call->who->key.len > 0 || !id_parse(call->who->sub, &id)) return ERR_NOT_FOUND;
    TRY(check_edit(call, req));
    TRY(read_nickname(call, req->nickname, &nickname));
    TRY(pg_run(call->pg, call->arena, OWNS, PG_ARGS(pg_id(id)), &rows));
    if (rows == 0) return ERR_NOT_FOUND;
    enum err e = pg_run(call->pg, call->arena, EDIT,
        PG_ARGS(pg_id(id), pg_text(req->name), pg_text(nickname.written), pg_text(nickname.key),
            pg_text(req->locale.len > 0 ? req->locale : STR_NONE),
            pg_text(req->findable.len > 0 ? req->findable : STR_NONE), pg_time(call->now)),
        &rows);
    if (e == ERR_CONFLICT || (e == OK && rows == 0))
        return call_fail(call, ERR_CONFLICT, "nickname: another user has it, or had it not long ago");
    TRY(e);
    TRY(account_by_id(call->pg, call->arena, id, &account));
    *rep = account_user(&account);
    return OK;
}

/* --- one's picture, which share has --- */

static const char SET_PICTURE[] = "UPDATE account SET avatar = $2 WHERE id = $1";

enum err user_picture(struct call *call, const struct user_picture *req, struct nothing *rep)
{
    int64_t rows;

    (void)rep;
    TRY(pg_run(call->pg, call->arena, SET_PICTURE, PG_ARGS(pg_id(req->user), pg_text(req->avatar)), &rows));
    return rows == 0 ? ERR_NOT_FOUND : OK;
}

/* --- others --- */

#define SEEN "SELECT id, nickname, name, avatar_of(id, avatar) AS avatar FROM "

static const char PERSON[] = SEEN "account WHERE id = $1 AND state = 'active'";
static const char PERSONS[] = SEEN "account WHERE id = ANY ($1) AND state = 'active' ORDER BY id";

enum err user_get(struct call *call, const struct user_ref *req, struct person *rep)
{
    return pg_one(call->pg, call->arena, person_shape(), rep, PERSON, PG_ARGS(pg_id(req->user)));
}

#define IDS_MAX 100 /* proto/auth.def: person_page.users */

enum err user_list(struct call *call, const struct user_ids *req, struct person_page *rep)
{
    struct id *ids = arena_alloc(call->arena, IDS_MAX * sizeof *ids);
    struct str rest = req->ids;
    size_t n = 0;

    while (rest.at != NULL) {
        if (n == IDS_MAX) return call_fail(call, ERR_TOO_LARGE, "ids: more than %d", IDS_MAX);
        if (!id_parse(str_trim(str_cut(&rest, ',')), &ids[n++]))
            return call_fail(call, ERR_INVALID_ARGUMENT, "ids: not all of them are ids");
    }
    return pg_all(call->pg, call->arena, person_shape(), &rep->users, IDS_MAX, PERSONS,
        PG_ARGS(pg_ids(call->arena, (struct id_list){ ids, n })));
}

/* A user who may not be found is answered like one who is not there. */
static const char BY_EMAIL[] = SEEN "account WHERE email_key = $1 AND email_verified_at IS NOT NULL AND findable_email"
                                    " AND state = 'active'";
static const char BY_NICKNAME[] = SEEN "account WHERE nickname_key = $1 AND findable_nickname AND state = 'active'";

enum err user_find(struct call *call, const struct user_search *req, struct person *rep)
{
    struct nickname nickname;
    struct email email;
    const char *why;

    if ((req->email.len > 0) == (req->nickname.len > 0))
        return call_fail(call, ERR_INVALID_ARGUMENT, "email: either this or nickname is there");
    if (req->email.len > 0) {
        enum err e = email_read(call->pg, call->arena, req->email, &email, &why);
        if (e == ERR_INVALID_ARGUMENT) return ERR_NOT_FOUND;
        TRY(e);
        return pg_one(call->pg, call->arena, person_shape(), rep, BY_EMAIL, PG_ARGS(pg_text(email.key)));
    }
    enum err e = nickname_read(call->pg, call->arena, req->nickname, &nickname, &why);
    if (e == ERR_INVALID_ARGUMENT) return ERR_NOT_FOUND;
    TRY(e);
    return pg_one(call->pg, call->arena, person_shape(), rep, BY_NICKNAME, PG_ARGS(pg_text(nickname.key)));
}

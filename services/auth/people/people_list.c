/* people_list.c - who has an account. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/id_page.h"
#include "services/auth/people/people.h"

#define LIST_MAX 1000 /* proto/auth.def: people_page.users */

#define ENTRY                                                                                                          \
    "SELECT a.id, a.email, a.email_verified_at IS NOT NULL AS email_verified, a.nickname, a.name, a.locale, a.policy," \
    " a.state, a.delete_at, a.password IS NOT NULL AS has_password, a.created_at,"                                     \
    " (SELECT count(*) FROM factor f WHERE f.account_id = a.id AND f.confirmed_at IS NOT NULL) AS factors,"            \
    " (SELECT count(*) FROM session s WHERE s.account_id = a.id AND NOT s.pending AND s.expires_at > $1) AS sessions," \
    " (SELECT max(s.refreshed_at) FROM session s WHERE s.account_id = a.id) AS last_seen_at FROM account a "

#define THAT_FIT                                                                                                       \
    "($2::text IS NULL OR a.state = $2) AND ($3::text IS NULL OR a.email_key LIKE $3 || '%' OR a.nickname_key LIKE $3" \
    " || '%') AND ($4::text IS NULL OR a.policy = $4)"

/* The newest first. */
static const char BEHIND[] =
    ENTRY "WHERE " THAT_FIT
          " AND ($5::uuid IS NULL OR (a.created_at, a.id) < (SELECT created_at, id FROM account WHERE id = $5))"
          " ORDER BY a.created_at DESC, a.id DESC LIMIT $6";
static const char AHEAD[] = "SELECT * FROM (" ENTRY "WHERE " THAT_FIT
                            " AND (a.created_at, a.id) > (SELECT created_at, id FROM account WHERE id = $5)"
                            " ORDER BY a.created_at, a.id LIMIT $6) page ORDER BY created_at DESC, id DESC";
static const char ONE[] = ENTRY "WHERE a.id = $2";
/* How many there are, and how many before the first of the page. */
static const char PLACE[] =
    "SELECT count(*) AS total, count(*) FILTER (WHERE (a.created_at, a.id) > (SELECT created_at, id FROM account WHERE"
    " id = $1)) AS ahead FROM account a WHERE " THAT_FIT;

/* A percent sign or underscore that somebody typed stands for itself. */
static struct str prefix_of(struct arena *arena, struct str typed)
{
    struct buf out = BUF(1024);

    if (typed.len == 0) return STR_NONE;
    for (size_t i = 0; i < typed.len; i++) {
        if (typed.at[i] == '%' || typed.at[i] == '_' || typed.at[i] == '\\') buf_add_char(&out, '\\');
        buf_add_char(&out, typed.at[i]);
    }
    struct str prefix = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return prefix;
}

static enum err read_like(struct call *call, struct str like, struct str *out)
{
    struct nickname nickname;
    const char *why = NULL;

    *out = STR_NONE;
    if (like.len == 0) return OK;
    enum err e = nickname_read(call->pg, call->arena, like, &nickname, &why);
    if (why != NULL) return call_fail(call, e, "like: %s", why);
    TRY(e);
    *out = prefix_of(call->arena, nickname.key);
    return OK;
}

enum err people_list(struct call *call, const struct people_query *req, struct people_page *rep)
{
    struct pg_arg state = pg_text(req->state.len > 0 ? req->state : STR_NONE);
    struct pg_arg policy = pg_text(req->policy.len > 0 ? req->policy : STR_NONE);
    struct id_place place = { 0, 0 };
    struct str like;
    struct id cursor, first = { { 0 } }, last = first;
    bool is_ahead;

    TRY(read_like(call, req->like, &like));
    TRY(id_page_read(call, req->after, &is_ahead, &cursor));
    TRY(pg_all(call->pg, call->arena, user_entry_shape(), &rep->users, LIST_MAX, is_ahead ? AHEAD : BEHIND,
        PG_ARGS(pg_time(call->now), state, pg_text(like), policy, pg_id(cursor), pg_int(req->limit))));
    size_t n = rep->users.len;
    if (n > 0) first = rep->users.at[0].id, last = rep->users.at[n - 1].id;
    TRY(pg_one(
        call->pg, call->arena, &id_place_shape, &place, PLACE, PG_ARGS(pg_id(first), state, pg_text(like), policy)));
    rep->meta = id_page_meta(call, req->limit, n, first, last, &place);
    return OK;
}

/* --- one of them --- */

struct found_person {
    struct id id;
};
static const struct wire_field found_fields[] = { ROW_FIELD(struct found_person, id, ID), ROW_END };
static const struct wire_shape found_shape = { "found", "", sizeof(struct found_person), found_fields };

static const char BY_NICKNAME[] = "SELECT id FROM account WHERE nickname_key = $1";

enum err people_find(struct call *call, struct str named, struct id *out)
{
    struct nickname nickname;
    struct account account;
    struct found_person found;
    const char *why;

    enum err e = id_parse(named, out) ? account_by_id(call->pg, call->arena, *out, &account)
                                      : account_by_email(call->pg, call->arena, named, &account);
    if (e == OK) *out = account.id;
    if (e != ERR_NOT_FOUND) return e;
    e = nickname_read(call->pg, call->arena, named, &nickname, &why);
    if (e == ERR_INVALID_ARGUMENT) return ERR_NOT_FOUND;
    TRY(e);
    TRY(pg_one(call->pg, call->arena, &found_shape, &found, BY_NICKNAME, PG_ARGS(pg_text(nickname.key))));
    *out = found.id;
    return OK;
}

enum err people_entry(struct call *call, struct id account, struct user_entry *out)
{
    return pg_one(call->pg, call->arena, user_entry_shape(), out, ONE, PG_ARGS(pg_time(call->now), pg_id(account)));
}

enum err people_show(struct call *call, const struct people_ref *req, struct user_entry *rep)
{
    struct id account;

    TRY(people_find(call, req->user, &account));
    return people_entry(call, account, rep);
}

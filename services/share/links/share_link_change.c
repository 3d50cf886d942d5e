/* share_link_change.c - a link is changed, gets another code, or ends. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/rows.h"
#include "libshared/wire/msgpack_in.h"
#include "services/share/links/links.h"

static enum err hide_link(struct call *call, enum err e)
{
    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such link of yours") : e;
}

/* --- some of its settings --- */

struct merged_settings {
    struct str content; /* msgpack */
    bool says_password; /* another, or none */
};
static const struct wire_field merged_fields[] = { ROW_FIELD(struct merged_settings, content, ANY),
    ROW_FIELD(struct merged_settings, says_password, BOOL), ROW_END };
static const struct wire_shape merged_shape = { "merged", "", sizeof(struct merged_settings), merged_fields };

/* What is not set is no member: null would be one.  A password that there is is none, either: nobody can read it. */
static const char MERGE[] =
    "SELECT merge_patch(jsonb_strip_nulls(jsonb_build_object('label', label, 'expires_at',"
    " (extract(epoch FROM expires_at) * 1000)::bigint, 'view_budget', view_budget, 'download', download, 'noindex',"
    " noindex, 'preview', preview, 'theme', theme)), $3) AS content, jsonb_exists($3, 'password') AS says_password "
    "FROM share_link WHERE "
    "id = $1 AND owner = $2 FOR UPDATE";
static const char UPDATE[] =
    "UPDATE share_link SET label = $2, expires_at = $3, view_budget = nullif($4::bigint, 0), download = $5, noindex = "
    "$6,"
    " theme = $7, password = CASE WHEN $8::boolean THEN $9::text ELSE password END,"
    " passwords = passwords + ($8::boolean AND $9::text IS NOT NULL)::int, preview = $10 WHERE id = $1 "
    "RETURNING " LINK_COLUMNS;
static const char FORGET_GUESSES[] = "DELETE FROM share_guess WHERE link = $1";

struct editing {
    struct link_password then;
    const struct share_change *req;
    struct str password; /* its hash; none */
    struct share_link link;
};

static enum err read_settings(struct call *call, const struct share_change *req, struct share_settings *out, bool *says)
{
    struct merged_settings merged = { .says_password = false };

    enum err e = pg_one(call->pg, call->arena, &merged_shape, &merged, MERGE,
        PG_ARGS(pg_id(req->link), pg_text(call->who->sub), pg_json(call->arena, req->changes)));
    if (e != OK) return hide_link(call, e);
    *says = merged.says_password;
    TRY(wire_decode(share_settings_shape(), merged.content, call->arena, out, call->why));
    return link_expiry_check(call, out->expires_at);
}

static enum err edit_link(struct pg *pg, struct arena *arena, void *arg)
{
    struct editing *editing = arg;
    struct call call = call_on_worker(rpc_later_call(editing->then.later), pg, arena);
    struct share_settings now;
    struct link_row row = { .bytes = 0 };
    bool says = false;

    TRY(read_settings(&call, editing->req, &now, &says));
    TRY(pg_one(pg, arena, &link_row_shape, &row, UPDATE,
        PG_ARGS(pg_id(editing->req->link), pg_text(now.label), pg_time(now.expires_at), pg_int(now.view_budget),
            pg_bool(now.download), pg_bool(now.noindex), pg_text(now.theme), pg_bool(says), pg_text(editing->password),
            pg_bool(now.preview))));
    if (says) TRY(pg_run(pg, arena, FORGET_GUESSES, PG_ARGS(pg_id(row.id)), NULL));
    TRY(link_budget_set(&call, row.id, row.view_budget, row.views));
    link_describe(&call, &row, &editing->link);
    return OK;
}

static void answer_edit(void *arg, enum err e)
{
    struct editing *editing = arg;

    if (e == OK)
        share_tell(rpc_later_call(editing->then.later)->server, &(struct share_news){ .link = editing->req->link });
    rpc_later_done(editing->then.later, e, &editing->link);
}

/* What is no text is refused with the rest. */
static struct str password_of(struct str changes)
{
    struct msgpack_in in = { .left = msgpack_member(changes, "password") };
    struct msgpack_value value;

    return in.left.at != NULL && msgpack_next(&in, &value) && value.kind == MSGPACK_TEXT ? value.bytes : STR_NONE;
}

void share_link_edit(struct call *call, const struct share_change *req, struct rpc_later *later)
{
    static const struct rpc_step steps[] = { { WORKER, edit_link }, { 0 } };
    struct editing *editing = arena_zero(call->arena, sizeof *editing);

    editing->then = (struct link_password){ later, steps, answer_edit, editing };
    editing->req = req;
    enum err e = merge_patch_check(call, req->changes);
    if (e == OK)
        link_password_hash(password_of(req->changes), &editing->password, &editing->then);
    else
        answer_edit(editing, e);
}

/* --- another code --- */

static const char SET_CODE[] =
    "UPDATE share_link SET code_hash = $3, code = $4 WHERE id = $1 AND owner = $2 RETURNING " LINK_COLUMNS;

enum err share_link_reset(struct call *call, const struct share_link_ref *req, struct share_link *rep)
{
    struct link_row row = { .bytes = 0 };
    char code[LINK_CODE_CHARS + 1];

    link_code_make(code);
    struct str sealed =
        column_seal(call->arena, &sealed_share_link_code, link_uses_id(call->arena, req->link), str_of(code));
    enum err e = pg_one(call->pg, call->arena, &link_row_shape, &row, SET_CODE,
        PG_ARGS(pg_id(req->link), pg_text(call->who->sub), pg_bytes(link_code_hash(call->arena, str_of(code))),
            pg_bytes(sealed)));
    if (e != OK) return hide_link(call, e);
    share_tell_after(call, (struct share_news){ .link = req->link });
    link_describe(call, &row, rep);
    return OK;
}

/* --- its end --- */

static const char DELETE_LINK[] = "DELETE FROM share_link WHERE id = $1 AND owner = $2 RETURNING " LINK_COLUMNS;

enum err share_link_revoke(struct call *call, const struct share_link_ref *req, struct nothing *rep)
{
    struct link_row row = { .bytes = 0 };

    (void)rep;
    enum err e = pg_one(
        call->pg, call->arena, &link_row_shape, &row, DELETE_LINK, PG_ARGS(pg_id(req->link), pg_text(call->who->sub)));
    if (e != OK) return hide_link(call, e);
    share_tell_after(call, (struct share_news){ .link = req->link });
    TRY(quota_give(call, QUOTA_conversation_bytes, call->who->sub, row.bytes));
    return quota_give(call, QUOTA_share_links, call->who->sub, 1);
}

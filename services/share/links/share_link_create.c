/* share_link_create.c - making a link, and listing those that there are. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "services/share/conversations/conversations.h"
#include "services/share/reports/reports.h"

#define WEEK_MS  INT64_C(604800000)
#define PAGE_MAX 100 /* proto/share.def: share_link_page */

/* A snapshot is the conversation joined with itself, or with nothing. */
static const char INSERT_LINK[] =
    "INSERT INTO share_link (id, owner, conversation, code_hash, code, label, created_at, expires_at, view_budget,"
    " download, noindex, theme, client_key, snap_name, snap_theme, snap_data, snap_changed_at, bytes, password, "
    "passwords, preview)"
    " SELECT $1, $2, c.id, $4, $5, $6, $7, $8, nullif($9::bigint, 0), $10, $11, $12, $13, s.name, s.theme, s.data,"
    " s.changed_at, coalesce(s.bytes, 0), $15::text, ($15::text IS NOT NULL)::int, $16 FROM conversation c LEFT JOIN "
    "conversation s ON s.id = c.id AND $14::boolean"
    " WHERE c.id = $3 AND c.owner = $2 AND c.deleted_at IS NULL AND c.taken_down_at IS NULL"
    " ON CONFLICT (owner, client_key) DO NOTHING RETURNING " LINK_COLUMNS;
/* What it shows and what that names are of one moment; until the link is there, the conversation uses it: media_collect.c. */
static const char HOLD[] = "SELECT FROM conversation WHERE id = $1 AND owner = $2 FOR SHARE";
static const char USE_MEDIA[] = "INSERT INTO share_link_media (link, media) SELECT $1, m.id FROM conversation_media u"
                                " JOIN media m ON m.id = u.media WHERE u.conversation = $2 AND u.shown";
static const char LINK_BY_KEY[] = "SELECT " LINK_COLUMNS " FROM share_link WHERE owner = $1 AND client_key = $2";

static const char MISSING[] = "there is no such conversation of yours";

static enum err choose_expiry(struct call *call, const struct share_draft *draft, int64_t *out)
{
    *out = draft->endless ? 0 : draft->expires_at != 0 ? draft->expires_at : call->now + WEEK_MS;
    if (draft->endless && draft->expires_at != 0)
        return call_fail(call, ERR_INVALID_ARGUMENT, "endless: it is said when it ends");
    if (*out != 0 && *out <= call->now) return call_fail(call, ERR_INVALID_ARGUMENT, "expires_at: is over");
    return link_expiry_check(call, *out);
}

static enum err insert_link(
    struct call *call, const struct share_draft *draft, int64_t expires_at, struct str password, struct link_row *row)
{
    struct id id = id_new();
    char code[LINK_CODE_CHARS + 1];

    link_code_make(code);
    struct str sealed = column_seal(call->arena, &sealed_share_link_code, link_uses_id(call->arena, id), str_of(code));
    return pg_one(call->pg, call->arena, &link_row_shape, row, INSERT_LINK,
        PG_ARGS(pg_id(id), pg_text(call->who->sub), pg_id(draft->conversation),
            pg_bytes(link_code_hash(call->arena, str_of(code))), pg_bytes(sealed), pg_text(draft->label),
            pg_time(call->now), pg_time(expires_at), pg_int(draft->view_budget), pg_bool(draft->download),
            pg_bool(draft->noindex), pg_text(draft->theme), pg_text(draft->client_key), pg_bool(draft->snapshot),
            pg_text(password), pg_bool(draft->preview)));
}

static enum err keep_what_it_shows(struct call *call, const struct link_row *row)
{
    if (!row->snapshot) return OK;
    return pg_run(call->pg, call->arena, USE_MEDIA, PG_ARGS(pg_id(row->id), pg_id(row->conversation)), NULL);
}

static enum err count_link(struct call *call, const struct link_row *row)
{
    if (row->view_budget > 0) TRY(link_budget_set(call, row->id, row->view_budget, 0));
    if (row->bytes > 0) TRY(quota_take(call, QUOTA_conversation_bytes, row->bytes));
    return quota_take(call, QUOTA_share_links, 1);
}

struct creating {
    struct link_password then;
    const struct share_draft *draft;
    int64_t expires_at;
    struct str password; /* its hash; none */
    struct share_link link;
};

static enum err create_link(struct pg *pg, struct arena *arena, void *arg)
{
    struct creating *creating = arg;
    const struct share_draft *draft = creating->draft;
    struct call call = call_on_worker(rpc_later_call(creating->then.later), pg, arena);
    struct link_row row = { .bytes = 0 };

    TRY(conversation_require(&call, draft->conversation, CAN_link));
    if (draft->snapshot)
        TRY(pg_run(pg, arena, HOLD, PG_ARGS(pg_id(draft->conversation), pg_text(call.who->sub)), NULL));
    enum err e = insert_link(&call, draft, creating->expires_at, creating->password, &row);
    if (e == OK) e = keep_what_it_shows(&call, &row);
    if (e == OK)
        e = count_link(&call, &row);
    else if (e == ERR_NOT_FOUND && draft->client_key.len > 0) /* a client that lost our reply asks again */
        e = pg_one(
            pg, arena, &link_row_shape, &row, LINK_BY_KEY, PG_ARGS(pg_text(call.who->sub), pg_text(draft->client_key)));
    if (e == ERR_NOT_FOUND) return takedown_refuse(&call, draft->conversation, MISSING);
    TRY(e);
    link_describe(&call, &row, &creating->link);
    return OK;
}

static void answer_creation(void *arg, enum err e)
{
    struct creating *creating = arg;

    rpc_later_done(creating->then.later, e, &creating->link);
}

void share_link_create(struct call *call, const struct share_draft *draft, struct rpc_later *later)
{
    static const struct rpc_step steps[] = { { WORKER, create_link }, { 0 } };
    struct creating *creating = arena_zero(call->arena, sizeof *creating);

    creating->then = (struct link_password){ later, steps, answer_creation, creating };
    creating->draft = draft;
    enum err e = choose_expiry(call, draft, &creating->expires_at);
    if (e == OK)
        link_password_hash(draft->password, &creating->password, &creating->then);
    else
        answer_creation(creating, e);
}

/* --- those that there are --- */

static const char LINKS[] = "SELECT " LINK_COLUMNS " FROM share_link WHERE conversation = $1 AND id < coalesce($2,"
                            " 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) ORDER BY id DESC LIMIT $3";

static enum err read_place(struct call *call, const struct share_link_query *req, struct id *out)
{
    *out = (struct id){ { 0 } };
    if (req->after.len == 0 || id_parse(req->after, out)) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct page_meta *place_page(struct call *call, const struct share_link_query *req, struct link_row_list rows)
{
    struct page_meta *meta = arena_zero(call->arena, sizeof *meta);

    *meta = (struct page_meta){ .limit = req->limit, .total = -1 };
    if (rows.len == (size_t)req->limit) meta->next = link_uses_id(call->arena, rows.at[rows.len - 1].id);
    return meta;
}

enum err share_link_list(struct call *call, const struct share_link_query *req, struct share_link_page *rep)
{
    struct link_row_list rows = { NULL, 0 };
    struct id after;

    TRY(read_place(call, req, &after));
    TRY(conversation_require(call, req->conversation, CAN_link));
    TRY(pg_all(call->pg, call->arena, &link_row_shape, &rows, PAGE_MAX, LINKS,
        PG_ARGS(pg_id(req->conversation), pg_id(after), pg_int(req->limit))));
    rep->links = (struct share_link_list){ arena_alloc(call->arena, (rows.len + 1) * sizeof *rep->links.at), rows.len };
    for (size_t i = 0; i < rows.len; i++) link_describe(call, &rows.at[i], &rep->links.at[i]);
    rep->meta = place_page(call, req, rows);
    return OK;
}

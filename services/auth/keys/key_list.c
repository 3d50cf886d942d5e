/* key_list.c - the keys, without their secrets, page by page. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/id_page.h"
#include "services/auth/keys/keys.h"

#define KEYS_MAX 1000 /* proto/auth.def: key_page.keys */

#define AHEAD                                                                                                          \
    '-' /* before the id of a key: the page that ends before that key, and not the one that begins behind it */

static const char KEYS_BEHIND[] =
    "SELECT " KEY_COLUMNS
    " WHERE $2::text IS NULL OR (k.created_at, k.id) < (SELECT created_at, id FROM api_key WHERE id = $2)"
    " ORDER BY k.created_at DESC, k.id DESC LIMIT $3 OFFSET $4";

static const char KEYS_AHEAD[] = "SELECT * FROM (SELECT " KEY_COLUMNS
                                 " WHERE (k.created_at, k.id) > (SELECT created_at, id FROM api_key WHERE id = $2)"
                                 " ORDER BY k.created_at, k.id LIMIT $3) page ORDER BY created_at DESC, id DESC";

static const char PLACE[] = "SELECT count(*) AS total, count(*) FILTER (WHERE (created_at, id) > (SELECT created_at, id"
                            " FROM api_key WHERE id = $1)) AS ahead FROM api_key";

static enum err load_behind(struct call *call, struct str id, int64_t limit, int64_t offset, struct api_key_list *out)
{
    return pg_all(call->pg, call->arena, api_key_shape(), out, KEYS_MAX, KEYS_BEHIND,
        PG_ARGS(pg_time(call->now), pg_text(id), pg_int(limit), pg_int(offset)));
}

static enum err load_page(struct call *call, const struct key_query *req, struct api_key_list *out)
{
    bool is_ahead = req->after.len > 0 && req->after.at[0] == AHEAD;
    struct str id = str_skip(req->after, is_ahead ? 1 : 0);

    if (id.len == 0 && !is_ahead) return load_behind(call, STR_NONE, req->limit, (req->page - 1) * req->limit, out);
    if (!is_ahead) return load_behind(call, id, req->limit, 0, out);
    return pg_all(call->pg, call->arena, api_key_shape(), out, KEYS_MAX, KEYS_AHEAD,
        PG_ARGS(pg_time(call->now), pg_text(id), pg_int(req->limit)));
}

static struct page_meta *describe_page(
    struct call *call, const struct key_query *req, const struct api_key_list *keys, const struct id_place *place)
{
    struct page_meta *meta = arena_zero(call->arena, sizeof *meta);
    int64_t n = (int64_t)keys->len;

    meta->limit = req->limit;
    meta->total = place->total;
    meta->page = n > 0 ? place->ahead / req->limit + 1 : req->page;
    if (n > 0 && place->ahead > 0) meta->prev = arena_printf(call->arena, "%c%.*s", AHEAD, STR_ARG(keys->at[0].id));
    if (n > 0 && place->ahead + n < place->total) meta->next = keys->at[keys->len - 1].id;
    return meta;
}

enum err key_list(struct call *call, const struct key_query *req, struct key_page *rep)
{
    struct id_place place = { 0, 0 };

    TRY(load_page(call, req, &rep->keys));
    TRY(pg_one(call->pg, call->arena, &id_place_shape, &place, PLACE,
        PG_ARGS(pg_text(rep->keys.len > 0 ? rep->keys.at[0].id : STR_NONE))));
    rep->meta = describe_page(call, req, &rep->keys, &place);
    return OK;
}

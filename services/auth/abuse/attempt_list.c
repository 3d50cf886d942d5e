/* attempt_list.c - attempts, the newest first, page by page: somebody's own, or all that fit. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "services/auth/auth.h"

#define FAR_MS INT64_C(4102444800000) /* 2100 */

/* A statement for each index, so that none is planned for the others' case.  `at` has whole milliseconds. */
#define ATTEMPTS(of_)                                                                                                  \
    "SELECT id, at, kind, nullif(subject, '') AS subject, nullif(key, '') AS key, nullif(address, '') AS address,"     \
    " nullif(device, '') AS device, result, nullif(trace, '') AS trace, times FROM attempt WHERE " of_                 \
    " AND ($1::text IS NULL OR subject = $1) AND ($2::text IS NULL OR key = $2)"                                       \
    " AND ($3::text IS NULL OR address = $3) AND ($4::text IS NULL OR kind = $4)"                                      \
    " AND ($5::text IS NULL OR result = $5 OR ($5 = 'refused' AND result <> 'ok'))"                                    \
    " AND at >= $6 AND (at, id) < ($7, $8::uuid) ORDER BY at DESC, id DESC LIMIT $9"

static const char OF_SUBJECT[] = ATTEMPTS("subject = $1 AND subject <> ''");
static const char OF_KEY[] = ATTEMPTS("key = $2 AND key <> ''");
static const char OF_ADDRESS[] = ATTEMPTS("address = $3 AND address <> ''");
static const char OF_ALL[] = ATTEMPTS("true");

static const char *statement(const struct attempt_query *req)
{
    if (req->subject.len > 0) return OF_SUBJECT;
    if (req->key.len > 0) return OF_KEY;
    return req->address.len > 0 ? OF_ADDRESS : OF_ALL;
}

static struct str if_any(struct str text)
{
    return text.len > 0 ? text : STR_NONE;
}

/* Where a page ended: the time and the id of its last row. */
static bool read_cursor(struct str cursor, int64_t *at, struct id *id)
{
    struct str rest = cursor, number = str_cut(&rest, '.');

    return str_to_int(number, at) && *at > 0 && *at < FAR_MS && id_parse(rest, id);
}

static struct str cursor_of(struct arena *arena, const struct attempt_row *last)
{
    char id[ID_TEXT_BYTES + 1];

    id_format(last->id, id);
    return arena_printf(arena, "%" PRId64 ".%s", last->at, id);
}

static enum err list_attempts(struct call *call, const struct attempt_query *req, struct attempt_page *rep)
{
    int64_t before = req->until > 0 ? req->until + 1 : FAR_MS;
    struct id id;

    memset(&id, 0xff, sizeof id);
    if (req->after.len > 0 && !read_cursor(req->after, &before, &id))
        return call_fail(call, ERR_INVALID_ARGUMENT, "after: is not where a page ended");
    if (req->after.len == 0 && req->until > 0)
        memset(&id, 0, sizeof id), id.b[15] = 1; /* all of `until`, none behind it */
    TRY(pg_all(call->pg, call->arena, attempt_row_shape(), &rep->attempts, (size_t)req->limit, statement(req),
        PG_ARGS(pg_text(if_any(req->subject)), pg_text(if_any(req->key)), pg_text(if_any(req->address)),
            pg_text(if_any(req->kind)), pg_text(if_any(req->result)), pg_time(req->since > 0 ? req->since : 1),
            pg_time(before), pg_id(id), pg_int(req->limit))));
    rep->meta = arena_zero(call->arena, sizeof *rep->meta);
    *rep->meta = (struct page_meta){ .limit = req->limit, .total = -1 };
    if (rep->attempts.len == (size_t)req->limit)
        rep->meta->next = cursor_of(call->arena, &rep->attempts.at[rep->attempts.len - 1]);
    return OK;
}

enum err attempt_list(struct call *call, const struct attempt_query *req, struct attempt_page *rep)
{
    struct attempt_query query = *req;

    TRY(subject_spell(call, req->subject, &query.subject));
    return list_attempts(call, &query, rep);
}

enum err attempt_mine(struct call *call, const struct attempt_own_query *req, struct attempt_page *rep)
{
    struct attempt_query query = { .subject = call->who->sub,
        .kind = req->kind,
        .result = req->result,
        .since = req->since,
        .after = req->after,
        .limit = req->limit };

    if (query.subject.len == 0) return ERR_UNAUTHENTICATED;
    return list_attempts(call, &query, rep);
}

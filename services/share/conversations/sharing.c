/* sharing.c - with whom a conversation is shared, and that it is no more. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/conversations/conversations_private.h"

#define PEOPLE_MAX 1000 /* proto/share.def: sharing_page */

#define SHARING                                                                                                        \
    "SELECT s.subject, s.role, s.since, d.nickname, d.name FROM sharing s LEFT JOIN directory d"                       \
    " ON d.subject = s.subject WHERE s.conversation = $1"
static const char ONE[] = SHARING " AND s.subject = $2";
static const char ALL[] = SHARING " ORDER BY s.since, s.subject LIMIT $2";

struct str sharing_subject(struct arena *arena, struct str subject)
{
    struct id user;
    char text[ID_TEXT_BYTES + 1];

    if (!id_parse(subject, &user)) return subject;
    id_format(user, text);
    return arena_str(arena, str_of(text));
}

enum err sharing_find(struct call *call, struct id conversation, struct str subject, struct sharing *out)
{
    return pg_one(call->pg, call->arena, sharing_shape(), out, ONE, PG_ARGS(pg_id(conversation), pg_text(subject)));
}

enum err sharing_list(struct call *call, const struct conversation_ref *req, struct sharing_page *rep)
{
    TRY(conversation_require(call, req->conversation, CAN_share));
    return pg_all(call->pg, call->arena, sharing_shape(), &rep->people, PEOPLE_MAX, ALL,
        PG_ARGS(pg_id(req->conversation), pg_int(PEOPLE_MAX)));
}

/* --- no more --- */

static const char END_SHARING[] = "DELETE FROM sharing WHERE conversation = $1 AND subject = $2";

/* Whoever was not there is not afterwards, either. */
enum err sharing_end(struct call *call, const struct sharing_ref *req, struct nothing *rep)
{
    struct str subject = sharing_subject(call->arena, req->subject);
    bool leaves = str_eq(subject, call->who->sub);
    struct conversation_state state;
    int64_t rows = 0;

    (void)rep;
    TRY(conversation_lock(call, req->conversation, leaves ? CAN_leave : CAN_share, STR_NONE, &state));
    TRY(pg_run(call->pg, call->arena, END_SHARING, PG_ARGS(pg_id(req->conversation), pg_text(subject)), &rows));
    if (rows == 0) return OK;
    TRY(quota_give(call, QUOTA_sharings, state.owner, rows));
    return sharing_put_news(call, state.owner, subject);
}

/* --- of who is erased --- */

struct sharings_of {
    struct str owner;
    int64_t rows;
};
struct sharings_of_list {
    struct sharings_of *at;
    size_t len;
};
static const struct wire_field sharings_of_fields[] = { ROW_FIELD(struct sharings_of, owner, TEXT),
    ROW_FIELD(struct sharings_of, rows, INT), ROW_END };
static const struct wire_shape sharings_of_shape = { "sharings_of", "", sizeof(struct sharings_of),
    sharings_of_fields };

#define AT_ONCE 1000

static const char END_ALL[] =
    "WITH gone AS (DELETE FROM sharing WHERE subject = $1 AND conversation IN (SELECT conversation FROM sharing"
    " WHERE subject = $1 ORDER BY conversation LIMIT $2) RETURNING conversation)"
    " SELECT c.owner, count(*) AS rows FROM gone g JOIN conversation c ON c.id = g.conversation"
    " GROUP BY c.owner ORDER BY c.owner";

enum err sharings_erase(struct call *call, struct str owner, struct id_list *files, int64_t *rows)
{
    struct sharings_of_list ended = { NULL, 0 };

    (void)files;
    *rows = 0;
    TRY(pg_all(
        call->pg, call->arena, &sharings_of_shape, &ended, AT_ONCE, END_ALL, PG_ARGS(pg_text(owner), pg_int(AT_ONCE))));
    for (size_t i = 0; i < ended.len; i++) {
        TRY(quota_give(call, QUOTA_sharings, ended.at[i].owner, ended.at[i].rows));
        *rows += ended.at[i].rows;
    }
    return OK;
}

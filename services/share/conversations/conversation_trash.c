/* conversation_trash.c - a conversation goes: into the trash, and from there for good after a while. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/conversations/conversations_private.h"
#include "services/share/links/links.h"

#define AT_ONCE 500

static const char PUT_AWAY[] = "UPDATE conversation SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";
static const char DELETE_CONVERSATION[] = "DELETE FROM conversation WHERE id = $1";

/* Links go with their conversation. */
struct linked {
    int64_t links, bytes;
};
static const struct wire_field linked_fields[] = { ROW_FIELD(struct linked, links, INT),
    ROW_FIELD(struct linked, bytes, INT), ROW_END };
static const struct wire_shape linked_shape = { "linked", "", sizeof(struct linked), linked_fields };

static const char COUNT_LINKS[] =
    "SELECT count(*) AS links, coalesce(sum(bytes), 0)::bigint AS bytes FROM share_link WHERE conversation = $1";

static enum err give_back(struct call *call, struct str owner, int64_t conversations, int64_t bytes, int64_t links)
{
    TRY(quota_give(call, QUOTA_conversations, owner, conversations));
    TRY(quota_give(call, QUOTA_conversation_bytes, owner, bytes));
    return links > 0 ? quota_give(call, QUOTA_share_links, owner, links) : OK;
}

/* Of one that is there already it is still the first time that counts. */
enum err conversation_delete(struct call *call, const struct conversation_removal *req, struct nothing *rep)
{
    struct conversation_state state;
    struct linked linked = { 0, 0 };

    (void)rep;
    TRY(conversation_lock(call, req->conversation, req->if_match, &state));
    share_tell_after(call, (struct share_news){ .conversation = req->conversation });
    if (!req->for_good)
        return pg_run(call->pg, call->arena, PUT_AWAY, PG_ARGS(pg_id(req->conversation), pg_time(call->now)), NULL);
    TRY(pg_one(call->pg, call->arena, &linked_shape, &linked, COUNT_LINKS, PG_ARGS(pg_id(req->conversation))));
    TRY(pg_run(call->pg, call->arena, DELETE_CONVERSATION, PG_ARGS(pg_id(req->conversation)), NULL));
    return give_back(call, call->who->sub, 1, state.bytes + linked.bytes, linked.links);
}

static const char TAKE_BACK[] =
    "UPDATE conversation SET deleted_at = NULL WHERE id = $1 AND owner = $2 RETURNING " CONVERSATION;

enum err conversation_undelete(struct call *call, const struct conversation_ref *req, struct conversation *rep)
{
    enum err e = pg_one(call->pg, call->arena, conversation_shape(), rep, TAKE_BACK,
        PG_ARGS(pg_id(req->conversation), pg_text(call->who->sub)));

    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such conversation of yours") : e;
}

/* --- for good --- */

struct expired {
    struct str owner;
    int64_t conversations, bytes, links;
};
struct expired_list {
    struct expired *at;
    size_t len;
};
static const struct wire_field expired_fields[] = { ROW_FIELD(struct expired, owner, TEXT),
    ROW_FIELD(struct expired, conversations, INT), ROW_FIELD(struct expired, bytes, INT),
    ROW_FIELD(struct expired, links, INT), ROW_END };
static const struct wire_shape expired_shape = { "expired", "", sizeof(struct expired), expired_fields };

/* The links are those that there were before: they go when the statement ends. */
static const char EXPIRE[] =
    "WITH gone AS (DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE deleted_at < $1"
    " ORDER BY deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id, owner, bytes)"
    " SELECT owner, count(*) AS conversations, sum(g.bytes + l.bytes)::bigint AS bytes, sum(l.links)::bigint AS links"
    " FROM gone g, LATERAL (SELECT count(*) AS links, coalesce(sum(bytes), 0) AS bytes FROM share_link"
    " WHERE conversation = g.id) l GROUP BY owner ORDER BY owner";

enum err trash_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    struct expired_list expired = { NULL, 0 };
    int64_t before = call->now - share_settings(call)->trash_days * 86400 * 1000, n = 0;

    (void)payload;
    TRY(pg_all(
        call->pg, call->arena, &expired_shape, &expired, AT_ONCE, EXPIRE, PG_ARGS(pg_time(before), pg_int(AT_ONCE))));
    for (size_t i = 0; i < expired.len; i++) {
        const struct expired *of = &expired.at[i];
        TRY(give_back(call, of->owner, of->conversations, of->bytes, of->links));
        n += of->conversations;
    }
    call_note(call, F_INT("removed", n));
    return n == AT_ONCE ? job_put(call, &trash_expire_job, job->key, payload, 0) : OK;
}

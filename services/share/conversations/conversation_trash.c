/* conversation_trash.c - a conversation goes: into the trash, and from there for good after a while. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/conversations/conversations_private.h"
#include "services/share/links/links.h"

#define AT_ONCE 500

static const char PUT_AWAY[] = "UPDATE conversation SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";

/* What goes with conversations, and is counted to their owner. */
struct counts {
    struct str owner;
    int64_t conversations, bytes, links, sharings;
};
struct counts_list {
    struct counts *at;
    size_t len;
};
static const struct wire_field counts_fields[] = { ROW_FIELD(struct counts, owner, TEXT),
    ROW_FIELD(struct counts, conversations, INT), ROW_FIELD(struct counts, bytes, INT),
    ROW_FIELD(struct counts, links, INT), ROW_FIELD(struct counts, sharings, INT), ROW_END };
static const struct wire_shape counts_shape = { "counts", "", sizeof(struct counts), counts_fields };

/* Of the conversations `gone` (id, owner, bytes).  What goes with one is there until the statement ends that deletes it. */
#define COUNT_WITH                                                                                                     \
    " SELECT owner, count(*) AS conversations, sum(o.bytes + l.bytes)::bigint AS bytes, sum(l.links)::bigint AS"       \
    " links, sum(s.sharings)::bigint AS sharings FROM gone o, LATERAL (SELECT count(*) AS links, coalesce(sum(bytes)," \
    " 0) AS bytes FROM share_link WHERE conversation = o.id) l, LATERAL (SELECT count(*) AS sharings FROM sharing"     \
    " WHERE conversation = o.id) s GROUP BY owner ORDER BY owner"

static const char DELETE_CONVERSATION[] =
    "WITH gone AS (DELETE FROM conversation WHERE id = $1 RETURNING id, owner, bytes)" COUNT_WITH;

static enum err give_back(struct call *call, const struct counts *counts)
{
    struct str owner = counts->owner;

    TRY(quota_give(call, QUOTA_conversations, owner, counts->conversations));
    TRY(quota_give(call, QUOTA_conversation_bytes, owner, counts->bytes));
    if (counts->links > 0) TRY(quota_give(call, QUOTA_share_links, owner, counts->links));
    return counts->sharings > 0 ? quota_give(call, QUOTA_sharings, owner, counts->sharings) : OK;
}

/* Of one that is there already it is still the first time that counts. */
enum err conversation_delete(struct call *call, const struct conversation_removal *req, struct nothing *rep)
{
    struct conversation_state state;
    struct counts counts = { .links = 0 };

    (void)rep;
    TRY(conversation_lock(call, req->conversation, CAN_delete, req->if_match, &state));
    share_tell_after(call, (struct share_news){ .conversation = req->conversation });
    if (!req->for_good)
        return pg_run(call->pg, call->arena, PUT_AWAY, PG_ARGS(pg_id(req->conversation), pg_time(call->now)), NULL);
    TRY(pg_one(call->pg, call->arena, &counts_shape, &counts, DELETE_CONVERSATION, PG_ARGS(pg_id(req->conversation))));
    return give_back(call, &counts);
}

static const char TAKE_BACK[] =
    "UPDATE conversation SET deleted_at = NULL WHERE id = $1 AND owner = $2 RETURNING " CONVERSATION;

enum err conversation_undelete(struct call *call, const struct conversation_ref *req, struct conversation *rep)
{
    TRY(conversation_require(call, req->conversation, CAN_delete));
    enum err e = pg_one(call->pg, call->arena, conversation_shape(), rep, TAKE_BACK,
        PG_ARGS(pg_id(req->conversation), pg_text(call->who->sub)));

    conversation_describe(call, STR("owner"), rep);
    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such conversation of yours") : e;
}

/* --- for good --- */

static const char EXPIRE[] =
    "WITH gone AS (DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE deleted_at < $1"
    " ORDER BY deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id, owner, bytes)" COUNT_WITH;

enum err trash_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    struct counts_list expired = { NULL, 0 };
    int64_t before = call->now - share_settings(call)->trash_days * 86400 * 1000, n = 0;

    (void)payload;
    TRY(pg_all(
        call->pg, call->arena, &counts_shape, &expired, AT_ONCE, EXPIRE, PG_ARGS(pg_time(before), pg_int(AT_ONCE))));
    for (size_t i = 0; i < expired.len; i++) {
        TRY(give_back(call, &expired.at[i]));
        n += expired.at[i].conversations;
    }
    call_note(call, F_INT("removed", n));
    return n == AT_ONCE ? job_put(call, &trash_expire_job, job->key, payload, 0) : OK;
}

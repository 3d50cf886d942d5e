/*
 * version_delete.c - former versions go: what is over the bounds, what is too old, and what an owner has forgotten.
 *
 * How much all of an owner's count as is a row of former_version_usage, which the database's triggers keep.  Who holds that row, because one
 * was kept or is gone, takes no former version that another is at: that one goes with the other's commit.
 */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/conversations/conversations_private.h"

/* Each counts as 1 KiB at least, and one that is kept as 257 at most: for that no more have to go. */
#define AT_ONCE 500

bool versions_are_kept(const struct call *call)
{
    const struct settings_share *settings = share_settings(call);

    return settings->versions > 0 && settings->version_days > 0 && settings->version_bytes > 0 &&
           settings->owner_version_bytes > 0;
}

#define DELETE_THESE(chosen)                                                                                           \
    "DELETE FROM former_version WHERE (conversation, version) IN (SELECT f.conversation, f.version FROM"               \
    " former_version f JOIN (" chosen ") o USING (conversation, version) FOR UPDATE OF f SKIP LOCKED)"

/* --- over the bounds --- */

/* Nothing, unless what it was just now was kept. */
static const char TRIM_CONVERSATION[] = DELETE_THESE(
    "SELECT conversation, version FROM (SELECT conversation, version, row_number() OVER walk AS n, sum(counts) OVER"
    " walk AS bytes FROM former_version WHERE conversation = $1 WINDOW walk AS (ORDER BY version DESC)) newest"
    " WHERE (n > $2 OR bytes > $3) AND EXISTS (SELECT FROM former_version k JOIN conversation c ON"
    " c.id = k.conversation WHERE c.id = $1 AND k.version = c.version - 1)");
static const char TRIM_OWNER[] = DELETE_THESE(
    "SELECT conversation, version FROM (SELECT conversation, version, sum(counts) OVER (ORDER BY kept_at,"
    " conversation, version) - counts AS older FROM (SELECT * FROM former_version WHERE owner = $1 AND EXISTS (SELECT"
    " FROM former_version_usage WHERE owner = $1 AND used > $2) ORDER BY kept_at, conversation, version LIMIT $3)"
    " oldest) walk WHERE older < (SELECT used - $2 FROM former_version_usage WHERE owner = $1)");

enum err versions_trim(struct call *call, struct id conversation, struct str owner)
{
    const struct settings_share *settings = share_settings(call);

    TRY(pg_run(call->pg, call->arena, TRIM_CONVERSATION,
        PG_ARGS(pg_id(conversation), pg_int(settings->versions), pg_int(settings->version_bytes)), NULL));
    return pg_run(call->pg, call->arena, TRIM_OWNER,
        PG_ARGS(pg_text(owner), pg_int(settings->owner_version_bytes), pg_int(AT_ONCE)), NULL);
}

/* --- forgotten --- */

static const char DELETE_ONE[] = "DELETE FROM former_version WHERE conversation = $1 AND version = $2";
static const char DELETE_ALL[] = "DELETE FROM former_version WHERE conversation = $1";

enum err version_delete(struct call *call, const struct version_ref *req, struct nothing *rep)
{
    struct conversation_state state;
    int64_t rows = 0;

    (void)rep;
    TRY(conversation_lock(call, req->conversation, CAN_forget, STR_NONE, &state));
    TRY(pg_run(call->pg, call->arena, DELETE_ONE, PG_ARGS(pg_id(req->conversation), pg_int(req->version)), &rows));
    return rows > 0 ? OK : call_fail(call, ERR_NOT_FOUND, "there is no such former version of it");
}

enum err version_clear(struct call *call, const struct conversation_ref *req, struct nothing *rep)
{
    struct conversation_state state;

    (void)rep;
    TRY(conversation_lock(call, req->conversation, CAN_forget, STR_NONE, &state));
    return pg_run(call->pg, call->arena, DELETE_ALL, PG_ARGS(pg_id(req->conversation)), NULL);
}

/* --- too old --- */

struct of_owner {
    struct str owner;
};
static const struct wire_field of_owner_fields[] = { ROW_FIELD(struct of_owner, owner, TEXT), ROW_END };
static const struct wire_shape of_owner_shape = { "of_owner", "", sizeof(struct of_owner), of_owner_fields };

static const char OLDEST[] = "SELECT owner FROM former_version WHERE kept_at < $1 ORDER BY kept_at LIMIT 1";
static const char HOLD_USAGE[] = "SELECT FROM former_version_usage WHERE owner = $1 FOR UPDATE";
static const char EXPIRE[] = DELETE_THESE("SELECT conversation, version FROM former_version WHERE owner = $1"
                                          " AND kept_at < $2 ORDER BY kept_at LIMIT $3");

/* One owner's in a transaction: who holds the usage of two may wait for somebody who waits for them. */
enum err version_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t days = versions_are_kept(call) ? share_settings(call)->version_days : 0;
    int64_t before = call->now - days * 86400 * 1000, rows = 0;
    struct of_owner oldest;

    (void)payload;
    enum err e = pg_one(call->pg, call->arena, &of_owner_shape, &oldest, OLDEST, PG_ARGS(pg_time(before)));
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    TRY(pg_run(call->pg, call->arena, HOLD_USAGE, PG_ARGS(pg_text(oldest.owner)), NULL));
    TRY(pg_run(call->pg, call->arena, EXPIRE, PG_ARGS(pg_text(oldest.owner), pg_time(before), pg_int(AT_ONCE)), &rows));
    call_note(call, F_INT("removed", rows));
    return rows > 0 ? job_put(call, &version_expire_job, job->key, payload, 0) : OK;
}
